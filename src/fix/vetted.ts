import { known } from '../cannot-see.ts'
import { unitState } from '../facts/unit-state.ts'
import { gatherer } from '../gather.ts'
import { hostOf } from '../host/host.ts'
import type { Fix } from '../types.ts'
import { offerOf, type Offer, type Terms } from './offer.ts'
import type { Row } from './plan.ts'
import type { Judging } from './proof.ts'
import { unitSite, type Site } from './site.ts'
import { newComplaints } from './verify.ts'

/** What systemd-analyze newly complains of is not offered. */
export async function vetted(judging: Judging, terms: Omit<Terms, 'barred'>, seconds: number): Promise<Offer> {
  const host = hostOf(judging.machine)
  const site = { host, use: gatherer(host) }
  const barred = new Set<Fix>()
  const complaints: Offer['rejected'][number][] = []
  for (;;) {
    const offer = await offerOf(judging, { ...terms, barred })
    const complaint = await complaintOf([...offer.main.rows, ...offer.leftOut], site, Math.max(seconds, 10) * 1000)
    if (complaint === null) return { ...offer, rejected: [...offer.rejected, ...complaints] }
    barred.add(complaint.row.wish.fix)
    complaints.push({ wish: complaint.row.wish, kind: 'worse', because: `systemd-analyze verify says: ${complaint.words}` })
  }
}

/** The first fix with which a unit draws a complaint that it did not draw before; null = none does. */
async function complaintOf(rows: readonly Row[], site: Site, limitMs: number): Promise<{ readonly row: Row; readonly words: string } | null> {
  const changes = (of: readonly Row[]) => [...new Map(of.flatMap((row) => row.changes).map((change) => [change.target, change])).values()]
  const state = await known(site.use(unitState))
  for (const unit of new Set(changes(rows).flatMap((change) => change.unit ?? []))) {
    const edit = rows.flatMap(({ wish }) => wish.fix.edits).find((each) => each.kind === 'unit-drop-in' && each.unit === unit)
    const place = await unitSite(site, unit, edit?.kind === 'unit-drop-in' ? edit.scope : state.known && state.value !== null ? state.value.scope : 'system')
    const found = (of: readonly Row[]) => newComplaints(place, changes(of), Date.now() + limitMs)
    if (((await found(rows)) ?? []).length === 0) continue
    for (const [at, row] of rows.entries()) {
      const [words] = (await found(rows.slice(0, at + 1))) ?? []
      if (words !== undefined) return { row, words }
    }
  }
  return null
}
