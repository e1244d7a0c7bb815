import { Refused } from '../refused.ts'

/** Lines without their ends, and the line end the file uses. A last line without an end keeps none. */
export interface Lines {
  readonly lines: readonly string[]
  readonly end: '\n' | '\r\n'
  readonly closed: boolean
}

export function linesOf(text: string): Lines {
  const end = /\r\n/.test(text) && !/(^|[^\r])\n/.test(text) ? '\r\n' : '\n'
  if (text === '') return { lines: [], end, closed: true }
  const closed = text.endsWith('\n')
  const lines = text.split(end)
  return { lines: closed ? lines.slice(0, -1) : lines, end, closed }
}

export const textOf = ({ lines, end, closed }: Lines): string => lines.join(end) + (closed && lines.length > 0 ? end : '')

/** A string from JSON or from bytes that were no UTF-8 cannot be written back as what it was. */
export function writable(text: string, what: string): string {
  if (text.includes('\u0000')) throw new Refused(`${what} holds a NUL character, which no environment and no text file can carry.`)
  if (/\uFFFD|[\uD800-\uDFFF]/u.test(text)) throw new Refused(`${what} holds bytes that are not UTF-8, so it cannot be written back exactly.`)
  return text
}

/** Names that a shell, systemd and a program all take for a variable. */
export function variableName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Refused(`${JSON.stringify(name)} is no name of an environment variable.`)
  return name
}

/** execve(2) takes no single `NAME=value` longer than 32 pages. */
export const MAX_VARIABLE_BYTES = 131_071

export function variable(name: string, value: string): string {
  const whole = `${variableName(name)}=${writable(value, `The value of ${name}`)}`
  if (new TextEncoder().encode(whole).length > MAX_VARIABLE_BYTES - 1) throw new Refused(`The value of ${name} is longer than a program can be given (128 KiB).`)
  return whole
}

/** Between these two lines stands what we wrote, and nothing else. */
export const BEGIN = '# >>> asr-doctor >>>'
export const END = '# <<< asr-doctor <<<'

/** The lines of the marked block, or null; refuses a block that somebody broke. */
export function blockOf(lines: readonly string[], file: string): { readonly from: number; readonly to: number } | null {
  const from = lines.indexOf(BEGIN)
  const to = lines.indexOf(END)
  if (from < 0 && to < 0) return null
  if (from < 0 || to < from || lines.indexOf(BEGIN, from + 1) >= 0 || lines.indexOf(END, to + 1) >= 0) {
    throw new Refused(`The lines in ${file} that mark what asr-doctor wrote (${BEGIN}) are no longer whole; take them out by hand.`)
  }
  return { from, to }
}

/** The text with the marked block replaced by `inside`, or added at the end. */
export function withBlock(before: string | null, file: string, inside: readonly string[]): string {
  const old = linesOf(before ?? '')
  if (inside.flatMap((each) => each.split('\n')).some((line) => line === BEGIN || line === END)) throw new Refused(`A value for ${file} holds the very line that marks what asr-doctor wrote.`)
  const block = [BEGIN, ...inside, END]
  const at = blockOf(old.lines, file)
  const lines = at === null ? [...old.lines, ...block] : [...old.lines.slice(0, at.from), ...block, ...old.lines.slice(at.to + 1)]
  return textOf({ ...old, lines, closed: true })
}
