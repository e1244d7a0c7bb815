import { readdirSync, statSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { tempFolder } from '../temp-folder.ts'

/** The marks of a precision in the names of the field: `encoder.int8.onnx`, `encoder_model_fp16.onnx`, `model-quantized.onnx`. */
const MARKS = { int8: /[._-](?:int8|quantized|quant|q8|uint8)(?=\.onnx$)/, fp16: /[._-](?:fp16|float16)(?=\.onnx$)/ } as const
export type Precision = keyof typeof MARKS | 'fp32'

export const precisionOf = (name: string): Precision => (MARKS.int8.test(name) ? 'int8' : MARKS.fp16.test(name) ? 'fp16' : 'fp32')
const stemOf = (name: string): string => name.replace(MARKS.int8, '').replace(MARKS.fp16, '')

/** The same model in another precision, as something that `--model` takes. */
export interface Twin {
  readonly precision: Precision
  readonly path: string
  remove(): void
}

/**
 * Looks beside the model for the same files in another precision. For a file: its neighbour. For a folder: one made of links in
 * which the other files have the names of the first, so that both are read alike. null = there is none.
 */
export function twinOf(model: string): Twin | null {
  const single = statSync(model).isFile()
  const folder = single ? dirname(model) : model
  const names = readdirSync(folder).filter((name) => name.endsWith('.onnx'))
  if (single) {
    const own = basename(model)
    const other = names.filter((name) => name !== own && stemOf(name) === stemOf(own) && precisionOf(name) !== precisionOf(own)).sort()[0]
    return other === undefined ? null : { precision: precisionOf(other), path: join(folder, other), remove: () => {} }
  }
  for (const precision of ['fp16', 'int8'] as const) {
    const others = names.filter((name) => precisionOf(name) === precision && names.includes(stemOf(name)))
    if (others.length === 0) continue
    const made = tempFolder()
    const replaced = new Map(others.map((name) => [stemOf(name), name]))
    for (const name of readdirSync(folder)) if (!others.includes(name)) symlinkSync(join(folder, replaced.get(name) ?? name), join(made.path, name))
    return { precision, path: made.path, remove: made.remove }
  }
  return null
}
