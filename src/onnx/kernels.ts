/** Does a release of ONNX Runtime have a CUDA kernel for an operator on these element types? */
import { KERNELS, RELEASES } from './cuda-kernels.ts'
import { EXPANDED, sinceOf } from './since.ts'
import type { OpUse } from './types.ts'

export type Release = (typeof RELEASES)[number]

interface Kernel {
  readonly releases: readonly (readonly [number, number])[]
  readonly parameters: readonly { readonly inputs: readonly string[]; readonly outputs: readonly string[] }[]
  readonly from: number
  /** null = open: it serves the definition of `from` only. */
  readonly to: number | null
  readonly types: ReadonlyMap<string, ReadonlySet<string>>
}

const LONG: Readonly<Record<string, string>> = { f: 'float', h: 'float16', b: 'bfloat16', d: 'double', '?': 'bool', i8: 'int8', i16: 'int16', i32: 'int32', i64: 'int64', u8: 'uint8', u16: 'uint16', u32: 'uint32', u64: 'uint64', s: 'string' }

let table: ReadonlyMap<string, readonly Kernel[]> | null = null

function kernelsOf(domain: string, op: string): readonly Kernel[] {
  table ??= read()
  return table.get(`${domain} ${op}`) ?? []
}

function read(): ReadonlyMap<string, readonly Kernel[]> {
  const kernels = new Map<string, Kernel[]>()
  for (const line of KERNELS.trim().split('\n')) {
    const [releases, name, parameters, versions, types] = line.split('|') as [string, string, string, string, string]
    const [from, to] = versions.endsWith('+') ? [Number.parseInt(versions, 10), null] : (versions.split('-').map(Number) as [number, number | undefined])
    const list = kernels.get(name) ?? []
    const constraints = types.split(' ').filter(Boolean).map((word) => word.split('=') as [string, string])
    const generations = parameters.split('/').map((list) => {
      const words = list.split(' ').filter(Boolean)
      return { inputs: words.filter((word) => !word.startsWith('>')), outputs: words.flatMap((word) => (word.startsWith('>') ? [word.slice(1)] : [])) }
    })
    // The page lists every generation of the schema beside every kernel; a kernel's own constraints name those it can be of.
    const own = generations.filter(({ inputs, outputs }) => constraints.every(([parameter]) => inputs.includes(parameter) || outputs.includes(parameter)))
    list.push({
      releases: releases === '' ? [[0, RELEASES.length - 1]] : releases.split(',').map((span) => span.split('-').map(Number) as [number, number]),
      parameters: own.length > 0 ? own : generations,
      from,
      to: to === undefined ? from : to,
      types: new Map(constraints.map(([parameter, list]) => [parameter, new Set(list.split(',').map((type) => LONG[type] ?? type))])),
    })
    kernels.set(name, list)
  }
  return kernels
}

/**
 * The release whose table holds for a version: the newest that is not newer, and the oldest for anything older. `exact`
 * says whether that release itself is in the table.
 */
export function releaseOf(version: string | null): { readonly release: Release; readonly exact: boolean } {
  const [major, minor] = (version ?? '').split('.').map(Number)
  const wanted = major === 1 && minor !== undefined && Number.isFinite(minor) ? minor : Number.POSITIVE_INFINITY
  const known = RELEASES.map((release) => Number(release.split('.')[1]))
  const at = known.findLastIndex((each) => each <= wanted)
  return { release: RELEASES[Math.max(at, 0)]!, exact: known.includes(wanted) }
}

/** `foreign`: an operator of a domain that the table does not cover, so that nothing is said of it. */
export type Placement = 'cuda' | 'cpu' | 'foreign'

export function placementOf(use: OpUse, opset: number | null, release: Release): Placement {
  if (use.domain !== 'ai.onnx' && use.domain !== 'com.microsoft') return use.domain === 'ai.onnx.ml' ? 'cpu' : 'foreign'
  if (EXPANDED.has(use.op)) return 'foreign'
  const at = RELEASES.indexOf(release)
  const since = use.domain === 'ai.onnx' && opset !== null ? sinceOf(use.op, opset) : null
  const serves = (kernel: Kernel) =>
    kernel.releases.some(([from, to]) => from <= at && at <= to) &&
    (since === null || kernel.from === since || (kernel.to !== null && kernel.from <= since && since <= kernel.to)) &&
    kernel.parameters.some(({ inputs, outputs }) => allowed(use.inputs, inputs, kernel) && allowed(use.outputs, outputs, kernel))
  return kernelsOf(use.domain, use.op).some(serves) ? 'cuda' : 'cpu'
}

/** The last parameter of a list may stand for any number of arguments. */
function allowed(types: readonly string[], parameters: readonly string[], { types: constraints }: Kernel): boolean {
  return types.every((type, at) => {
    if (type === '' || type === '?') return true
    const parameter = parameters[Math.min(at, parameters.length - 1)]
    if (parameter === undefined || parameter.startsWith('=')) return true
    return constraints.get(parameter)?.has(type) ?? true
  })
}
