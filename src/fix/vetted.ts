import { known } from '../cannot-see.ts'
import { unitState } from '../facts/unit-state.ts'
import { gatherer } from '../gather.ts'
import { hostOf } from '../host/host.ts'
import type { Fix, Known } from '../types.ts'
import { offerOf, type Offer, type Terms } from './offer.ts'
import type { Row } from './plan.ts'
import type { Judging } from './proof.ts'
import { refuted } from './refuted.ts'
import { unitSite, type Site } from './site.ts'
import { isUnitText, newComplaints } from './verify.ts'

export interface Vetted {
  readonly offer: Offer
  /** Units of which systemd-analyze could not be asked, and why, in a sentence; null = it was asked of all. */
  readonly unverified: string | null
}

/** What systemd-analyze newly complains of is not offered, and nothing for a cause that the evidence rules out. */
export async function vetted(judging: Judging, terms: Omit<Terms, 'barred'>, seconds: number): Promise<Vetted> {
  const host = hostOf(judging.machine)
  const site = { host, use: gatherer(host) }
  const complaints: Offer['rejected'][number][] = [...(await refuted(judging))]
  const barred = new Set<Fix>(complaints.map(({ wish }) => wish.fix))
  for (;;) {
    const offer = await offerOf(judging, { ...terms, barred })
    const { complaint, unasked } = await complaintOf([...offer.main.rows, ...offer.leftOut], site, Math.max(seconds, 10) * 1000)
    // What another fix cures after all needs no excuse.
    if (complaint === null) return { offer: { ...offer, rejected: [...offer.rejected, ...complaints.filter(({ wish }) => !offer.proof.gone.includes(wish.check))] }, unverified: unasked }
    barred.add(complaint.row.wish.fix)
    complaints.push({ wish: complaint.row.wish, kind: 'worse', because: `systemd-analyze verify says: ${complaint.words}` })
  }
}

interface Answer {
  /** The first fix with which a unit draws a complaint that it did not draw before; null = none does. */
  readonly complaint: { readonly row: Row; readonly words: string } | null
  readonly unasked: string | null
}

async function complaintOf(rows: readonly Row[], site: Site, limitMs: number): Promise<Answer> {
  const changes = (of: readonly Row[]) => [...new Map(of.flatMap((row) => row.changes).map((change) => [change.target, change])).values()]
  const state = await known(site.use(unitState))
  const unasked: string[] = []
  for (const unit of new Set(changes(rows).flatMap((change) => (change.unit !== null && isUnitText(change.target) ? [change.unit] : [])))) {
    const edit = rows.flatMap(({ wish }) => wish.fix.edits).find((each) => each.kind === 'unit-drop-in' && each.unit === unit)
    const place = await unitSite(site, unit, edit?.kind === 'unit-drop-in' ? edit.scope : state.known && state.value !== null ? state.value.scope : 'system')
    const found = (of: readonly Row[]): Promise<Known<readonly string[]>> => newComplaints(place, changes(of).filter((change) => change.unit === unit), Date.now() + limitMs)
    const all = await found(rows)
    if (!all.known) unasked.push(`systemd-analyze verify could not be asked of ${unit}: ${all.because}. The text is not verified by it.`)
    if (!all.known || all.value.length === 0) continue
    for (const [at, row] of rows.entries()) {
      const one = await found(rows.slice(0, at + 1))
      const words = one.known ? one.value[0] : undefined
      if (words !== undefined) return { complaint: { row, words }, unasked: null }
    }
  }
  return { complaint: null, unasked: unasked.length === 0 ? null : unasked.join(' ') }
}
