import { join } from 'node:path'
import type { OnnxModel } from '../../onnx/types.ts'
import { sober } from '../../sober.ts'
import { WrongCall } from '../../wrong-call.ts'
import { graphNamed, missing, whyBroken, type ModelFolder } from './folder.ts'
import { byPreference, precisionOf } from './precision.ts'

/** One graph of a model that comes in several, told by what it takes and gives. */
export interface Role {
  /** `encoder`; its file is called after it. */
  readonly name: string
  is(graph: OnnxModel): boolean
}

export const takes = (graph: OnnxModel, ...names: readonly string[]): boolean => names.every((name) => graph.inputs.some((each) => each.name === name))
export const gives = (graph: OnnxModel, ...names: readonly string[]): boolean => names.every((name) => graph.outputs.some((each) => each.name === name))

export interface Part {
  readonly file: string
  readonly path: string
  readonly graph: OnnxModel
}

interface Candidate {
  readonly file: string
  /** What the file is called without its precision and without its role: the same for all parts of one model. */
  readonly model: string
  readonly precision: string
}

/** The graphs of a model, one for each role. null = none of them is in the folder. */
export function partsOf(folder: ModelFolder, roles: readonly Role[]): readonly Part[] | null {
  const byRole = roles.map((role) => Object.keys(folder.graphs).filter((file) => role.is(folder.graphs[file]!)).map((file) => candidate(file, role.name)))
  if (byRole.every((files) => files.length === 0)) return null
  const named = byRole.flat().find(({ file }) => file === folder.named)
  const models = named === undefined ? [...new Set(byRole.find((files) => files.length > 0)!.map(({ model }) => model))] : [named.model]
  if (models.length > 1) throw new WrongCall(`${folder.path} holds several models (${models.slice(0, 4).map((model) => sober(model.replace(/^-/, ''))).join(', ')}): name one of its files with --model FILE.`)
  return roles.map((role, i) => {
    const [best] = named !== undefined && byRole[i]!.includes(named) ? [named] : byPreference(byRole[i]!.filter(({ model }) => model === models[0]), named?.precision ?? '')
    if (best === undefined) throw absent(folder, role, `${role.name}${models[0]}.onnx`)
    return { file: best.file, path: join(folder.path, best.file), graph: graphNamed(folder, best.file, `the ${role.name}`) }
  })
}

function candidate(file: string, role: string): Candidate {
  const [, stem, precision] = /^(.*?)((?:[.\-_](?:fp32|fp16|bf16|u?int8|quantized|q[48](?:f16)?|bnb4))?)\.onnx$/.exec(file) ?? ['', file, '']
  return { file, model: stem!.replace(role, ''), precision: precisionOf(precision!) }
}

function absent(folder: ModelFolder, { name }: Role, expected: string): WrongCall {
  const damaged = Object.keys(folder.broken).find((file) => file.startsWith(name))
  return damaged === undefined ? missing(folder, expected, `the ${name}`) : whyBroken(join(folder.path, damaged), folder.broken[damaged]!)
}

/** Sizes that two parts declare of what one hands to the other. */
export function fits(from: Part, output: string, at: number, to: Part, input: string, into: number): void {
  const given = from.graph.outputs.find(({ name }) => name === output)?.shape.at(at)
  const wanted = to.graph.inputs.find(({ name }) => name === input)?.shape.at(into)
  if (typeof given === 'number' && typeof wanted === 'number' && given !== wanted) throw new WrongCall(`${from.path} gives vectors of ${given} and ${to.path} takes ${wanted}: they belong to different models.`)
}

/** A whole number from a graph's metadata. `null` as otherwise: it must be there. */
export function metadataNumber({ path, graph }: Part, name: string, otherwise: number | null = null): number {
  const value = graph.metadata[name] ?? ''
  if (value === '' && otherwise !== null) return otherwise
  if (!/^\d{1,7}$/.test(value)) throw new WrongCall(`${path} lacks ${name} in its metadata${value === '' ? '' : ` (it is ${JSON.stringify(value.slice(0, 40))})`}: it was not exported for sherpa-onnx.`)
  return Number(value)
}

/** Mel channels that a graph takes, as it declares them. */
export function channels({ path, graph }: Part, input: string, at: number, otherwise: number): number {
  const declared = graph.inputs.find(({ name }) => name === input)?.shape[at]
  if (typeof declared !== 'number') return otherwise
  if (declared < 1 || declared > 256) throw new WrongCall(`${path} takes ${declared} mel channels; from 1 to 256 are known here.`)
  return declared
}
