import type * as ort from 'onnxruntime-node'
import { stopwatch } from '../clock.ts'
import type { Opened } from '../audio/load.ts'
import { WINDOW_SAMPLES, whisperLogMel } from '../features/whisper.ts'
import { WHISPER_MELS, whisperEncoder, whisperStep, type WhisperShape } from '../models/whisper.ts'
import type { Pipeline, Sessions } from '../network.ts'
import { largest } from './transducer.ts'

/** About what 30 s of English take: the clip's 143 words are some 190 tokens in two windows. */
export const TOKENS_PER_WINDOW = 100
/** <|startoftranscript|> of the multilingual vocabulary. */
export const START = 50258

export const whisperModels = (shape: WhisperShape) => ({ encoder: whisperEncoder(shape).bytes, decoder: whisperStep(shape).bytes })

/** Windows of 30 s: encoder, then a fixed number of greedy steps with a growing cache. */
export function whisperPipeline(shape: WhisperShape, { Tensor }: typeof ort, { encoder, decoder }: Sessions): Pipeline {
  const size = shape.width / shape.heads
  const layers = Array.from({ length: shape.layers }, (_, i) => i)
  const int64 = (value: number) => new Tensor('int64', BigInt64Array.of(BigInt(value)), [1, 1])
  return async (opened: Opened) => {
    const watch = stopwatch()
    const { samples } = opened.decode()
    watch.mark('audio')
    let output: Float32Array | null = null
    for (let at = 0; at < samples.length; at += WINDOW_SAMPLES) {
      const window = new Float32Array(WINDOW_SAMPLES)
      window.set(samples.subarray(at, at + WINDOW_SAMPLES))
      const { data, frames } = whisperLogMel(window, WHISPER_MELS)
      watch.mark('features')
      const heard = await encoder!.run({ mel: new Tensor('float32', data, [1, WHISPER_MELS, frames]) })
      output = heard['encoded']!.data as Float32Array
      watch.mark('encoder')
      await decode(heard)
      watch.mark('decoder')
    }
    return { ...watch.total(), phases: watch.phases, text: null, output }
  }

  async function decode(heard: ort.InferenceSession.OnnxValueMapType): Promise<void> {
    const cross = Object.fromEntries(layers.flatMap((i) => ['k', 'v'].map((n) => [`cross_${n}${i}`, heard[`cross_${n}${i}`]!])))
    let past = Object.fromEntries(layers.flatMap((i) => ['k', 'v'].map((n) => [`past_${n}${i}`, new Tensor('float32', new Float32Array(0), [1, shape.heads, 0, size])])))
    let token = START
    for (let position = 0; position < TOKENS_PER_WINDOW; position++) {
      const said = await decoder!.run({ token: int64(token), position: int64(position), ...cross, ...past })
      token = largest(said['logits']!.data as Float32Array)
      past = Object.fromEntries(layers.flatMap((i) => ['k', 'v'].map((n) => [`past_${n}${i}`, said[`next_${n}${i}`] as ort.TypedTensor<'float32'>])))
    }
  }
}
