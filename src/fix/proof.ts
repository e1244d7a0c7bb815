import { diagnose } from '../diagnose.ts'
import { gatherer } from '../gather.ts'
import { hostOf, type Ask } from '../host/host.ts'
import type { Check, CheckId, Finding, Fix, Outcome, Severity } from '../types.ts'
import { mended } from './mended.ts'
import { plan, type Plan, type Wish } from './plan.ts'
import { isSearchList } from './edits/search-list.ts'

export type Outcomes = ReadonlyMap<CheckId, Outcome>

/** What the changed machine is judged to be, beside the machine as it is. */
export interface Proof {
  readonly gone: readonly CheckId[]
  readonly stays: readonly CheckId[]
  readonly appears: readonly CheckId[]
  /** Checks that could judge before and could not on the changed machine. */
  readonly lost: readonly { readonly check: CheckId; readonly because: string }[]
}

export const RANK: Readonly<Record<Severity, number>> = { info: 1, warning: 2, error: 3 }

const findingsOf = (outcome: Outcome | undefined): readonly Finding[] => (outcome?.status === 'found' ? outcome.findings : [])
export const worst = (outcome: Outcome | undefined): number => Math.max(0, ...findingsOf(outcome).map(({ severity }) => RANK[severity]))

export function compared(before: Outcomes, after: Outcomes): Proof {
  const ids = [...after.keys()]
  const found = (outcomes: Outcomes, id: CheckId) => outcomes.get(id)?.status === 'found'
  return {
    // Cured is what passes, or what the target no longer has; what cannot be seen any more is not cured.
    gone: ids.filter((id) => found(before, id) && (after.get(id)!.status === 'passed' || after.get(id)!.status === 'not-applicable')),
    stays: ids.filter((id) => found(before, id) && found(after, id)),
    appears: ids.filter((id) => found(after, id) && (!found(before, id) || worst(after.get(id)) > worst(before.get(id)) || findingsOf(after.get(id)).length > findingsOf(before.get(id)).length)),
    lost: ids.flatMap((id) => {
      const [was, is] = [before.get(id)!, after.get(id)!]
      if (is.status === 'crashed' && was.status !== 'crashed') return [{ check: id, because: is.error }]
      return is.status === 'unknown' && was.status !== 'unknown' ? [{ check: id, because: is.because }] : []
    }),
  }
}

export interface Proven {
  readonly plan: Plan
  readonly proof: Proof
  /** Fixes that are left out, and why: they cure nothing on the changed machine, make something worse, cannot be made, or are for a cause that is ruled out. */
  readonly rejected: readonly Rejected[]
}

export interface Rejected {
  readonly wish: Wish
  readonly kind: 'refused' | 'no cure' | 'worse' | 'unproven' | 'refuted'
  readonly because: string
}

export interface Judging {
  readonly machine: Ask
  readonly checks: readonly Check[]
  readonly before: Outcomes
}

/** Judges the machine as it would be with these wishes met. */
export async function judged(judging: Judging, wishes: readonly Wish[]): Promise<{ readonly plan: Plan; readonly outcomes: Outcomes }> {
  const host = hostOf(judging.machine)
  const made = await plan(wishes, { host, use: gatherer(host) })
  const over = hostOf(await mended(judging.machine, made))
  return { plan: made, outcomes: await diagnose(over, gatherer(over), judging.checks) }
}

/**
 * The smallest set of permitted fixes that cures what can be cured: findings in report order, the fixes of each in their
 * order, one more only while the finding is still there. A fix stays only when the checks, run on the changed machine,
 * no longer find its finding and find nothing else instead.
 */
export async function chosen(judging: Judging, permitted: (check: CheckId, fix: Fix) => boolean, start: readonly Wish[] = []): Promise<Proven> {
  const rejected: Rejected[] = []
  let taken: readonly Wish[] = start
  let now = start.length === 0 ? judging.before : (await judged(judging, start)).outcomes
  for (const [check, outcome] of judging.before) {
    for (const { cause, fixes } of findingsOf(outcome)) {
      if (isCured({ check, cause }, judging.before, now)) continue
      const found = await cure(judging, taken, now, fixes.filter((fix) => fix.edits.length > 0 && permitted(check, fix)).map((fix) => ({ check, cause, fix })))
      rejected.push(...found.rejected)
      if (found.wishes === null) continue
      taken = found.wishes
      now = found.outcomes
    }
  }
  const { plan: made, outcomes } = taken.length === 0 ? { plan: { rows: [], changes: [], refused: [] }, outcomes: judging.before } : await judged(judging, taken)
  return { plan: made, proof: compared(judging.before, outcomes), rejected }
}

type Cure = { readonly rejected: readonly Rejected[] } & ({ readonly wishes: readonly Wish[]; readonly outcomes: Outcomes } | { readonly wishes: null })

async function cure(judging: Judging, taken: readonly Wish[], now: Outcomes, offers: readonly Wish[]): Promise<Cure> {
  const rejected: Rejected[] = []
  const settled = taken.filter((wish) => isCured(wish, judging.before, now))
  let added: readonly Wish[] = []
  let doubt: Rejected | null = null
  for (const offer of offers) {
    const { wish, tried } = await bestOf(judging, [...taken, ...added], offer, (of, outcomes) => harm(of, judging.before, now, settled, outcomes) === null)
    const refusal = tried.plan.refused.find((each) => each.wish === wish)
    if (refusal !== undefined) {
      rejected.push({ wish, kind: 'refused', because: refusal.because })
      continue
    }
    const bad = harm(wish, judging.before, now, settled, tried.outcomes)
    if (bad !== null) {
      rejected.push({ wish, ...bad })
      continue
    }
    added = [...added, wish]
    if (isCured(wish, judging.before, tried.outcomes)) {
      // An earlier one of its fixes may have been of no use: without it the cure must still hold.
      const alone = added.length > 1 ? await judged(judging, [...taken, wish]) : null
      const enough = alone !== null && isCured(wish, judging.before, alone.outcomes) && harm(wish, judging.before, now, settled, alone.outcomes) === null
      return { rejected, wishes: enough ? [...taken, wish] : [...taken, ...added], outcomes: enough ? alone.outcomes : tried.outcomes }
    }
    const is = tried.outcomes.get(wish.check)!
    doubt = is.status === 'unknown' || is.status === 'crashed'
      ? { wish, kind: 'unproven', because: is.status === 'unknown' ? is.because : is.error }
      : { wish, kind: 'no cure', because: 'On the changed machine the finding would still be there.' }
  }
  return { rejected: doubt === null ? rejected : [...rejected, doubt], wishes: null }
}

/** Where libraries of one name lie in several of the folders, the order of the wishes decides which of them meet: the other orders are tried before a wish is given up. */
async function bestOf(judging: Judging, taken: readonly Wish[], wish: Wish, harmless: (wish: Wish, outcomes: Outcomes) => boolean): Promise<{ readonly wish: Wish; readonly tried: Awaited<ReturnType<typeof judged>> }> {
  const tried = await judged(judging, [...taken, wish])
  if (!listsFolders(wish) || !taken.some(listsFolders) || harmless(wish, tried.outcomes)) return { wish, tried }
  for (const place of ['first', 'last'] as const) {
    const other: Wish = { ...wish, place }
    const again = await judged(judging, [...taken, other])
    if (harmless(other, again.outcomes)) return { wish: other, tried: again }
  }
  return { wish, tried }
}

const listsFolders = ({ fix }: Wish): boolean => fix.edits.some((edit) => edit.kind === 'unit-drop-in' && edit.set.some(({ key, value }) => key === 'Environment' && isSearchList(value.split('=')[0]!)))

/** Those wishes of which one more cures its finding and harms nothing. A source that a program looks through on the disk shows no change before it is made. */
export async function provenBeside(judging: Judging, taken: readonly Wish[], more: readonly Wish[]): Promise<ReadonlySet<Wish>> {
  const proven = new Set<Wish>()
  if (more.length === 0) return proven
  const now = taken.length === 0 ? judging.before : (await judged(judging, taken)).outcomes
  const settled = taken.filter((each) => isCured(each, judging.before, now))
  for (const wish of more) {
    const { plan: made, outcomes } = await judged(judging, [...taken, wish])
    if (made.refused.every((each) => each.wish !== wish) && isCured(wish, judging.before, outcomes) && harm(wish, judging.before, now, settled, outcomes) === null) proven.add(wish)
  }
  return proven
}

/**
 * What would be found that is not found now, what the fixes taken so far have cured and this one would bring back, and what could be
 * judged and could not be any more: where the real loader contradicts its model on the changed machine, nothing is proven of it.
 */
function harm(of: Wish, before: Outcomes, now: Outcomes, settled: readonly Wish[], after: Outcomes): Pick<Rejected, 'kind' | 'because'> | null {
  const { appears, lost } = compared(before, after)
  const worse = (because: string) => ({ kind: 'worse' as const, because })
  if (appears.length > 0) return worse(`On the changed machine this would be found: ${appears.map((id) => `${id} (${findingsOf(after.get(id)).map(({ cause }) => cause).join(' ')})`).join('; ')}`)
  const cured = compared(before, now).gone
  const back = [...new Set([...cured.filter((id) => after.get(id)?.status === 'found'), ...settled.flatMap((wish) => (isCured(wish, before, after) ? [] : [wish.check]))])]
  if (back.length > 0) return worse(`It would bring back what another fix cures: ${back.join(', ')}.`)
  // Its own check may come to see again with the next of its fixes.
  const judgedBefore = lost.filter(({ check }) => check !== of.check && ['passed', 'found'].includes(before.get(check)!.status))
  return judgedBefore.length === 0 ? null : { kind: 'unproven', because: judgedBefore.map(({ check, because }) => `On the changed machine ${check} could not be judged: ${because}`).join(' ') }
}

/** Findings of one check by what they say; a line that is taken out moves the numbers of those behind it. */
const keyOf = (cause: string): string => cause.replace(/:\d+/g, ':N')

const countOf = (outcome: Outcome | undefined, key: string): number => findingsOf(outcome).filter(({ cause }) => keyOf(cause) === key).length

/** The finding is there no more: its check passes or does not apply, or finds only what other findings told before. */
export function isCured({ check, cause }: Pick<Wish, 'check' | 'cause'>, before: Outcomes, now: Outcomes): boolean {
  if (before === now) return false
  const [was, is] = [before.get(check), now.get(check)]
  if (is === undefined || is.status === 'unknown' || is.status === 'crashed') return false
  if (findingsOf(is).some((each) => countOf(was, keyOf(each.cause)) === 0)) return false
  // Of several that say the same the first is cured when one is gone, the second when two are.
  const alike = findingsOf(was).filter((each) => keyOf(each.cause) === keyOf(cause))
  return countOf(is, keyOf(cause)) < alike.length - alike.findIndex((each) => each.cause === cause)
}
