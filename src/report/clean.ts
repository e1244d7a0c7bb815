import { withoutSecrets } from '../secrets.ts'
import { sober } from '../sober.ts'

/** What came from the machine, fit to be shown: a report is pasted into forums. */
export const clean = (text: string): string => sober(withoutSecrets(text))

/** The same for every string of a tree of data; control characters are the writer's matter there. */
export function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return withoutSecrets(value)
  if (Array.isArray(value)) return value.map(cleaned)
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cleaned(each)])) : value
}
