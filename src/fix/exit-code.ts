import type { CheckId } from '../types.ts'
import type { Offer } from './offer.ts'
import { RANK, worst, type Outcomes } from './proof.ts'

/** Notes do not count, as with check. */
export const remains = (outcomes: Outcomes): boolean => [...outcomes.values()].some((outcome) => worst(outcome) >= RANK.warning)

/**
 * 0 done or nothing to do, 1 a patch is shown but not written or something remains that no patch cures, 3 the proof could
 * not be made. `now`: the machine as it is judged after all; null = as the proof says it will be.
 */
export function codeOf(before: Outcomes, offer: Pick<Offer, 'main' | 'proof' | 'rejected'>, shownOnly: boolean, now: Outcomes | null): 0 | 1 | 3 {
  if (shownOnly) return 1
  const gone = new Set<CheckId>(now === null ? offer.proof.gone : [])
  const left = [...(now ?? before)].some(([id, outcome]) => worst(outcome) >= RANK.warning && !gone.has(id))
  const unproven = offer.rejected.some(({ kind }) => kind === 'unproven')
  if (left) return unproven && offer.main.changes.length === 0 ? 3 : 1
  if (remains(before) || offer.main.rows.length > 0) return 0
  // Nothing was found by those who could look: no all-clear where others could not.
  return [...before.values()].some(({ status }) => status === 'unknown' || status === 'crashed') ? 3 : 0
}
