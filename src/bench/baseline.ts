import type { Series } from './gate.ts'
import { throttledShare } from './load.ts'
import type { Result } from './types.ts'

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

/** What makes two measurements incomparable. null = they can be compared. `crossMachine`: the machine may be another one. */
export function unlike(now: Result, before: Result, crossMachine = false): string | null {
  const pairs: readonly (readonly [what: string, now: unknown, before: unknown])[] = [
    ['target', now.target.kind, before.target.kind],
    ['workload', now.workload, before.workload],
    ['audio length', now.audio.seconds.toFixed(2), before.audio.seconds.toFixed(2)],
    ['provider', now.provider.used, before.provider.used],
    ['number of threads', now.target.threads, before.target.threads],
    ['precision', now.target.precision ?? null, before.target.precision ?? null],
    ...(crossMachine
      ? []
      : ([
          ['CPU', now.machine.cpu, before.machine.cpu],
          ['number of logical cores', now.machine.logicalCores, before.machine.logicalCores],
          ['architecture', now.machine.arch, before.machine.arch],
        ] as const)),
  ]
  const different = pairs.filter(([, a, b]) => a !== b)
  return different.length === 0 ? null : different.map(([what, a, b]) => `the ${what} is ${a ?? 'not set'} and was ${b ?? 'not set'}`).join(', ')
}

export const seriesOf = (result: Result): Series => ({
  wallMs: result.runs.map((run) => run.wallMs),
  cpuMs: result.runs.map((run) => run.cpuMs),
  calibrationWallMs: result.runs.map((run) => run.calibration?.wallMs ?? null),
  calibrationCpuMs: result.runs.map((run) => run.calibration?.cpuMs ?? null),
  throttled: throttledShare(result.machine.load),
})
