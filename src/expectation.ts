import { worstFirst } from './summary.ts'
import type { CheckId, Outcome } from './types.ts'

/** Findings and blind spots as the lines of an `expect` block, in report order: `error cuda/libraries-hidden`, `unknown …`. */
export const expectationOf = (outcomes: ReadonlyMap<CheckId, Outcome>, unsaid: string | null = null): readonly string[] =>
  [...outcomes].flatMap(([id, outcome]) => {
    if (outcome.status === 'found') return [...outcome.findings].sort((a, b) => worstFirst(a.severity, b.severity)).map(({ severity }) => `${severity} ${id}`)
    // A report that does not say a thing blinds most checks: that is said once, for all.
    if (outcome.status === 'unknown' && outcome.because === unsaid) return []
    return outcome.status === 'unknown' || outcome.status === 'crashed' ? [`${outcome.status} ${id}`] : []
  })
