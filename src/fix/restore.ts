import { removeEmpty } from './disk.ts'
import { replace, tempName } from './hand.ts'
import type { Entry } from './journal.ts'
import { placeOf } from './place.ts'
import { Refused } from './refused.ts'
import { asUser } from './rights.ts'

export const bytesOf = (base64: string | null): Buffer | null => (base64 === null ? null : Buffer.from(base64, 'base64'))

/** What lies in the place of an entry now, in base64. */
export const contents = ({ target }: Pick<Entry, 'target'>): string | null => placeOf(target).bytes?.toString('base64') ?? null

/** The bytes of before; true = they were not there already. `revive`: also where somebody deleted the file. */
export function restore(entry: Entry, revive = false): boolean {
  const place = placeOf(entry.target)
  if (place.real !== entry.real) throw new Refused(`${entry.target} leads to ${place.real} now and led to ${entry.real} when it was written.`)
  const now = place.bytes?.toString('base64') ?? null
  const changed = now !== entry.before
  if (changed && now !== entry.after && !(revive && now === null)) throw new Refused(`${entry.target} was changed since asr-doctor wrote it; it is left as it is.`)
  if (changed) replace(place, bytesOf(entry.before), tempName(place.real), { mode: entry.mode ?? 0o644, owner: place.owner === null && process.geteuid?.() === 0 ? entry.owner : null })
  asUser(place.owner, () => {
    for (const made of [...entry.folders].reverse()) removeEmpty(made)
  })
  return changed
}
