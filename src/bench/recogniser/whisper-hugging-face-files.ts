import { missing, type ModelFolder } from './folder.ts'
import { byPreference, precisionOf } from './precision.ts'

const PARTS = ['encoder_model', 'decoder_model_merged', 'decoder_with_past_model', 'decoder_model'] as const
export interface Part {
  readonly name: string
  readonly part: (typeof PARTS)[number]
  /** `_fp16`, `_quantized` … as in the name; `` = as it was exported. */
  readonly precision: string
}

export function partOf(name: string): Part | null {
  const [, part, precision] = /^(?:onnx\/)?(encoder_model|decoder_model_merged|decoder_with_past_model|decoder_model)((?:_.+)?)\.onnx$/.exec(name) ?? []
  return part === undefined ? null : { name, part: part as Part['part'], precision: precisionOf(precision!) }
}

interface Chosen {
  readonly encoder: string
  readonly decoder: string
  /** null = the decoder reads on by itself: it is merged, or has no memory. */
  readonly withPast: string | null
}

/** The plain files, or those of the precision of the one that was named; each part is taken as near to it as there is. */
export function choose(folder: ModelFolder, files: readonly Part[]): Chosen {
  const named = files.find(({ name }) => name === folder.named)
  const best = (...parts: readonly Part['part'][]): Part | undefined => byPreference(files.filter(({ part }) => parts.includes(part)), named?.precision ?? '')[0]
  const beside = (part: Part['part'], precision: string): Part | undefined => files.find((file) => file.part === part && file.precision === precision)
  const encoder = named?.part === 'encoder_model' ? named : best('encoder_model')!
  const decoder = named !== undefined && named.part !== 'encoder_model' ? named : best('decoder_model_merged', 'decoder_model', 'decoder_with_past_model')
  if (decoder === undefined) throw missing(folder, encoder.name.replace('encoder_model', 'decoder_model_merged'), 'the decoder')
  // Of equal precision the merged one comes first, as it does for Optimum itself.
  const merged = beside('decoder_model_merged', decoder.precision)
  if (decoder.part === 'decoder_model_merged' || (decoder !== named && merged !== undefined)) return { encoder: encoder.name, decoder: (merged ?? decoder).name, withPast: null }
  const first = beside('decoder_model', decoder.precision)
  if (first === undefined) throw missing(folder, decoder.name.replace('decoder_with_past_model', 'decoder_model'), 'the decoder for the first token')
  return { encoder: encoder.name, decoder: first.name, withPast: beside('decoder_with_past_model', decoder.precision)?.name ?? null }
}
