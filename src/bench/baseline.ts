import { withoutSecrets } from '../secrets.ts'
import { gpuAtWork } from './gpu-load.ts'
import { throttledShare } from './load.ts'
import type { Measured } from './protocol.ts'
import type { Series } from './regression.ts'
import { median } from './stats/describe.ts'
import type { Load, Result } from './types.ts'

/** A stored measurement, or why it cannot be used. Pure. */
export function parseBaseline(text: string): Result | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'is not JSON'
  }
  const result = value as Partial<Result> | null
  if (typeof result !== 'object' || result === null || result.tool?.name !== 'asr-doctor' || !Array.isArray(result.runs)) return 'is not a measurement of asr-doctor bench'
  if (result.schemaVersion !== 1) return `has the schema version ${String(result.schemaVersion)}; this version reads 1`
  if (result.runs.some((run) => typeof run?.wallMs !== 'number')) return 'is damaged: a run has no wall time'
  if (!result.target || !result.provider || !result.audio || !result.machine) return 'is damaged: it lacks a part'
  return result as Result
}

/** What a measurement was of and where. Absent = not known yet, or not by the version that kept it: then nothing is said of it. */
export interface Known {
  readonly kind?: string
  readonly workload?: string
  readonly seconds?: number
  /** Of the recording. */
  readonly content?: string
  readonly provider?: string | null
  readonly threads?: number | null
  readonly precision?: string | null
  readonly cpu?: string
  readonly cores?: number
  readonly arch?: string
  /** The one that did the work. */
  readonly gpu?: string
}

/** The parts of a result that tell what it was of; those of a measurement in the making have them too. */
type Described = Pick<Result, 'target' | 'workload' | 'audio' | 'provider'> & { readonly tool: { readonly version: string }; readonly machine: Omit<Result['machine'], 'load'> }

export function knownOf({ target, workload, audio, provider, machine }: Omit<Described, 'tool'>): Known {
  const gpu = gpuAtWork(machine.gpus ?? null, provider)?.name
  return {
    kind: target.kind, workload: typeof workload === 'string' ? withoutSecrets(workload) : workload, seconds: audio.seconds, ...(audio.content === undefined ? {} : { content: audio.content }), provider: provider.used, threads: target.threads, precision: target.precision ?? null,
    cpu: machine.cpu, cores: machine.logicalCores, arch: machine.arch, ...(gpu === undefined ? {} : { gpu }),
  }
}

/** What makes two measurements incomparable. null = they can be compared. `crossMachine`: the machine may be another one. */
export function unlike(now: Known, before: Known, crossMachine = false): string | null {
  return differences([
    ['target', now.kind, before.kind],
    ['workload', now.workload, before.workload],
    ['audio length', now.seconds?.toFixed(2), before.seconds?.toFixed(2)],
    ['recording', now.content, before.content],
    ['provider', now.provider, before.provider],
    ['number of threads', now.threads, before.threads],
    ['precision', now.precision, before.precision],
    ...(crossMachine
      ? []
      : ([
          ['CPU', now.cpu, before.cpu],
          ['number of logical cores', now.cores, before.cores],
          ['architecture', now.arch, before.arch],
          ['GPU', now.gpu, before.gpu],
        ] as const)),
  ])
}

/** What else is not as it was. It makes no comparison wrong, and may be the very thing that is being judged. null = nothing. */
export function changedSince(now: Described, before: Described): string | null {
  const changed = differences([
    ['runtime', now.target.runtime, before.target.runtime],
    ['GPU driver', now.machine.gpuDriver, before.machine.gpuDriver],
    ['model, by its files,', now.target.content, before.target.content],
    ['version of asr-doctor', now.tool.version, before.tool.version],
    ['version of Node.js', now.machine.node, before.machine.node],
  ])
  return changed === null ? null : `Not as in the baseline: ${changed}.`
}

function differences(pairs: readonly (readonly [what: string, now: unknown, before: unknown])[]): string | null {
  const different = pairs.filter(([, a, b]) => a !== undefined && b !== undefined && a !== b)
  return different.length === 0 ? null : different.map(([what, a, b]) => `the ${what} is ${a ?? 'not set'} and was ${b ?? 'not set'}`).join(', ')
}

/** Why nothing can ever be compared with it; null = it can be. */
export function useless({ runs }: Pick<Result, 'runs'>, fewest: number): string | null {
  if (runs.length < fewest) return `it holds ${runs.length === 1 ? 'one run' : `${runs.length} runs`}, and a comparison needs ${fewest}`
  return runs.some(({ calibration }) => !calibration) ? 'its runs have no yardstick beside them, and without one a slow hour looks like a slow program' : null
}

/** How many times as long the yardstick takes now as it did then: the machine, its hour and its neighbours, without the program. */
export function machineFactor(now: Pick<Result, 'runs' | 'provider'>, before: Pick<Result, 'runs' | 'provider'> | null): Pick<Result, 'machineFactor'> {
  if (before === null || now.provider.used !== before.provider.used) return {}
  const yardstick = ({ runs }: Pick<Result, 'runs'>) => median(runs.flatMap(({ calibration }) => (calibration ? [calibration.wallMs] : [])))
  const factor = yardstick(now) / yardstick(before)
  return Number.isFinite(factor) ? { machineFactor: factor } : {}
}

export const seriesOf = ({ runs, machine: { load } }: Pick<Result, 'runs'> & { readonly machine: Pick<Result['machine'], 'load'> }): Series => seriesIn(runs, load)

export const seriesNow = ({ runs, load }: Measured): Series => seriesIn(runs.map(({ run: { wallMs, cpuMs }, calibration }) => ({ wallMs, cpuMs, calibration })), load)

function seriesIn(runs: readonly Pick<Result['runs'][number], 'wallMs' | 'cpuMs' | 'calibration'>[], load: Load | null): Series {
  return {
    wallMs: runs.map((run) => run.wallMs),
    cpuMs: runs.map((run) => run.cpuMs),
    calibrationWallMs: runs.map((run) => run.calibration?.wallMs ?? null),
    calibrationCpuMs: runs.map((run) => run.calibration?.cpuMs ?? null),
    throttled: throttledShare(load),
    cpus: load === null || load.targetCpuMs === null || !(load.spanMs > 0) ? null : load.targetCpuMs / load.spanMs,
    waited: load === null || load.waitedMs === null || !load.targetCpuMs ? null : load.waitedMs / load.targetCpuMs,
  }
}
