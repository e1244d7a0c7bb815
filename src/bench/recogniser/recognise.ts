import { basename, join, relative } from 'node:path'
import { WrongCall } from '../../wrong-call.ts'
import type { Network } from '../network.ts'
import { kaldiCtc, nemoCtc } from './ctc.ts'
import { folderOf, whyBroken, type ModelFolder } from './folder.ts'
import { k2Transducer } from './transducer-k2.ts'
import { onnxAsrTransducer, sherpaNemoTransducer } from './transducer-nemo.ts'
import { sileroVad } from './vad.ts'
import { huggingFaceWhisper } from './whisper-hugging-face.ts'
import { sherpaWhisper } from './whisper-sherpa.ts'

export type { ModelFolder } from './folder.ts'

/** One layout of the field. null = it is another one; a WrongCall = it is this one, and something is missing. */
export type Recogniser = (folder: ModelFolder) => Promise<Network | null> | Network | null

/** In the order in which they are tried. */
const RECOGNISERS: readonly Recogniser[] = [huggingFaceWhisper, sherpaWhisper, k2Transducer, sherpaNemoTransducer, onnxAsrTransducer, nemoCtc, kaldiCtc, sileroVad]

/** What a folder or file holds. Throws a WrongCall, which names the file and the remedy. */
export const recognised = async (path: string): Promise<Network> => (await found(path)).network

/** What the result says of a model: the graphs that are run, by their names within the folder, and in what pieces it hears. */
export async function modelRun(path: string): Promise<{ readonly files: readonly string[]; readonly pieceSeconds?: number }> {
  const { folder, network } = await found(path)
  return { files: filesOf(network, folder.path), ...(network.pieceSeconds === undefined ? {} : { pieceSeconds: network.pieceSeconds }) }
}

async function found(path: string): Promise<{ readonly folder: ModelFolder; readonly network: Network }> {
  const folder = await folderOf(path)
  let complaint: WrongCall | null = null
  for (const recogniser of RECOGNISERS) {
    try {
      const network = await recogniser(folder)
      if (network !== null && (folder.named === null || filesOf(network, folder.path).includes(folder.named))) return { folder, network }
    } catch (error) {
      if (!(error instanceof WrongCall) || folder.named === null) throw error
      // Several models may lie in one folder: a file that was named may belong to another than the one that is not whole.
      complaint ??= error
    }
  }
  throw complaint ?? unknown(path, folder)
}

const filesOf = (network: Network, folder: string): readonly string[] => Object.values(network.graphs).flatMap((graph) => (typeof graph === 'string' ? [relative(folder, graph)] : []))

function unknown(path: string, { path: folder, graphs, broken, names }: ModelFolder): WrongCall {
  const [damaged] = Object.entries(broken)
  if (damaged !== undefined) return whyBroken(join(folder, damaged[0]), damaged[1])
  const found = Object.entries(graphs).map(([name, { inputs }]) => `${name} takes ${inputs.slice(0, 6).map((each) => each.name).join(', ')}${inputs.length > 6 ? ', …' : ''}`)
  const instead = found.length > 0 ? found.slice(0, 4).join('; ') : other(names)
  return new WrongCall(`--model ${path} holds no model of a kind that is known here (Whisper, transducer, CTC, Silero VAD, in ONNX): ${instead}.`)
}

/** What a folder without graphs is, where that can be said. */
function other(names: readonly string[]): string {
  if (names.includes('model.bin')) return 'there is no .onnx file in it, but a model.bin as of CTranslate2, which bench --command or --url measures in its own program'
  const weights = names.map((name) => basename(name)).find((name) => /\.(safetensors|pt|pth|nemo|gguf)$|^ggml-.*\.bin$/.test(name))
  return `there is no .onnx file in it${weights === undefined ? '' : `, but ${weights}, which has to be exported first, or measured in its own program with --command or --url`}`
}
