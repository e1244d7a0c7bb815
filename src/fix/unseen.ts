import { remains } from './exit-code.ts'
import type { Outcomes } from './proof.ts'

/** That nothing was found is no all-clear where something could not be seen: how much, why, and how to see it. null = all was seen, or something was found. */
export function unseenWords(before: Outcomes, examine: string): string | null {
  const blind = [...before.values()].flatMap((outcome) =>
    outcome.status === 'unknown' ? [{ because: outcome.because, how: outcome.how }] : outcome.status === 'crashed' ? [{ because: `The doctor itself failed: ${outcome.error}`, how: null }] : [],
  )
  if (blind.length === 0 || remains(before)) return null
  // The reason that blinds most checks, and of equals one that has a remedy.
  const reasons = new Map<string, { readonly because: string; readonly how: string | null; readonly count: number }>()
  for (const { because, how } of blind) reasons.set(`${because}\n${how}`, { because, how, count: (reasons.get(`${because}\n${how}`)?.count ?? 0) + 1 })
  const [first, ...others] = [...reasons.values()].sort((a, b) => b.count - a.count || Number(b.how !== null) - Number(a.how !== null))
  const whole = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`)
  return [
    `nothing found, but ${blind.length} ${blind.length === 1 ? 'check' : 'checks'} could not be made. ${whole(first!.because)}`,
    ...(first!.how === null ? [] : [`To see it: ${whole(first!.how)}`]),
    ...(others.length > 0 ? [`${others.length} more ${others.length === 1 ? 'reason' : 'reasons'}: ${examine}`] : []),
  ].join(' ')
}
