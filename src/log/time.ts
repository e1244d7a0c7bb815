/** When a line was written, as it says itself. */

const DAY_MS = 86_400_000
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/**
 * The last full date and time near the start of the line (journald puts its own before the program's, which is the finer
 * one), else the last time of day there, in ms; null = none. An offset from UTC is honoured, a missing one taken as UTC:
 * only differences within one log are ever used.
 */
export function timeOf(line: string): number | null {
  const head = line.slice(0, 200)
  const dated = [...head.matchAll(/(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?/g)].at(-1)
  if (dated) {
    const [, year, month, day, hour, minute, second, fraction, zone] = dated
    const offset = zone === undefined || zone === 'Z' ? 0 : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))) * 60_000
    return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) + millis(fraction) - offset
  }
  const clock = [...head.matchAll(/(?<![\d:.-])(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?Z?(?![\d:])/g)].at(-1)
  if (!clock) return null
  const [, hour, minute, second, fraction] = clock
  const syslog = /^([A-Z][a-z]{2}) +(\d{1,2}) /.exec(head)
  const days = syslog && MONTHS.includes(syslog[1]!) ? MONTHS.indexOf(syslog[1]!) * 31 + Number(syslog[2]) : 0
  return days * DAY_MS + (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1000 + millis(fraction)
}

const millis = (fraction: string | undefined): number => (fraction === undefined ? 0 : Math.round(Number(`0.${fraction}`) * 1000))
