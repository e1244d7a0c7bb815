/** Any model file: its format from the first bytes, and a summary of it. The weights are never read. */
import type { ModelFile, OtherModel } from './types.ts'
import { modelOf, type RawModel } from './read.ts'
import { summaryOf } from './summarise.ts'
import { Malformed, parsed, type Bytes } from './wire.ts'

const latin1 = new TextDecoder('latin1')

export async function modelFileOf(bytes: Bytes, sizeBytes: number): Promise<ModelFile> {
  if (sizeBytes === 0) return { format: 'broken', sizeBytes, problem: 'empty', detail: 'the file is empty' }
  const head = await bytes(0, Math.min(4096, sizeBytes))
  const start = latin1.decode(head.subarray(0, 64))
  if (start.startsWith('version https://git-lfs')) return { format: 'broken', sizeBytes, problem: 'lfs-pointer', detail: 'it is a Git LFS pointer, not the model' }
  if (start.startsWith('lmgg')) return ggmlOf(head, sizeBytes)
  if (start.startsWith('GGUF')) return { format: 'gguf', sizeBytes, model: ggufArchitecture(head), weights: 'unknown' }
  const ct2 = await ctranslate2Of(head, bytes, sizeBytes)
  return ct2 ?? onnxOf(bytes, sizeBytes)
}

async function onnxOf(bytes: Bytes, sizeBytes: number): Promise<ModelFile> {
  const model: RawModel = { irVersion: 0, producer: '', producerVersion: '', opsets: [], metadata: {}, graph: null, functions: [], externalFiles: new Set() }
  try {
    await parsed(bytes, sizeBytes, (cursor) => modelOf(cursor, model))
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // Without an IR version first there is no sign that this was ever an ONNX model.
    const onnx = model.irVersion > 0 && model.irVersion < 100
    return { format: 'broken', sizeBytes, problem: onnx ? error.problem : 'unknown-format', detail: onnx ? error.message : 'it is no ONNX, GGML, GGUF or CTranslate2 model' }
  }
  if (model.graph === null || model.irVersion === 0) {
    const detail = model.irVersion > 0 ? 'it has no graph' : 'it is no ONNX, GGML, GGUF or CTranslate2 model'
    return { format: 'broken', sizeBytes, problem: model.irVersion > 0 ? 'truncated' : 'unknown-format', detail }
  }
  return summaryOf(model, sizeBytes)
}

/** GGML file types after enum ggml_ftype in ggml.h; whisper.cpp stores ftype + 1000 × quantisation version. */
const GGML_TYPES: Readonly<Record<number, string>> = { 0: 'f32', 1: 'f16', 2: 'q4_0', 3: 'q4_1', 7: 'q8_0', 8: 'q5_0', 9: 'q5_1', 10: 'q2_k', 11: 'q3_k', 12: 'q4_k', 13: 'q5_k', 14: 'q6_k' }
/** Encoder layers of whisper.cpp's model sizes (whisper.cpp, e_model). */
const WHISPER_SIZES: Readonly<Record<number, string>> = { 4: 'tiny', 6: 'base', 12: 'small', 24: 'medium', 32: 'large' }

/** whisper.cpp: the magic number, eleven integers of hyperparameters, the last of them the file type (whisper_model_load). */
function ggmlOf(head: Uint8Array, sizeBytes: number): ModelFile {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  if (head.length < 48) return { format: 'broken', sizeBytes, problem: 'truncated', detail: 'it ends inside its GGML header' }
  const int = (at: number) => view.getInt32(4 + 4 * at, true)
  const type = int(10) % 1000
  return { format: 'ggml', sizeBytes, model: WHISPER_SIZES[int(4)] ? `whisper ${WHISPER_SIZES[int(4)]}` : null, weights: GGML_TYPES[type] ?? `ftype ${type}` }
}

/** The first key of a GGUF file is by custom general.architecture (ggml docs/gguf.md). */
function ggufArchitecture(head: Uint8Array): string | null {
  return /general\.architecture\u0008\u0000\u0000\u0000[\s\S]{8}([a-z0-9_-]{2,32})/.exec(latin1.decode(head))?.[1] ?? null
}

const CT2_TYPES = ['float32', 'int8', 'int16', 'int32', 'float16', 'bfloat16'] as const
const MAX_VARIABLES = 20_000

/**
 * CTranslate2's model.bin (python/ctranslate2/specs/model_spec.py, _serialize): binary version, name of the specification,
 * its revision, number of variables, and for each its name, shape, element type and bytes. null = it is none.
 */
async function ctranslate2Of(head: Uint8Array, bytes: Bytes, sizeBytes: number): Promise<OtherModel | null> {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  if (head.length < 32 || view.getUint32(0, true) > 32) return null
  const length = view.getUint16(4, true)
  if (length < 5 || length > 100 || head.length < 14 + length) return null
  const name = latin1.decode(head.subarray(6, 6 + length)).replace(/\0+$/, '')
  if (!/^[A-Z]\w+$/.test(name)) return null
  const variables = Math.min(view.getUint32(10 + length, true), MAX_VARIABLES)
  const elements = new Map<string, number>()
  for (let n = 0, at = 14 + length; n < variables && at < sizeBytes; n++) {
    const header = await bytes(at, Math.min(512, sizeBytes - at))
    const of = new DataView(header.buffer, header.byteOffset, header.byteLength)
    const rankAt = 2 + (header.length > 2 ? of.getUint16(0, true) : 0)
    const rank = header[rankAt] ?? 0
    const typeAt = rankAt + 1 + 4 * rank
    if (rank > 8 || typeAt + 5 > header.length) break
    const type = CT2_TYPES[header[typeAt]!] ?? '?'
    const sizeOf = of.getUint32(typeAt + 1, true)
    elements.set(type, (elements.get(type) ?? 0) + sizeOf)
    at += typeAt + 5 + sizeOf
  }
  const [most] = [...elements].sort((a, b) => b[1] - a[1])
  return { format: 'ctranslate2', sizeBytes, model: name.replace(/Spec$/, ''), weights: most?.[0] ?? 'unknown' }
}
