import { readFileSync } from 'node:fs'
import { modelFileOf } from '../../src/onnx/model-file.ts'
import type { ModelFile, OnnxModel } from '../../src/onnx/types.ts'

export const MODELS = new URL('../../fixtures/models/', import.meta.url)

export const fromBytes = (all: Uint8Array): Promise<ModelFile> => modelFileOf(async (offset, length) => all.subarray(offset, offset + length), all.length)

export async function fixture(name: string): Promise<OnnxModel> {
  const model = await fromBytes(readFileSync(new URL(name, MODELS)))
  if (model.format !== 'onnx') throw new Error(`${name}: ${JSON.stringify(model)}`)
  return model
}
