import { CannotSee, DoesNotApply } from '../cannot-see.ts'
import { session } from '../facts/session.ts'
import { gatherer } from '../gather.ts'
import { hostOf } from '../host/host.ts'
import type { CheckId } from '../types.ts'
import { HYPOTHESES } from '../verdict/hypotheses.ts'
import { weighed } from '../verdict/weigh.ts'
import { wishesOf } from './offer.ts'
import type { Judging, Rejected } from './proof.ts'

/**
 * Fixes of findings whose cause the evidence rules out: libraries that a model of the loader misses are not missing where the log shows
 * work that only a loaded provider does. A finding that is certain is never ruled out by a line of a log.
 */
export async function refuted(judging: Judging): Promise<readonly Rejected[]> {
  const use = gatherer(hostOf(judging.machine))
  let signs
  try {
    signs = await use(session)
  } catch (error) {
    // Where nothing of it can be seen, nothing is refuted.
    if (error instanceof CannotSee || error instanceof DoesNotApply) return []
    throw error
  }
  const against = new Map<CheckId, string>()
  for (const { id, state, because, evidence } of weighed({ ...signs, outcomes: judging.before })) {
    if (state !== 'refuted') continue
    const saw = evidence[0] === undefined ? '' : ` Seen: ${evidence[0].saw} (${evidence[0].source}).`
    for (const check of HYPOTHESES.find((row) => row.id === id)?.foundBy ?? []) against.set(check, `What was seen rules this cause out. ${because ?? ''}${saw}`)
  }
  return wishesOf(judging).flatMap((wish) => (against.has(wish.check) ? [{ wish, kind: 'refuted' as const, because: against.get(wish.check)! }] : []))
}
