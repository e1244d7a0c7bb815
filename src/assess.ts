import { CannotSee, DoesNotApply } from './cannot-see.ts'
import { diagnose } from './diagnose.ts'
import { environmentMatrix } from './facts/environment-matrix.ts'
import { session } from './facts/session.ts'
import { targetPid } from './facts/target.ts'
import { agreed } from './fix/agreed.ts'
import { gatherer } from './gather.ts'
import { summaryOf, type FailOn } from './summary.ts'
import type { Check, CheckId, GpuVerdict, Host, Hypothesis, Neighbour, Outcome, Report, Use } from './types.ts'
import { verdictOf } from './verdict/verdict.ts'
import { weighed } from './verdict/weigh.ts'

export interface Terms {
  readonly checks: readonly Check[]
  readonly allowed: ReadonlySet<CheckId>
  readonly failOn: FailOn
}

/** One examination of one target: ask, judge, count. */
export async function assess(host: Host, terms: Terms, neighbours: readonly Neighbour[] = []): Promise<Report> {
  const use = gatherer(host)
  const target = await host.target()
  // Files given without a target may come from another machine, as an endpoint may be on one: only what reads them is asked.
  const checks = target.kind === 'shell' && (target.files !== undefined || target.probe !== undefined) ? terms.checks.filter(({ id }) => /^(ep|log)\//.test(id)) : terms.checks
  const [outcomes, environment, pid] = await Promise.all([
    diagnose(host, use, checks).then(agreed),
    seen(use(environmentMatrix)),
    seen(use(targetPid)),
  ])
  return {
    target,
    ...(await judgement(use, outcomes)),
    pid: pid.known && typeof pid.value === 'number' ? pid.value : null,
    outcomes,
    allowed: terms.allowed,
    // Only what runs by itself has an environment of its own to set beside the shell's.
    environment: environment.known && (target.kind === 'unit' || target.kind === 'pid') ? environment.value : [],
    neighbours,
    summary: summaryOf(outcomes, terms.allowed, terms.failOn),
  }
}

/** On the GPU or not, and the causes that compete for what is seen. */
async function judgement(use: Use, outcomes: ReadonlyMap<CheckId, Outcome>): Promise<{ readonly verdict: GpuVerdict; readonly hypotheses: readonly Hypothesis[] }> {
  const signs = await seen(use(session))
  if (!signs.known) return { verdict: { onGpu: null, tier: null, because: signs.because }, hypotheses: [] }
  const all = { ...signs.value, outcomes }
  return { verdict: verdictOf(all), hypotheses: weighed(all) }
}

/** What is shown beside the findings: where it cannot be seen, or there is no such thing, it is left out. */
async function seen<T>(answer: Promise<T>): Promise<{ readonly known: true; readonly value: T } | { readonly known: false; readonly because: string }> {
  try {
    return { known: true, value: await answer }
  } catch (error) {
    if (error instanceof CannotSee || error instanceof DoesNotApply) return { known: false, because: error.message }
    throw error
  }
}
