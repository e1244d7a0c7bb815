import type * as ort from 'onnxruntime-node'
import type { Opened } from '../audio/load.ts'
import type { Run } from '../messages.ts'

export interface Sessions {
  readonly encoder: ort.InferenceSession
  readonly decoder: ort.InferenceSession
}

/** One whole run, from the bytes of the recording on. `output` is the encoder's last, to be compared between devices. */
export type Pipeline = (opened: Opened) => Promise<Run & { readonly output: Float32Array | null }>
