/** Two examinations side by side: only what can matter at run time, in the order of how much it explains. */
import { assess } from './assess.ts'
import { DoesNotApply, known } from './cannot-see.ts'
import { context } from './facts/context.ts'
import { driver } from './facts/driver.ts'
import { engines } from './facts/engines.ts'
import { knownVariable } from './facts/environment-variables.ts'
import { modelFiles } from './facts/model-files.ts'
import { nvidiaSmi } from './facts/nvidia-smi.ts'
import { unitState } from './facts/unit-state.ts'
import { gatherer } from './gather.ts'
import { NotRecorded } from './host/replay.ts'
import { quantisationOf } from './onnx/forecast.ts'
import type { OnnxModel } from './onnx/types.ts'
import { basename } from './paths.ts'
import { targetName } from './target-name.ts'
import type { Check, CheckId, Env, Fact, Finding, Host, Known, Report } from './types.ts'

export interface Side {
  readonly name: string
  readonly report: Report
  readonly platform: string
  readonly env: Known<Env>
  /** NVIDIA's driver: the version of its module and of its library. */
  readonly driver: Known<ReadonlyMap<string, string>>
  /** Cards by their number. */
  readonly cards: Known<ReadonlyMap<string, string>>
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
  const asked = <T>(fact: Fact<T>): Promise<Known<T>> => known(use(fact)).catch(notHere)
  const [platform, of, libraries, unit, models, module, gpus] = await Promise.all([host.platform(), asked(context), asked(engines), asked(unitState), asked(modelFiles), asked(driver), asked(nvidiaSmi)])
  return {
    name: name || targetName(report.target),
    report,
    platform: `${platform.os} ${platform.arch}`,
    env: of.known ? of.value.env : of,
    driver: mapped(module, ({ kernel, cuda }) => [...(kernel === null ? [] : [['module', kernel.version ?? 'version not known']]), ...(cuda.known && cuda.value !== null ? [['libcuda.so.1', cuda.value.version ?? 'version not known']] : [])]),
    cards: gpus.known && !['report', 'absent'].includes(gpus.value.kind) ? { known: false, because: 'nvidia-smi did not answer.', how: null } : mapped(gpus, (smi) => (smi.kind === 'report' ? smi.report.gpus.map(({ name }, at) => [String(at), name ?? 'name not known']) : [])),
    engines: mapped(libraries, (list) => list.map(({ path, version, cudaMajor }) => [basename(path), [version ?? 'version not known', cudaMajor === null ? 'without CUDA' : `CUDA ${cudaMajor}`].join(', ')])),
    limits: mapped(unit, (state) => Object.entries(state?.properties ?? {}).filter(([key, value]) => key in LIMITS && !NO_LIMIT.test(value))),
    models: mapped(models, (list) => list.flatMap(({ path, file }) => (file.known && file.value.format !== 'broken' ? [[basename(path), kindOf(file.value as OnnxModel)]] : []))),
  }
}

/** Files alone have no machine behind them that could be compared, and an older recording holds fewer answers. */
function notHere(error: unknown): Known<never> {
  if (error instanceof NotRecorded) return { known: false, because: 'The recording does not hold it.', how: null }
  if (error instanceof DoesNotApply) return { known: false, because: error.message, how: null }
  throw error
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
    ...findings(a, b, unseen),
    ...(a.report.verdict.onGpu === b.report.verdict.onGpu ? [] : [{ about: 'on the GPU', a: verdictWords(a.report), b: verdictWords(b.report), because: 'Where the work is done.' }]),
    ...(a.platform === b.platform ? [] : [{ about: 'platform', a: a.platform, b: b.platform, because: 'Libraries and limits are of another kind.' }]),
    ...both('The driver', a.driver, b.driver, (x, y) => keyed(x, y, 'driver', () => 'Another release of it takes other CUDA versions and cards.')),
    ...both('The cards', a.cards, b.cards, (x, y) => keyed(x, y, 'card', () => 'Another card is of another speed, and needs code for its architecture.')),
    ...both('The engines', a.engines, b.engines, (x, y) => keyed(x, y, 'engine', () => 'Another build, or another version.')),
    ...both('The environment', a.env, b.env, (x, y) => keyed(mattering(x), mattering(y), 'environment', (name) => knownVariable(name, null)?.because ?? '')),
    ...both('The limits', a.limits, b.limits, (x, y) => keyed(x, y, 'limit', (name) => LIMITS[name] ?? '')),
    ...both('The models', a.models, b.models, (x, y) => keyed(x, y, 'model', () => 'Another model, or another form of it.')),
  ]
  return { differences, unseen }
}

function findings(a: Side, b: Side, unseen: string[]): readonly Difference[] {
  const found = ({ report }: Side, id: CheckId): readonly Finding[] => {
    const outcome = report.outcomes.get(id)
    return outcome?.status === 'found' ? outcome.findings : []
  }
  const rank = { error: 0, warning: 1, info: 2 }
  const rows = [...new Set([...a.report.outcomes.keys(), ...b.report.outcomes.keys()])].flatMap((id) => {
    const [x, y] = [found(a, id), found(b, id)]
    if (x.length === 0 && y.length === 0) return []
    // A check that could not look on the other side does not differ from what was found on this one.
    const blind = [a, b].find(({ report }) => ['unknown', 'crashed'].includes(report.outcomes.get(id)?.status ?? 'unknown'))
    if (blind !== undefined) {
      const outcome = blind.report.outcomes.get(id)
      unseen.push(`${id} of ${blind.name}: ${outcome?.status === 'unknown' ? outcome.because : 'It was not judged there.'}`)
      return []
    }
    const [left, right] = [x.filter((each) => !y.some((other) => causeOf(a, each) === causeOf(b, other))), y.filter((each) => !x.some((other) => causeOf(a, other) === causeOf(b, each)))]
    if (left.length === 0 && right.length === 0) return []
    const oneSided = x.length === 0 || y.length === 0
    const severity = Math.min(...[...x, ...y].map((each) => rank[each.severity]))
    return [{ order: severity * 2 + (oneSided ? 0 : 1), difference: { about: id, a: (left[0] ?? x[0])?.cause ?? null, b: (right[0] ?? y[0])?.cause ?? null, because: oneSided ? 'Found on one side only.' : 'Found on both sides, and not the same.' } }]
  })
  return rows.sort((p, q) => p.order - q.order).map(({ difference }) => difference)
}

/** Without the name of the target, which is another on each side and no difference. */
const causeOf = ({ report }: Side, { cause }: Finding): string => cause.replaceAll(targetName(report.target), '')

const verdictWords = ({ verdict }: Report): string => `${verdict.onGpu === null ? 'not known' : verdict.onGpu ? 'yes' : 'no'}${verdict.tier === null ? '' : ` (${verdict.tier})`}`

/** Values of variables that cannot matter are never shown. */
const mattering = (env: Env): ReadonlyMap<string, string> => new Map(Object.entries(env).filter(([name, value]) => knownVariable(name, value)?.matters))

const keyed = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>, about: string, because: (name: string) => string): readonly Difference[] =>
  [...new Set([...a.keys(), ...b.keys()])].sort().filter((name) => a.get(name) !== b.get(name)).map((name) => ({ about: `${about} ${name}`, a: a.get(name) ?? null, b: b.get(name) ?? null, because: because(name) }))
