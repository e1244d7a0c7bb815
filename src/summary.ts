import type { CheckId, Outcome, Severity, Summary } from './types.ts'

export type FailOn = Severity | 'never'

const RANK: Readonly<Record<Severity, number>> = { info: 1, warning: 2, error: 3 }

/**
 * Counts, and the exit code: 0 healthy, 1 found at or above `failOn`, 2 the doctor itself failed, 3 nothing found but
 * not everything could be seen. Allowed findings are in no count. `never` asks for a report and gets 0 unless we failed.
 */
export function summaryOf(outcomes: ReadonlyMap<CheckId, Outcome>, allowed: ReadonlySet<CheckId>, failOn: FailOn): Summary {
  const findings = [...outcomes].flatMap(([id, outcome]) => (outcome.status === 'found' && !allowed.has(id) ? outcome.findings : []))
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length
  const having = (status: Outcome['status']) => [...outcomes.values()].filter((outcome) => outcome.status === status).length
  const unknown = having('unknown')
  const crashed = having('crashed')
  const failing = failOn !== 'never' && findings.some(({ severity }) => RANK[severity] >= RANK[failOn])
  const exitCode = failing ? 1 : crashed > 0 ? 2 : unknown > 0 && failOn !== 'never' ? 3 : 0
  return { errors: count('error'), warnings: count('warning'), infos: count('info'), unknown, crashed, exitCode }
}

export const worstFirst = (a: Severity, b: Severity): number => RANK[b] - RANK[a]

/** Several targets as one: counts added, the gravest exit code (found, then failed, then not seen). */
export function mergedSummary(all: readonly Summary[]): Summary {
  const sum = (name: 'errors' | 'warnings' | 'infos' | 'unknown' | 'crashed') => all.reduce((n, each) => n + each[name], 0)
  const codes = all.map(({ exitCode }) => exitCode)
  const exitCode = ([1, 2, 3] as const).find((code) => codes.includes(code)) ?? 0
  return { errors: sum('errors'), warnings: sum('warnings'), infos: sum('infos'), unknown: sum('unknown'), crashed: sum('crashed'), exitCode }
}
