import type { CheckId } from '../types.ts'
import type { Writer } from './draft.ts'
import { writerOf, type Offer } from './offer.ts'
import type { Row, Wish } from './plan.ts'
import type { Outcomes } from './proof.ts'

const SWITCH: Readonly<Record<Writer, string | null>> = { unit: '--write-unit', path: '--write-path', source: null }

/** What could be done and is not done by this call, and the words that ask for it. */
export function leftOutWords(rows: readonly Row[], writers: ReadonlySet<Writer>): readonly string[] {
  const groups = new Map<string, Wish[]>()
  for (const { wish } of rows) {
    const missing = [...new Set(wish.fix.edits.map(writerOf))].flatMap((writer) => (writer === null || writers.has(writer) ? [] : (SWITCH[writer] ?? []))).sort()
    const key = `${wish.fix.safety} ${missing.join(' ')}`
    groups.set(key, [...(groups.get(key) ?? []), wish])
  }
  return [...groups].map(([key, wishes]) => {
    const [safety, ...missing] = key.trim().split(' ')
    // One that is safe and has its switch was of no use without a risky one beside it.
    const byName = safety !== 'safe' || missing.length === 0
    const ids = !byName ? [] : [...new Set(wishes.map(({ check }) => check))].flatMap((id) => ['--fix', id])
    const one = wishes.length === 1
    return `${wishes.length} ${safety} ${one ? 'fix' : 'fixes'} left out; ${!byName ? 'add' : one ? 'name it with' : 'name them with'} ${[...missing, ...ids].join(' ')}.`
  })
}

/** Of what was named with --fix and changes nothing, why. `named`: the words typed, and the checks they stand for. */
export function strayWords(named: ReadonlyMap<string, ReadonlySet<CheckId>>, before: Outcomes, offer: Offer): readonly string[] {
  const told = new Set([...offer.main.rows, ...offer.leftOut, ...offer.shown, ...offer.rejected].map(({ wish }) => wish.check))
  return [...named].flatMap(([name, ids]) => {
    const having = (...status: readonly string[]) => [...ids].filter((id) => status.includes(before.get(id)?.status ?? ''))
    const found = having('found')
    if ([...ids].some((id) => told.has(id))) return []
    if (found.length > 0) return [`--fix ${name}: ${found.every((id) => offer.proof.gone.includes(id)) ? 'another fix cures it.' : 'it was found, and has no fix that can be written.'}`]
    return [`--fix ${name}: ${having('unknown', 'crashed').length > 0 ? 'whether there is such a fault could not be seen here.' : 'there is no such fault here.'}`]
  })
}
