import { readdirSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { modelFileOf } from '../../onnx/model-file.ts'
import type { OnnxModel } from '../../onnx/types.ts'
import type { Network } from '../network.ts'

/** A folder of a model, or the one file that was named, with what each graph in it declares of itself. */
export interface ModelFolder {
  readonly path: string
  /** By file name. Read from the bytes, without the weights. */
  readonly graphs: Readonly<Record<string, OnnxModel>>
  /** Names of all files in the folder. */
  readonly names: readonly string[]
}

/** One layout of the field. null = it is another one; an Error = it is this one, and something is missing. */
export type Recogniser = (folder: ModelFolder) => Promise<Network | null> | Network | null

/** In the order in which they are tried. */
const RECOGNISERS: readonly Recogniser[] = []

const MOST_GRAPHS = 32

export async function recognised(path: string): Promise<Network> {
  const folder = await folderOf(path)
  for (const recogniser of RECOGNISERS) {
    const network = await recogniser(folder)
    if (network !== null) return network
  }
  throw new Error(`${path} holds no model of a kind that is known here (Whisper, transducer, CTC, Silero VAD): ${Object.entries(folder.graphs).map(([name, { inputs }]) => `${name} takes ${inputs.map((each) => each.name).join(', ')}`).join('; ') || 'there is no .onnx file in it'}.`)
}

async function folderOf(path: string): Promise<ModelFolder> {
  const single = statSync(path).isFile()
  const folder = single ? dirname(path) : path
  const names = readdirSync(folder)
  const wanted = single ? [basename(path)] : names.filter((name) => name.endsWith('.onnx')).slice(0, MOST_GRAPHS)
  const graphs: Record<string, OnnxModel> = {}
  for (const name of wanted) {
    const model = await graphOf(join(folder, name))
    graphs[name] = model
  }
  return { path: folder, graphs, names }
}

async function graphOf(path: string): Promise<OnnxModel> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const bytes = async (at: number, length: number) => {
      const { buffer, bytesRead } = await file.read({ buffer: new Uint8Array(length), position: at })
      return buffer.subarray(0, bytesRead)
    }
    const model = await modelFileOf(bytes, size)
    if (model.format !== 'onnx') throw new Error(`${path} is no ONNX model: ${model.format === 'broken' ? model.detail : model.format}.`)
    return model
  } finally {
    await file.close()
  }
}
