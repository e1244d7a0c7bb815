/** Any model file: its format from the first bytes, and a summary of it. The weights are never read. */
import { ctranslate2Of } from '../ctranslate2/read.ts'
import { ggufOf } from '../ggml/gguf.ts'
import { whisperOf } from '../ggml/whisper.ts'
import type { ModelFile } from './types.ts'
import { modelOf, type RawModel } from './read.ts'
import { summaryOf } from './summarise.ts'
import { Malformed, parsed, type Bytes } from './wire.ts'

const latin1 = new TextDecoder('latin1')

export async function modelFileOf(bytes: Bytes, sizeBytes: number): Promise<ModelFile> {
  if (sizeBytes === 0) return { format: 'broken', sizeBytes, problem: 'empty', detail: 'the file is empty' }
  const head = await bytes(0, Math.min(4096, sizeBytes))
  const start = latin1.decode(head.subarray(0, 64))
  if (start.startsWith('version https://git-lfs')) return { format: 'broken', sizeBytes, problem: 'lfs-pointer', detail: 'it is a Git LFS pointer, not the model' }
  if (start.startsWith('lmgg')) return whisperOf(bytes, sizeBytes)
  if (start.startsWith('GGUF')) return ggufOf(bytes, sizeBytes)
  return (await ctranslate2Of(bytes, sizeBytes)) ?? onnxOf(bytes, sizeBytes)
}

async function onnxOf(bytes: Bytes, sizeBytes: number): Promise<ModelFile> {
  const model: RawModel = { irVersion: 0, producer: '', producerVersion: '', opsets: [], metadata: {}, graph: null, functions: [], externalFiles: new Set() }
  try {
    await parsed(bytes, sizeBytes, (cursor) => modelOf(cursor, model))
    if (model.graph !== null && model.irVersion > 0) return summaryOf(model, sizeBytes)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // Without an IR version first there is no sign that this was ever an ONNX model.
    const onnx = model.irVersion > 0 && model.irVersion < 100
    return { format: 'broken', sizeBytes, problem: onnx ? error.problem : 'unknown-format', detail: onnx ? error.message : 'it is no ONNX, GGML, GGUF or CTranslate2 model' }
  }
  const detail = model.irVersion > 0 ? 'it has no graph' : 'it is no ONNX, GGML, GGUF or CTranslate2 model'
  return { format: 'broken', sizeBytes, problem: model.irVersion > 0 ? 'truncated' : 'unknown-format', detail }
}
