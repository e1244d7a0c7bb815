import { Chalk } from 'chalk'
import { familyOf } from './load.ts'
import { wrap } from './report/wrap.ts'
import type { Check } from './types.ts'

/** What `explain ID` prints: the check in its own words. */
export function explanation(check: Check, colour: boolean, width: number): string {
  const paint = new Chalk({ level: colour ? 1 : 0 })
  const part = (head: string, text: string) => `${paint.bold(head)}\n${wrap(text, width, '  ')}`
  return `${[
    wrap(`${paint.bold(check.id)} — ${check.title}`, width, '', '  '),
    part('What it looks at', check.docs.what),
    part('Why it matters', check.docs.why),
    part('What to do', check.docs.remedy),
    part('A fix', { always: 'Every finding comes with one.', sometimes: 'Where the cause allows it.', never: 'None that a program should make.' }[check.fixes]),
    ...(check.docs.links.length > 0 ? [`${paint.bold('More')}\n${check.docs.links.map((link) => `  ${link}`).join('\n')}`] : []),
  ].join('\n\n')}\n`
}

/** What `list` prints: every check with its failing state. */
export function listing(checks: readonly Check[], colour: boolean, width: number): string {
  const paint = new Chalk({ level: colour ? 1 : 0 })
  const column = Math.max(...checks.map(({ id }) => id.length)) + 2
  const families = [...new Set(checks.map(({ id }) => familyOf(id)))]
  return `${families
    .map((family) => checks.filter(({ id }) => familyOf(id) === family).map(({ id, title }) => wrap(title, width, paint.bold(id) + ' '.repeat(column - id.length), ' '.repeat(column))).join('\n'))
    .join('\n\n')}\n`
}

/** The table of checks in the README; a test keeps the two in step. */
export const readmeTable = (checks: readonly Check[]): string =>
  ['| check | it finds |', '| --- | --- |', ...checks.map(({ id, title }) => `| \`${id}\` | ${title} |`)].join('\n')
