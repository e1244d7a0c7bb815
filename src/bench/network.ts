import type * as ort from 'onnxruntime-node'
import type { Opened } from './audio/load.ts'
import { transducerModels, transducerPipeline } from './engines/transducer.ts'
import { whisperModels, whisperPipeline } from './engines/whisper.ts'
import type { NetworkName, Run } from './messages.ts'
import { SHAPES } from './models/fastconformer.ts'
import { WHISPER_SHAPES } from './models/whisper.ts'
import { isWhisper } from './workloads.ts'

export type Sessions = Readonly<Record<string, ort.InferenceSession>>

/** One whole run, from the bytes of the recording on. */
export type Pipeline = (opened: Opened) => Promise<Heard>

export interface Heard extends Run {
  /** The encoder's last, to be compared between devices. */
  readonly output: Float32Array | null
  /** The text as the model's own numbers, piece by piece of the recording, where it makes text. */
  readonly tokens?: readonly (readonly number[])[]
}

/** Graphs that together hear speech, and how they are used. */
export interface Network {
  /** By the part each plays: its bytes, or its path, where the runtime itself finds the weights that lie beside it. */
  readonly graphs: Readonly<Record<string, Uint8Array | string>>
  /** It tells speech from silence and writes no text. */
  readonly detects?: true
  /** Longer recordings are heard in pieces of this length, one after another. */
  readonly pieceSeconds?: number
  pipeline(runtime: typeof ort, sessions: Sessions): Pipeline
}

export async function networkOf(name: NetworkName): Promise<Network> {
  if (name.kind === 'model') return (await import('./recogniser/recognise.ts')).recognised(name.path)
  const { workload } = name
  return isWhisper(workload)
    ? { graphs: whisperModels(WHISPER_SHAPES[workload]), pipeline: (runtime, sessions) => whisperPipeline(WHISPER_SHAPES[workload], runtime, sessions) }
    : { graphs: transducerModels(SHAPES[workload]), pipeline: (runtime, sessions) => transducerPipeline(SHAPES[workload], runtime, sessions) }
}
