import type { CheckId, Directive, Finding, Fix, Outcome } from '../types.ts'
import { heavier } from './edits/limits.ts'
import { extended, isSearchList } from './edits/search-list.ts'
import { isList } from './edits/systemd-text.ts'

type Outcomes = ReadonlyMap<CheckId, Outcome>

/** Who asks for what of one directive, or of one variable of a unit. */
type Asked = Map<string, { readonly check: CheckId; readonly value: string }[]>

/**
 * Findings are judged one by one, and what two of them propose for the same directive must still be one value when it is printed:
 * of a limit the larger demand, with a word on who makes it; of a variable that lists folders the whole list, beside each part.
 */
export function agreed(outcomes: Outcomes): Outcomes {
  const asked: Asked = new Map()
  for (const [check, outcome] of outcomes) {
    for (const { place, value } of outcome.status === 'found' ? outcome.findings.flatMap(({ fixes }) => fixes.flatMap(wishesOf)) : []) asked.set(place, [...(asked.get(place) ?? []), { check, value }])
  }
  const several = new Set([...asked].flatMap(([place, wishes]) => (new Set(wishes.map(({ value }) => value)).size > 1 ? [place] : [])))
  if (several.size === 0) return outcomes
  const fixed = (check: CheckId) => (fix: Fix): Fix => (wishesOf(fix).some(({ place }) => several.has(place)) ? together(check, fix, asked) : fix)
  const found = (check: CheckId) => (finding: Finding): Finding => ({ ...finding, fixes: finding.fixes.map(fixed(check)) })
  return new Map([...outcomes].map(([check, outcome]) => [check, outcome.status === 'found' ? { ...outcome, findings: outcome.findings.map(found(check)) } : outcome]))
}

interface Wish {
  readonly place: string
  readonly value: string
}

const wishesOf = (fix: Fix): readonly Wish[] => fix.edits.flatMap((edit) => (edit.kind === 'unit-drop-in' ? edit.set.flatMap((directive) => wishOf(`${edit.scope} ${edit.unit}`, directive) ?? []) : []))

/** null = lines of it add up, or it is no limit and no list: then each finding speaks for itself. */
function wishOf(unit: string, { section, key, value }: Directive): Wish | null {
  if (key === 'Environment') {
    const [name] = value.split('=')
    return isSearchList(name!) ? { place: `${unit} ${name}`, value: value.slice(name!.length + 1) } : null
  }
  return isList(key) || heavier(key, value, value) === null ? null : { place: `${unit} ${section} ${key}`, value }
}

function together(check: CheckId, fix: Fix, asked: Asked): Fix {
  const notes: string[] = []
  const edits = fix.edits.map((edit) => {
    if (edit.kind !== 'unit-drop-in') return edit
    const set = edit.set.map((directive) => {
      const wish = wishOf(`${edit.scope} ${edit.unit}`, directive)
      const all = wish === null ? [] : asked.get(wish.place)!
      const others = [...new Set(all.filter(({ value }) => value !== wish?.value).map((each) => each.check))].filter((other) => other !== check)
      if (wish === null || others.length === 0) return directive
      if (directive.key === 'Environment') {
        const [name] = directive.value.split('=')
        notes.push(`Together with what ${others.join(' and ')} adds: ${name}=${extended([...new Set(all.map(({ value }) => value))].sort().join(':'), '')}`)
        return directive
      }
      const most = all.reduce((a, b) => (heavier(directive.key, a.value, b.value) === a.value ? a : b))
      if (most.value === wish.value) return directive
      notes.push(`${directive.key}=${most.value} and not ${wish.value === '' ? 'none' : wish.value}, because ${most.check} asks for more.`)
      return { ...directive, value: most.value }
    })
    return { ...edit, set }
  })
  return { ...fix, edits, then: [...notes, ...fix.then] }
}
