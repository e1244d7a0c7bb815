import { known } from '../cannot-see.ts'
import type { ModelFile } from '../onnx/types.ts'
import { basename, dirname, join } from '../paths.ts'
import { question } from '../question.ts'
import type { Fact, Host, Known, Use } from '../types.ts'
import { context } from './context.ts'
import { process_ } from './process.ts'
import { target } from './target.ts'

/** How it is known that the target uses a model. `folder`: it lies in a folder that is named, which is not yet use. */
export type Named = 'given' | 'open' | 'named' | 'folder'

export interface ModelUse {
  /** As the target sees it. */
  readonly path: string
  readonly how: Named
  /** The question that led to it. */
  readonly foundBy: string
  readonly asked: string
  readonly file: Known<ModelFile>
  /** A model beside it that is the same without quantisation, by its name; null = none. */
  readonly twin: string | null
}

const MODEL = /\.(onnx|ort|gguf)$|(?:^|\/)(ggml-[\w.-]+|model)\.bin$/i
const CONFIG = /\.(json|ya?ml|toml|ini|conf|cfg|env)$/i
const MOST_MODELS = 24
const MOST_DESCRIPTORS = 128

/** The model files that the target loads. Empty = none found, which is no proof that it loads none. */
export const modelFiles: Fact<readonly ModelUse[]> = {
  id: 'model-files',
  about: 'the model files the target loads, read without their weights',
  gather: async (host, use) => {
    const asked = await use(target)
    const given = asked.files?.models ?? []
    if (given.length > 0) return described(host, '', given.map((path) => ({ path, how: 'given' as const, foundBy: question.target() })))
    if (asked.kind !== 'unit' && asked.kind !== 'pid') return []
    const of = await use(context)
    return described(host, of.root, await candidates(host, use))
  },
}

interface Candidate {
  readonly path: string
  readonly how: Named
  readonly foundBy: string
}

async function candidates(host: Host, use: Use): Promise<readonly Candidate[]> {
  const [of, running] = await Promise.all([use(context), known(use(process_))])
  const process = running.known ? running.value : null
  const absolute = (path: string): string | null => (path.startsWith('/') ? path : of.cwd === null ? null : join(of.cwd, path.replace(/^\.\//, '')))
  const argvSource = process === null ? of.envSource : question.read(`${process.folder}/cmdline`)
  const words = of.argv.slice(1).flatMap((word) => [word.replace(/^--?[\w-]+=/, '')].filter((each) => each !== '' && !each.startsWith('-')))
  const found: Candidate[] = []
  const folders: { path: string; foundBy: string }[] = []

  const consider = (text: string, foundBy: string): void => {
    const path = absolute(text)
    if (path === null) return
    if (MODEL.test(path)) found.push({ path, how: 'named', foundBy })
    else if (text.includes('/') && !/\.\w{1,5}$/.test(basename(path))) folders.push({ path, foundBy })
  }
  for (const word of words) consider(word, argvSource)
  if (of.env.known) for (const [name, value] of Object.entries(of.env.value)) if (/MODEL|ENCODER|DECODER|JOINER/.test(name)) consider(value, of.envSource)

  for (const word of words.filter((each) => CONFIG.test(each))) {
    const path = absolute(word)
    const text = path === null ? null : await known(host.read(of.root + path))
    if (text?.known && text.value !== null) for (const [named] of text.value.matchAll(/[\w@%+~./-]+\.(?:onnx|gguf|ort)\b|\/[\w@%+~./-]*model[\w@%+~./-]*/g)) consider(named, question.read(of.root + path!))
  }
  if (process !== null && process.pid !== 'self') {
    if (process.maps.known) for (const { path, deleted } of process.maps.value) if (!deleted && MODEL.test(path)) found.push({ path, how: 'open', foundBy: question.read(`${process.folder}/maps`) })
    const descriptors = await known(host.list(`${process.folder}/fd`))
    const names = descriptors.known ? (descriptors.value ?? []).slice(0, MOST_DESCRIPTORS) : []
    const links = await Promise.all(names.map(async (name) => ({ asked: `${process.folder}/fd/${name}`, to: await known(host.readlink(`${process.folder}/fd/${name}`)) })))
    for (const { asked, to } of links) if (to.known && to.value !== null && MODEL.test(to.value)) found.push({ path: to.value, how: 'open', foundBy: question.readlink(asked) })
  }
  for (const { path, foundBy } of folders.slice(0, 8)) {
    const names = await known(host.list(of.root + path))
    if (names.known && names.value !== null) found.push(...names.value.filter((name) => MODEL.test(name)).map((name) => ({ path: join(path, name), how: 'folder' as const, foundBy })))
  }
  // The strongest word for each file.
  const order: readonly Named[] = ['given', 'open', 'named', 'folder']
  const best = new Map<string, Candidate>()
  for (const each of [...found].sort((a, b) => order.indexOf(a.how) - order.indexOf(b.how))) if (!best.has(each.path)) best.set(each.path, each)
  return [...best.values()].slice(0, MOST_MODELS)
}

async function described(host: Host, root: string, of: readonly Candidate[]): Promise<readonly ModelUse[]> {
  const all = await Promise.all(
    of.map(async (each): Promise<ModelUse | null> => {
      const answer = await known(host.digest('model', root + each.path) as unknown as Promise<ModelFile | null>)
      // A name in a configuration that nothing bears may be of no use any more; one that was given is meant.
      if (answer.known && answer.value === null && each.how !== 'given') return null
      const file: Known<ModelFile> = answer.known && answer.value === null ? { known: false, because: `There is no file ${each.path}.`, how: null } : (answer as Known<ModelFile>)
      const around = plainNames(basename(each.path)).length > 0 ? await known(host.list(root + dirname(each.path))) : null
      const twin = around?.known ? (plainNames(basename(each.path)).find((name) => around.value?.includes(name)) ?? null) : null
      return { ...each, asked: question.digest('model', root + each.path), file, twin: twin === null ? null : join(dirname(each.path), twin) }
    }),
  )
  return all.filter((each) => each !== null)
}

/** It is the one that is loaded, as far as anything shows that. One that lies in a named folder, or is named along with its twin, need not be. */
export const certainlyUsed = ({ how, twin }: Pick<ModelUse, 'how' | 'twin'>, all: readonly Pick<ModelUse, 'path' | 'how'>[]): boolean =>
  how === 'given' || how === 'open' || (how === 'named' && !all.some((other) => other.path === twin && other.how !== 'folder'))

/** `encoder.int8.onnx`, `model_quantized.onnx`: what the same model is called without quantisation, half precision first. */
export function plainNames(name: string): readonly string[] {
  const match = /^(.*?)[._-](?:u?int8|quant|quantized|q8|qdq)((?:[._-][\w-]+)*\.onnx)$/i.exec(name)
  if (match === null) return []
  const [, stem, rest] = match
  return [`${stem}.fp16${rest}`, `${stem}_fp16${rest}`, `${stem}${rest}`, `${stem}.fp32${rest}`]
}
