import type * as ort from 'onnxruntime-node'
import { stopwatch } from '../clock.ts'
import type { Opened } from '../audio/load.ts'
import { MODEL_RATE } from '../audio/load.ts'
import { kaldiFbank } from '../features/kaldi.ts'
import { fastConformerEncoder, MELS, type FastConformerShape } from '../models/fastconformer.ts'
import { BLANK, STATE, transducerStep } from '../models/transducer.ts'
import type { Pipeline, Sessions } from '../network.ts'

/** Attention grows with the square of the length, so longer recordings are heard in pieces, as services do. */
export const PIECE_SAMPLES = 60 * MODEL_RATE

export const transducerModels = (shape: FastConformerShape) => ({ encoder: fastConformerEncoder(shape).bytes, decoder: transducerStep(shape.width).bytes })

/** One pass of the encoder, then one step of the prediction network and the joint for each of its frames. */
export function transducerPipeline(shape: FastConformerShape, { Tensor }: typeof ort, { encoder, decoder }: Sessions): Pipeline {
  return async (opened: Opened) => {
    const watch = stopwatch()
    const { samples } = opened.decode()
    watch.mark('audio')
    let encoded: Float32Array | null = null
    for (let at = 0; at < samples.length; at += PIECE_SAMPLES) {
      const piece = samples.subarray(at, at + PIECE_SAMPLES)
      const { data, frames } = kaldiFbank(piece)
      normalise(data, MELS)
      watch.mark('features')
      if (frames === 0) continue
      const heard = (await encoder!.run({ mel: new Tensor('float32', data, [1, frames, MELS]) }))['encoded']!
      encoded = heard.data as Float32Array
      watch.mark('encoder')
      await decode(encoded)
      watch.mark('decoder')
    }
    return { ...watch.total(), phases: watch.phases, text: null, output: encoded }
  }

  async function decode(encoded: Float32Array): Promise<void> {
    let token = BLANK
    let h: ort.Tensor = new Tensor('float32', new Float32Array(STATE), [1, 1, STATE])
    let c: ort.Tensor = new Tensor('float32', new Float32Array(STATE), [1, 1, STATE])
    for (let at = 0; at < encoded.length; at += shape.width) {
      const frame = new Tensor('float32', encoded.subarray(at, at + shape.width), [1, shape.width])
      const said = await decoder!.run({ frame, token: new Tensor('int64', BigInt64Array.of(BigInt(token)), [1, 1]), h, c })
      const best = largest(said['logits']!.data as Float32Array)
      if (best === BLANK) continue
      token = best
      h = said['h_next']!
      c = said['c_next']!
    }
  }
}

/** Each mel channel to mean 0 and variance 1 over the recording, as NeMo does (`normalize: per_feature`). */
export function normalise(data: Float32Array, mels: number): void {
  const frames = data.length / mels
  for (let m = 0; m < mels; m++) {
    let sum = 0
    let squares = 0
    for (let i = m; i < data.length; i += mels) {
      sum += data[i]!
      squares += data[i]! ** 2
    }
    const mean = sum / frames
    const spread = Math.sqrt(Math.max(0, squares / frames - mean * mean)) + 1e-5
    for (let i = m; i < data.length; i += mels) data[i] = (data[i]! - mean) / spread
  }
}

export function largest(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}
