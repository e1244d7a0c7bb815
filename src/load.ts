import { builtIn } from '../checks/index.ts'
import { nearest } from './nearest.ts'
import type { Check, CheckId } from './types.ts'
import { WrongCall } from './wrong-call.ts'

/** Every check there is, in report order. */
export const allChecks = (): readonly Check[] => builtIn.checks

/** Ids and families named by --only, --skip or --allow, as ids. An unknown one is a wrong call with a suggestion. */
export function idsNamed(option: string, names: readonly string[], checks: readonly Check[]): ReadonlySet<CheckId> {
  const families = [...new Set(checks.map(({ id }) => familyOf(id)))]
  return new Set(
    names.flatMap((name) => {
      const found = checks.filter(({ id }) => id === name || familyOf(id) === name)
      if (found.length > 0) return found.map(({ id }) => id)
      const meant = nearest(name, [...checks.map(({ id }) => id), ...families])
      throw new WrongCall(`${option} ${name}: there is no such check or family.${meant ? ` Did you mean ${meant}?` : ' asr-doctor list shows them all.'}`)
    }),
  )
}

export function checkNamed(name: string, checks: readonly Check[]): Check {
  const found = checks.find(({ id }) => id === name)
  if (found) return found
  const meant = nearest(name, checks.map(({ id }) => id))
  const family = checks.filter(({ id }) => familyOf(id) === name)
  if (family.length > 0) throw new WrongCall(`${name} is a family of ${family.length} checks; name one: ${family.map(({ id }) => id).join(', ')}.`)
  throw new WrongCall(`There is no check called ${name}.${meant ? ` Did you mean ${meant}?` : ' asr-doctor list shows them all.'}`)
}

export const familyOf = (id: string): string => id.slice(0, id.indexOf('/'))
