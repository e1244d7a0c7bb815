/** A GGUF file (ggml docs/gguf.md, src/gguf.cpp): keys and values, then where each tensor lies, then the tensors, which are not read. */
import { mostOf, tape, type Tape } from '../onnx/tape.ts'
import type { ModelFile } from '../onnx/types.ts'
import { Malformed, type Bytes } from '../onnx/wire.ts'
import { GGML_TYPES } from './types.ts'

/** Bytes of a value by enum gguf_type; 8 is a string, 9 an array. */
const WIDTHS: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
const [STRING, ARRAY, UINT32] = [8, 9, 4]
const DEFAULT_ALIGNMENT = 32
const MAX_KEYS = 100_000
const MAX_TENSORS = 100_000

export async function ggufOf(bytes: Bytes, sizeBytes: number): Promise<ModelFile> {
  try {
    return await read(tape(bytes, sizeBytes), sizeBytes)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return { format: 'broken', sizeBytes, problem: error.problem, detail: error.message }
  }
}

async function read(file: Tape, sizeBytes: number): Promise<ModelFile> {
  file.skip(4, 'its magic number')
  const version = await file.u32()
  // Version 1 has other lengths; a version of the other byte order is large. Neither is judged.
  if (version < 2 || version > 3) return { format: 'gguf', sizeBytes, model: null, weights: 'unknown' }
  const [tensors, keys] = [await file.u64(), await file.u64()]
  if (keys > MAX_KEYS || tensors > MAX_TENSORS) throw new Malformed('malformed', `its header counts ${tensors} tensors and ${keys} keys`)
  let model: string | null = null
  let alignment = DEFAULT_ALIGNMENT
  for (let n = 0; n < keys; n++) {
    const key = await file.text(await file.u64())
    const type = await file.u32()
    if (key === 'general.architecture' && type === STRING) model = await file.text(await file.u64())
    else if (key === 'general.alignment' && type === UINT32) alignment = Math.max(1, await file.u32())
    else await passValue(file, type)
  }
  let end = 0
  const weights = new Map<string, number>()
  for (let n = 0; n < tensors; n++) {
    file.skip(await file.u64(), 'the name of a tensor')
    const rank = await file.u32()
    if (rank > 8) throw new Malformed('malformed', `a tensor has ${rank} dimensions`)
    let elements = 1
    for (let d = 0; d < rank; d++) elements *= await file.u64()
    const type = GGML_TYPES[await file.u32()]
    const offset = await file.u64()
    const size = type === undefined ? 0 : (elements / type.elements) * type.bytes
    end = Math.max(end, offset + size)
    const name = type?.name ?? 'unknown'
    weights.set(name, (weights.get(name) ?? 0) + size)
  }
  const data = Math.ceil(file.at() / alignment) * alignment
  if (tensors > 0 && data + end > sizeBytes) return { format: 'broken', sizeBytes, problem: 'truncated', detail: `its tensors end at byte ${data + end}, the file at ${sizeBytes}` }
  return { format: 'gguf', sizeBytes, model, weights: mostOf(weights) ?? 'unknown' }
}

async function passValue(file: Tape, type: number): Promise<void> {
  const pass = async (kind: number, count: number): Promise<void> => {
    if (kind === STRING) for (let n = 0; n < count; n++) file.skip(await file.u64(), 'a value of its header')
    else if (WIDTHS[kind] !== undefined) file.skip(WIDTHS[kind] * count, 'a value of its header')
    else throw new Malformed('malformed', `a value of its header is of type ${kind}, which there is not`)
  }
  if (type !== ARRAY) return pass(type, 1)
  const kind = await file.u32()
  return pass(kind, await file.u64())
}
