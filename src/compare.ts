/** Two examinations side by side: only what can matter at run time, in the order of how much it explains. */
import { assess } from './assess.ts'
import { known } from './cannot-see.ts'
import { context } from './facts/context.ts'
import { engines } from './facts/engines.ts'
import { knownVariable } from './facts/environment-variables.ts'
import { modelFiles } from './facts/model-files.ts'
import { unitState } from './facts/unit-state.ts'
import { gatherer } from './gather.ts'
import { quantisationOf } from './onnx/forecast.ts'
import type { OnnxModel } from './onnx/types.ts'
import { basename } from './paths.ts'
import { targetName } from './target-name.ts'
import type { Check, Env, Host, Known, Report } from './types.ts'

export interface Side {
  readonly name: string
  readonly report: Report
  readonly platform: string
  readonly env: Known<Env>
  /** Engine libraries by file name: version and CUDA major. */
  readonly engines: Known<ReadonlyMap<string, string>>
  readonly limits: Known<ReadonlyMap<string, string>>
  readonly models: Known<ReadonlyMap<string, string>>
}

export interface Difference {
  /** What is compared: a check, `environment NAME`, `limit NAME` … */
  readonly about: string
  /** null = it is not there. */
  readonly a: string | null
  readonly b: string | null
  readonly because: string
}

export interface Comparison {
  /** What explains most comes first. */
  readonly differences: readonly Difference[]
  /** What could be seen on one side only, or on none. */
  readonly unseen: readonly string[]
}

const LIMITS: Readonly<Record<string, string>> = {
  CPUQuotaPerSecUSec: 'CPU time a second that the service may use.',
  AllowedCPUs: 'CPUs that the service may use.',
  MemoryMax: 'Above it the kernel kills.',
  MemoryHigh: 'Above it the kernel slows the service down.',
  MemorySwapMax: 'How much of it may be swapped out.',
  PrivateDevices: 'Without devices there is no GPU.',
  DevicePolicy: 'Which device nodes may be opened.',
  DeviceAllow: 'Which device nodes may be opened.',
  ProtectHome: 'Models and caches below /home are hidden.',
  MemoryDenyWriteExecute: 'Compilers at run time cannot work.',
}

/** As systemctl prints what was never set; a shell has no unit, and so none of these. */
const NO_LIMIT = /^(infinity|no|auto|)$/

export async function sideOf(name: string, host: Host, checks: readonly Check[]): Promise<Side> {
  const use = gatherer(host)
  const report = await assess(host, { checks, allowed: new Set(), failOn: 'warning' })
  const [platform, of, libraries, unit, models] = await Promise.all([host.platform(), known(use(context)), known(use(engines)), known(use(unitState)), known(use(modelFiles))])
  return {
    name: name || targetName(report.target),
    report,
    platform: `${platform.os} ${platform.arch}`,
    env: of.known ? of.value.env : of,
    engines: mapped(libraries, (list) => list.map(({ path, version, cudaMajor }) => [basename(path), [version ?? 'version not known', cudaMajor === null ? 'without CUDA' : `CUDA ${cudaMajor}`].join(', ')])),
    limits: mapped(unit, (state) => Object.entries(state?.properties ?? {}).filter(([key, value]) => key in LIMITS && !NO_LIMIT.test(value))),
    models: mapped(models, (list) => list.flatMap(({ path, file }) => (file.known && file.value.format !== 'broken' ? [[basename(path), kindOf(file.value as OnnxModel)]] : []))),
  }
}

const kindOf = (model: OnnxModel): string => (model.format === 'onnx' ? `${quantisationOf(model) === 'none' ? 'not quantised' : quantisationOf(model)}, ${model.nodes} nodes` : String((model as unknown as { weights: string }).weights))

const mapped = <T>(of: Known<T>, entries: (value: T) => readonly (readonly string[])[]): Known<ReadonlyMap<string, string>> =>
  of.known ? { known: true, value: new Map(entries(of.value) as readonly (readonly [string, string])[]) } : of

export function compared(a: Side, b: Side): Comparison {
  const unseen: string[] = []
  const both = <T>(what: string, x: Known<T>, y: Known<T>, use: (x: T, y: T) => readonly Difference[]): readonly Difference[] => {
    if (x.known && y.known) return use(x.value, y.value)
    for (const [side, value] of [[a, x], [b, y]] as const) if (!value.known) unseen.push(`${what} of ${side.name}: ${value.because}`)
    return []
  }
  const differences = [
    ...findings(a.report, b.report),
    ...(a.report.verdict.onGpu === b.report.verdict.onGpu ? [] : [{ about: 'on the GPU', a: verdictWords(a.report), b: verdictWords(b.report), because: 'Where the work is done.' }]),
    ...(a.platform === b.platform ? [] : [{ about: 'platform', a: a.platform, b: b.platform, because: 'Libraries and limits are of another kind.' }]),
    ...both('The engines', a.engines, b.engines, (x, y) => keyed(x, y, 'engine', () => 'Another build, or another version.')),
    ...both('The environment', a.env, b.env, (x, y) => keyed(mattering(x), mattering(y), 'environment', (name) => knownVariable(name, null)?.because ?? '')),
    ...both('The limits', a.limits, b.limits, (x, y) => keyed(x, y, 'limit', (name) => LIMITS[name] ?? '')),
    ...both('The models', a.models, b.models, (x, y) => keyed(x, y, 'model', () => 'Another model, or another form of it.')),
  ]
  return { differences, unseen }
}

function findings(a: Report, b: Report): readonly Difference[] {
  const causes = (report: Report) => new Map([...report.outcomes].flatMap(([id, outcome]) => (outcome.status === 'found' ? [[id as string, outcome.findings[0]!] as const] : [])))
  const [x, y] = [causes(a), causes(b)]
  const rank = { error: 0, warning: 1, info: 2 }
  return [...new Set([...x.keys(), ...y.keys()])]
    // A check that could not look on the other side does not differ from what was found on this one.
    .filter((id) => x.has(id) !== y.has(id) && ![a, b].some((report) => ['unknown', 'crashed'].includes(report.outcomes.get(id as never)?.status ?? 'unknown')))
    .sort((p, q) => rank[(x.get(p) ?? y.get(p))!.severity] - rank[(x.get(q) ?? y.get(q))!.severity])
    .map((id) => ({ about: id, a: x.get(id)?.cause ?? null, b: y.get(id)?.cause ?? null, because: 'Found on one side only.' }))
}

const verdictWords = ({ verdict }: Report): string => `${verdict.onGpu === null ? 'not known' : verdict.onGpu ? 'yes' : 'no'}${verdict.tier === null ? '' : ` (${verdict.tier})`}`

/** Values of variables that cannot matter are never shown. */
const mattering = (env: Env): ReadonlyMap<string, string> => new Map(Object.entries(env).filter(([name, value]) => knownVariable(name, value)?.matters))

const keyed = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>, about: string, because: (name: string) => string): readonly Difference[] =>
  [...new Set([...a.keys(), ...b.keys()])].sort().filter((name) => a.get(name) !== b.get(name)).map((name) => ({ about: `${about} ${name}`, a: a.get(name) ?? null, b: b.get(name) ?? null, because: because(name) }))
