import { known } from './cannot-see.ts'
import { diagnose } from './diagnose.ts'
import { environmentMatrix } from './facts/environment-matrix.ts'
import { targetPid } from './facts/target.ts'
import { gatherer } from './gather.ts'
import { summaryOf, type FailOn } from './summary.ts'
import type { Check, CheckId, Host, Neighbour, Report } from './types.ts'

export interface Terms {
  readonly checks: readonly Check[]
  readonly allowed: ReadonlySet<CheckId>
  readonly failOn: FailOn
}

/** One examination of one target: ask, judge, count. */
export async function assess(host: Host, terms: Terms, neighbours: readonly Neighbour[] = []): Promise<Report> {
  const use = gatherer(host)
  const [target, outcomes, environment, pid] = await Promise.all([
    host.target(),
    diagnose(host, use, terms.checks),
    known(use(environmentMatrix)),
    known(use(targetPid)),
  ])
  return {
    target,
    pid: pid.known && typeof pid.value === 'number' ? pid.value : null,
    outcomes,
    allowed: terms.allowed,
    // Only what runs by itself has an environment of its own to set beside the shell's.
    environment: environment.known && (target.kind === 'unit' || target.kind === 'pid') ? environment.value : [],
    neighbours,
    summary: summaryOf(outcomes, terms.allowed, terms.failOn),
  }
}
