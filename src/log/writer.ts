/** Who wrote a line of the journal or of a syslog, and of whom it speaks. */

export interface Writer {
  /** The identifier that the line begins with, after time and host; null = it has none. */
  readonly program: string | null
  /** Whose line it is: `unit NAME` or `process NAME` of whom systemd and the kernel speak, else `program NAME`; null = it does not say. */
  readonly of: string | null
  /** Its process; absent = the line does not say. */
  readonly pid?: number
}

/** journalctl's short forms and RFC 3164 alike. A level where the host should be is a program's own format. */
const PREFIX = /^(?:[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)?) (?!(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL) )\S+ ([^\s:[\]]+)(\[\d+\])?: (.*)$/
const UNIT = /^(\S+\.(?:service|scope|socket|timer|mount|target|slice)): /
const KILLED = /Killed process \d+ \(([^)]+)\)/

export function writerOf(line: string): Writer {
  const killed = KILLED.exec(line)
  const [, ident, pid, message] = PREFIX.exec(line) ?? []
  // With a date of ISO 8601 the process id is what tells the journal from a program's own lines.
  const program = ident !== undefined && (pid !== undefined || ident === 'kernel' || /^[A-Z]/.test(line)) ? ident : null
  // Only the kernel kills in these words, with its prefix or without.
  if (killed !== null && (program === null || program === 'kernel')) return { program, of: `process ${killed[1]!}` }
  if (program === null || program === 'kernel') return { program, of: null }
  // A child that systemd prepares for its unit writes in brackets, before it becomes the program.
  const manager = program === 'systemd' || program.startsWith('(')
  const unit = manager ? UNIT.exec(message!)?.[1] : undefined
  if (unit !== undefined) return { program, of: `unit ${unit}` }
  return manager ? { program, of: null } : { program, of: `program ${program}`, ...(pid === undefined ? {} : { pid: Number(pid.slice(1, -1)) }) }
}
