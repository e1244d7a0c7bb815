import { environmentFileOf } from '../../systemd/environment-file.ts'
import type { Env } from '../../types.ts'
import { Refused } from '../refused.ts'
import { blockOf, linesOf, variable, withBlock } from './text.ts'

/**
 * The text of an EnvironmentFile in which `set` holds. What others wrote stays as it is; our block stands at the end,
 * and the last assignment of a name counts (systemd.exec(5); a shell that sources the file reads it the same way).
 */
export function envFile(set: Env, before: string | null, file: string): string {
  const whole = linesOf(before ?? '')
  const at = blockOf(whole.lines, file)
  const ours = at === null ? [] : environmentFileOf(whole.lines.slice(at.from + 1, at.to).join('\n'))
  const wanted = new Map([...ours.map(({ name, value }) => [name, value] as const), ...Object.entries(set)])
  // At the end, so that it has the last word.
  const others = at === null ? before : withoutBlock(before ?? '', file)
  const after = withBlock(others, file, [...wanted].map(([name, value]) => assignment(name, value)))
  prove(set, before, after, file)
  return after
}

/** Double quotes, with `"`, `\`, `` ` `` and `$` escaped: systemd and a POSIX shell read the same. */
function assignment(name: string, value: string): string {
  variable(name, value)
  return /^[A-Za-z0-9_./:@%+,-]*$/.test(value) ? `${name}=${value}` : `${name}="${value.replace(/["\\`$]/g, '\\$&')}"`
}

function withoutBlock(text: string, file: string): string {
  const { lines, end } = linesOf(text)
  const at = blockOf(lines, file)!
  const left = [...lines.slice(0, at.from), ...lines.slice(at.to + 1)]
  return left.length === 0 ? '' : left.join(end) + end
}

function prove(set: Env, before: string | null, after: string, file: string): void {
  const last = (text: string) => new Map(environmentFileOf(text).map(({ name, value }) => [name, value]))
  const [was, is] = [last(before ?? ''), last(after)]
  const wrong = [...new Set([...was.keys(), ...is.keys(), ...Object.keys(set)])].find((name) => is.get(name) !== (name in set ? set[name] : was.get(name)))
  if (wrong !== undefined) throw new Refused(`${file} would not say what is meant (${wrong}); an unclosed quote or a backslash at the end of a line stands in the way.`)
}
