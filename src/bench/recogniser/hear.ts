import { MODEL_RATE, type Opened } from '../audio/load.ts'
import { stopwatch } from '../clock.ts'
import { PIECE_SAMPLES } from '../engines/transducer.ts'
import type { Pipeline } from '../network.ts'

/** What the encoder gives for a piece of sound, a row for each of its frames. */
export interface Encoded {
  readonly rows: Float32Array
  readonly width: number
  /** Rows that stand for sound, of those that there are. */
  readonly frames: number
}

/** A recogniser of the kind that hears once and then decides frame by frame. */
export interface Hearing<Features> {
  /** null = too short to be heard. */
  features(samples: Float32Array): Features | null
  encode(features: Features): Promise<Encoded>
  decode(encoded: Encoded): Promise<readonly number[]>
  text(tokens: readonly number[]): string
  /** How much is heard at once. Attention grows with the square of it. */
  readonly pieceSeconds: number
}

export function hearingPipeline<Features>(hearing: Hearing<Features>): Pipeline {
  const length = hearing.pieceSeconds * MODEL_RATE
  return async (opened: Opened) => {
    const watch = stopwatch()
    const { samples } = opened.decode()
    watch.mark('audio')
    const texts: string[] = []
    let output: Float32Array | null = null
    for (let at = 0; at < samples.length; at += length) {
      const features = hearing.features(samples.subarray(at, at + length))
      watch.mark('features')
      if (features === null) continue
      const encoded = await hearing.encode(features)
      output = encoded.rows
      watch.mark('encoder')
      const tokens = await hearing.decode(encoded)
      texts.push(hearing.text(tokens).trim())
      watch.mark('decoder')
    }
    return { ...watch.total(), phases: watch.phases, text: texts.filter(Boolean).join(' '), output }
  }
}

export const pieceSeconds = PIECE_SAMPLES / MODEL_RATE
/** Exported Zipformers carry a table of positions for 20 s of sound, newer ones for 40, and fail beyond it, in sherpa-onnx as well. */
export const ZIPFORMER_SECONDS = 20

/** The index of the largest value from `from` up to `to`, counted from `from`; the first of several. */
export function largestIn(values: Float32Array, from: number, to: number): number {
  let best = from
  for (let i = from + 1; i < to; i++) if (values[i]! > values[best]!) best = i
  return best - from
}

/** [rows, columns] to [columns, rows]. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) turned[column * rows + row] = data[row * columns + column]!
  return turned
}
