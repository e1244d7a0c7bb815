import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { modelFileOf } from '../../onnx/model-file.ts'
import type { BrokenModel, ModelFile, OnnxModel } from '../../onnx/types.ts'
import { sober } from '../../sober.ts'
import { WrongCall } from '../../wrong-call.ts'

/** A folder of a model with what each graph in it declares of itself. Names are relative to the folder: `onnx/encoder_model.onnx`. */
export interface ModelFolder {
  readonly path: string
  /** By file name, those that could be read, without the weights. The one that was named comes first. */
  readonly graphs: Readonly<Record<string, OnnxModel>>
  /** Files called .onnx that are no whole graph. */
  readonly broken: Readonly<Record<string, Exclude<ModelFile, OnnxModel>>>
  /** Names of all files in the folder. */
  readonly names: readonly string[]
  /** The file that was named on the command line, of which nothing else may be run instead; null = the folder was. */
  readonly named: string | null
}

/** Hugging Face keeps the graphs here, and what belongs to them one level above. */
const GRAPHS = 'onnx'
/** Whisper as transformers.js publishes it: four graphs in eight precisions. */
const MOST_GRAPHS = 64
/** The largest text is a tokenizer.json: 2.5 MB for Whisper, 35 MB for the largest vocabularies. */
const LARGEST_TEXT = 64 << 20

export async function folderOf(given: string): Promise<ModelFolder> {
  const single = kindOf(given) === 'file'
  const at = single ? dirname(given) : given
  // A folder of graphs within a model's folder stands for that.
  const path = basename(at) === GRAPHS && isFile(join(at, '..', 'config.json')) ? dirname(at) : at
  const names = [...filesIn(path), ...filesIn(join(path, GRAPHS)).map((name) => `${GRAPHS}/${name}`)]
  const named = !single ? null : path === at ? basename(given) : `${GRAPHS}/${basename(given)}`
  const wanted = names.filter((name) => name.endsWith('.onnx') && name !== named).sort().slice(0, MOST_GRAPHS)
  const graphs: Record<string, OnnxModel> = {}
  const broken: Record<string, Exclude<ModelFile, OnnxModel>> = {}
  for (const name of named === null ? wanted : [named, ...wanted]) {
    const model = await graphOf(join(path, name))
    if (model.format === 'onnx') graphs[name] = model
    else broken[name] = model
  }
  if (named !== null && broken[named] !== undefined) throw whyBroken(given, broken[named])
  return { path, graphs, broken, names, named }
}

function kindOf(path: string): 'file' | 'folder' {
  try {
    const stat = statSync(path)
    if (stat.isFile()) return 'file'
    if (stat.isDirectory()) return 'folder'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new WrongCall(code === 'ENOENT' || code === 'ENOTDIR' ? `--model ${path} does not exist.` : `--model ${path} cannot be read (${code}).`)
  }
  throw new WrongCall(`--model ${path} is neither a folder nor a file.`)
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => isFile(join(folder, name)))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw new WrongCall(`--model ${folder} cannot be read (${code}).`)
  }
}

async function graphOf(path: string): Promise<ModelFile> {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw new WrongCall(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
  try {
    const bytes = async (at: number, length: number) => {
      const data = new Uint8Array(length)
      return data.subarray(0, readSync(file, data, 0, length, at))
    }
    return await modelFileOf(bytes, fstatSync(file).size)
  } finally {
    closeSync(file)
  }
}

/** Says what is wrong with a file that should be a graph, and what to do. */
export function whyBroken(path: string, model: Exclude<ModelFile, OnnxModel>): WrongCall {
  if (model.format !== 'broken') return new WrongCall(`${path} is no ONNX model but one of ${model.format}: measure its own program with --command "… {audio}", or --python.`)
  return new WrongCall(`${path} is no whole ONNX model: ${model.detail}. ${REMEDIES[model.problem]}`)
}

const REMEDIES: Readonly<Record<BrokenModel['problem'], string>> = {
  'empty': 'Fetch it anew.',
  'lfs-pointer': 'Fetch it with: git lfs pull.',
  'truncated': 'Its download broke off: fetch it anew.',
  'malformed': 'Fetch it anew.',
  'excessive': 'Fetch it anew.',
  'unknown-format': 'Give a folder or file with ONNX graphs.',
}

/** A graph that the layout needs. */
export function graphNamed(folder: ModelFolder, name: string, what: string): OnnxModel {
  const broken = folder.broken[name]
  if (broken !== undefined) throw whyBroken(join(folder.path, name), broken)
  const graph = folder.graphs[name]
  if (graph === undefined) throw missing(folder, name, what)
  const absent = graph.externalFiles.find((file) => !isFile(join(folder.path, dirname(name), file)))
  if (absent !== undefined) throw missing(folder, join(dirname(name), absent), `the weights of ${name}`)
  return graph
}

/** Holds a graph to what the layout's graphs take and give, so that another one is refused by name before it runs. */
export function declares(folder: ModelFolder, name: string, graph: OnnxModel, inputs: RegExp, outputs: readonly string[]): void {
  const other = graph.inputs.find((input) => !inputs.test(input.name))
  if (other !== undefined) throw new WrongCall(`${join(folder.path, name)} wants an input ${sober(other.name)}, which is not known here.`)
  const lacking = outputs.find((output) => !graph.outputs.some((each) => each.name === output))
  if (lacking !== undefined) throw new WrongCall(`${join(folder.path, name)} has no output ${lacking}: it is no graph of this kind.`)
}

export const missing = (folder: ModelFolder, name: string, what: string): WrongCall => new WrongCall(`${join(folder.path, name)} is missing, ${what}: fetch it from where the rest of the model came from.`)

/** A text file of the layout. null = there is none. */
export function textOf(folder: ModelFolder, name: string): string | null {
  if (!folder.names.includes(name)) return null
  const path = join(folder.path, name)
  let text: string
  try {
    if (statSync(path).size > LARGEST_TEXT) throw new WrongCall(`${path} is larger than ${LARGEST_TEXT >> 20} MB, which no such file is.`)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof WrongCall) throw error
    throw new WrongCall(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
  if (text.startsWith('version https://git-lfs')) throw new WrongCall(`${path} is a Git LFS pointer, not the file. ${REMEDIES['lfs-pointer']}`)
  return text
}

export type Fields = Readonly<Record<string, unknown>>

/** A JSON object of the layout. null = there is none. */
export function jsonOf(folder: ModelFolder, name: string): Fields | null {
  const text = textOf(folder, name)
  if (text === null) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new WrongCall(`${join(folder.path, name)} is not JSON: ${sober((error as Error).message)}. Fetch it anew.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new WrongCall(`${join(folder.path, name)} holds no JSON object. Fetch it anew.`)
  return value as Fields
}
