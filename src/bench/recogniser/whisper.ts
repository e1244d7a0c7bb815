import type * as ort from 'onnxruntime-node'
import type { Opened } from '../audio/load.ts'
import { stopwatch } from '../clock.ts'
import type { Pipeline } from '../network.ts'
import { textFrom, type TokenTable } from './tokens.ts'

/** What a Whisper is told and forbidden while it writes; the layouts keep it in different places. */
export interface WhisperRules {
  /** The first tokens, `null` where the language belongs that the model itself hears. */
  readonly prompt: readonly (number | null)[]
  readonly languages: readonly number[]
  readonly end: number
  readonly suppressed: readonly number[]
  /** Only where the first token after the prompt is chosen. */
  readonly suppressedFirst: readonly number[]
  /** How many tokens may follow the prompt in a window with so many frames of sound. */
  most(frames: number): number
}

/** One window as the encoder heard it. */
export interface HeardWindow {
  /** The encoder's output, to be compared between devices. */
  readonly output: Float32Array
  /** Reads tokens with an empty memory, then on each call those that follow. Resolves to the scores of the one to come next. */
  read(): (tokens: readonly number[]) => Promise<Float32Array>
}

export interface WhisperModel {
  readonly rules: WhisperRules
  readonly tokens: TokenTable
  /** Samples at 16 kHz that are heard at once. */
  readonly windowSamples: number
  features(samples: Float32Array): { readonly data: Float32Array; readonly frames: number; /** Of sound, without the padding. */ readonly heardFrames: number }
}

export type Encode = (mel: Float32Array, frames: number) => Promise<HeardWindow>

/**
 * Windows one after another, each heard by itself: no timestamps, no text of the window before, the most probable token each
 * time. That is what the exporters' own pipelines do with one window, and the least that any program does.
 */
export function whisperModelPipeline(model: WhisperModel, encode: Encode): Pipeline {
  return async (opened: Opened) => {
    const watch = stopwatch()
    const { samples } = opened.decode()
    watch.mark('audio')
    const windows: (readonly number[])[] = []
    let output: Float32Array | null = null
    for (let at = 0; at < samples.length; at += model.windowSamples) {
      const { data, frames, heardFrames } = model.features(samples.subarray(at, at + model.windowSamples))
      watch.mark('features')
      if (heardFrames === 0) continue
      const heard = await encode(data, frames)
      output = heard.output
      watch.mark('encoder')
      windows.push(await greedy(model.rules, heard, heardFrames))
      watch.mark('decoder')
    }
    const text = windows.map((tokens) => textFrom(model.tokens, tokens).trim()).filter(Boolean).join(' ')
    return { ...watch.total(), phases: watch.phases, text, output, tokens: windows }
  }
}

/** The tokens after the prompt, without the one that ends them. */
export async function greedy(rules: WhisperRules, heard: HeardWindow, frames: number): Promise<readonly number[]> {
  const prompt = await promptFor(rules, heard)
  const read = heard.read()
  const tokens: number[] = []
  let scores = await read(prompt)
  for (const most = rules.most(frames); tokens.length < most; ) {
    const best = largestBut(scores, tokens.length === 0 ? [...rules.suppressed, ...rules.suppressedFirst] : rules.suppressed)
    if (best === rules.end) break
    tokens.push(best)
    if (tokens.length < most) scores = await read([best])
  }
  return tokens
}

export async function promptFor(rules: WhisperRules, heard: HeardWindow): Promise<readonly number[]> {
  if (!rules.prompt.includes(null)) return rules.prompt as readonly number[]
  const scores = await heard.read()([rules.prompt[0]!])
  const language = rules.languages.reduce((best, each) => (scores[each]! > scores[best]! ? each : best))
  return rules.prompt.map((token) => token ?? language)
}

/** The index of the largest value, the first of several, none of those forbidden. */
function largestBut(values: Float32Array, forbidden: readonly number[]): number {
  for (const index of forbidden) if (index < values.length) values[index] = -Infinity
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

/** Scores of the last token in a tensor of [1, tokens, vocabulary], as a copy that may be written to. */
export function lastRow(logits: Float32Array, dims: readonly number[]): Float32Array {
  const vocabulary = dims.at(-1) ?? logits.length
  return logits.slice(logits.length - vocabulary)
}

export const int64 = ({ Tensor }: typeof ort, values: readonly number[], dims: readonly number[]): ort.Tensor => new Tensor('int64', BigInt64Array.from(values, BigInt), dims)
