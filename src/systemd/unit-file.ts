/** One `Key=value` of a unit file, and the line it begins on. */
export interface Assignment {
  /** null = it stands before any section header. */
  readonly section: string | null
  readonly key: string
  /** As systemd takes it: continuation lines joined, blanks around it stripped, nothing unquoted or expanded. */
  readonly value: string
  readonly file: string
  readonly line: number
  /** The physical lines, for quoting in evidence. */
  readonly raw: string
}

const BLANK = ' \t\n\r'
const strip = (text: string): string => text.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, '')

/**
 * The assignments of a unit file in order, as systemd's config_parse() and parse_line() read them (shared/conf-parser.c):
 * a comment line inside a continuation is skipped and does not end it; the backslash becomes a blank; a line without `=`
 * is ignored. systemd.syntax(7).
 */
export function assignmentsOf(text: string, file: string): readonly Assignment[] {
  const found: Assignment[] = []
  let section: string | null = null
  let pending: { text: string; line: number; raw: string } | null = null

  const take = (whole: string, line: number, raw: string): void => {
    const stripped = strip(whole)
    if (stripped === '') return
    if (stripped.startsWith('[')) {
      if (stripped.endsWith(']')) section = stripped.slice(1, -1)
      return
    }
    const at = stripped.indexOf('=')
    if (at > 0) found.push({ section, key: strip(stripped.slice(0, at)), value: strip(stripped.slice(at + 1)), file, line, raw })
  }

  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r|\0/)
  for (const [at, raw] of lines.entries()) {
    const first = [...raw].find((character) => !BLANK.includes(character))
    if (first === '#' || first === ';') continue
    const whole: string = pending === null ? raw : pending.text + raw
    const line: number = pending?.line ?? at + 1
    const seen: string = pending === null ? raw : `${pending.raw}\n${raw}`
    if (endsInBackslash(whole)) {
      pending = { text: `${whole.slice(0, -1)} `, line, raw: seen }
      continue
    }
    pending = null
    take(whole, line, seen)
  }
  if (pending !== null) take(pending.text, pending.line, pending.raw)
  return found
}

/** An odd number of backslashes at the end. systemd counts from the line's start, which comes to the same. */
const endsInBackslash = (text: string): boolean => (/\\+$/.exec(text)?.[0].length ?? 0) % 2 === 1

/** The last value of a key that takes one, or null. An empty assignment resets it. */
export function lastOf(assignments: readonly Assignment[], section: string, key: string): Assignment | null {
  const last = assignments.filter((each) => each.section === section && each.key === key).at(-1)
  return last === undefined || last.value === '' ? null : last
}

/** The assignments of a key whose values add up: those after the last empty one. */
export function listOf(assignments: readonly Assignment[], section: string, key: string): readonly Assignment[] {
  const all = assignments.filter((each) => each.section === section && each.key === key)
  return all.slice(all.findLastIndex((each) => each.value === '') + 1)
}
