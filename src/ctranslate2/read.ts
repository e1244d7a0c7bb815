/**
 * CTranslate2's model.bin (python/ctranslate2/specs/model_spec.py, _serialize; src/models/model.cc, Model::load): binary version,
 * name of the specification, its revision, number of variables, and for each its name, shape, element type and bytes; then aliases.
 */
import { mostOf, tape } from '../onnx/tape.ts'
import type { ModelFile } from '../onnx/types.ts'
import { Malformed, type Bytes } from '../onnx/wire.ts'

const TYPES = ['float32', 'int8', 'int16', 'int32', 'float16', 'bfloat16'] as const
const MAX_VARIABLES = 50_000
/** Versions 4 and later store the element type; before, only its width. */
const FIRST_TYPED = 4

/** null = it is none. */
export async function ctranslate2Of(bytes: Bytes, sizeBytes: number): Promise<ModelFile | null> {
  const file = tape(bytes, sizeBytes)
  let known = false
  try {
    const version = await file.u32()
    if (version < FIRST_TYPED || version > 32) return null
    const length = await file.u16()
    if (length < 5 || length > 100) return null
    const name = (await file.text(length)).replace(/\0+$/, '')
    if (!/^[A-Z]\w+$/.test(name)) return null
    known = true
    await file.u32()
    const variables = await file.u32()
    if (variables > MAX_VARIABLES) throw new Malformed('malformed', `its header counts ${variables} variables`)
    const weights = new Map<string, number>()
    // Layers that are not quantised run in the type that the other variables have (Model::infer_compute_type).
    const others = new Map<string, number>()
    for (let n = 0; n < variables; n++) {
      const variable = (await file.text(await file.u16())).replace(/\0+$/, '')
      const rank = await file.u8()
      if (rank > 8) throw new Malformed('malformed', `the variable ${variable} has ${rank} dimensions`)
      for (let d = 0; d < rank; d++) await file.u32()
      const type = TYPES[await file.u8()] ?? '?'
      const size = await file.u32()
      file.skip(size, `the variable ${variable}`)
      const counted = /weight$/.test(variable) ? weights : rank > 0 && !variable.includes('_scale') ? others : null
      if (counted !== null) counted.set(type, (counted.get(type) ?? 0) + size)
    }
    const aliases = await file.u32()
    for (let n = 0; n < Math.min(aliases, MAX_VARIABLES); n++) for (let part = 0; part < 2; part++) file.skip(await file.u16(), 'its aliases')
    const most = mostOf(weights) ?? mostOf(others) ?? 'unknown'
    return { format: 'ctranslate2', sizeBytes, model: name.replace(/Spec$/, ''), weights: most === 'int8' ? `int8_${mostOf(others) ?? 'float32'}` : most }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return known ? { format: 'broken', sizeBytes, problem: error.problem, detail: error.message } : null
  }
}
