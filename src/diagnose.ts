import { CannotSee, DoesNotApply } from './cannot-see.ts'
import type { Check, CheckId, Fact, Host, Outcome, Use } from './types.ts'

/** Judges every check at once and never throws: what goes wrong inside a check is the outcome of that check. */
export async function diagnose(host: Host, use: Use, checks: readonly Check[]): Promise<ReadonlyMap<CheckId, Outcome>> {
  const { os } = await host.platform()
  const outcomes = await Promise.all(
    checks.map(async (check): Promise<Outcome> => {
      if (check.on !== undefined && !check.on.includes(os)) return { status: 'not-applicable', because: `This check is for ${check.on.join(' and ')} only.` }
      return judged(check, use)
    }),
  )
  return new Map(checks.map((check, at) => [check.id, outcomes[at]!]))
}

async function judged(check: Check, use: Use): Promise<Outcome> {
  const names = Object.keys(check.needs)
  const gathered = await Promise.allSettled(names.map((name) => use(check.needs[name] as Fact<unknown>)))
  const failures = gathered.flatMap((fact) => (fact.status === 'rejected' ? [fact.reason as unknown] : []))
  // What a target does not have is not missed when it cannot be seen.
  const foreign = failures.find((reason) => reason instanceof DoesNotApply)
  if (foreign !== undefined) return { status: 'not-applicable', because: (foreign as Error).message }
  const bug = failures.find((reason) => !(reason instanceof CannotSee))
  if (bug !== undefined) return { status: 'crashed', error: wordsOf(bug) }
  const [blind] = failures as CannotSee[]
  if (blind !== undefined) return { status: 'unknown', because: blind.message, how: blind.how }
  const values = gathered.map((fact) => (fact as PromiseFulfilledResult<unknown>).value)
  try {
    const verdict = check.run(Object.fromEntries(names.map((name, at) => [name, values[at]])))
    if ('status' in verdict) return verdict
    return verdict.length === 0 ? { status: 'passed' } : { status: 'found', findings: verdict }
  } catch (error) {
    if (error instanceof DoesNotApply) return { status: 'not-applicable', because: error.message }
    if (error instanceof CannotSee) return { status: 'unknown', because: error.message, how: error.how }
    return { status: 'crashed', error: wordsOf(error) }
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error))
