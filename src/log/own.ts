/** Of a log that many write into, the lines of the one that is asked about. */
import type { Hit, LogReading } from './types.ts'

export interface Whose {
  readonly unit: string | null
  /** Names of its programs: what it runs, as `ps` and the journal shorten them. */
  readonly programs: readonly string[]
}

/** The journal of a unit has a few identifiers: its program, and what prepares it. A syslog has dozens. */
const MANY = 4
/** Codes of ends are printed by whoever ends, and not only by what recognises speech. */
const ANYBODYS = new Set(['exit-code'])
const COMM_CHARACTERS = 15

/**
 * `whose` null = the log itself is asked about, and what wrote lines of speech engines into it. Lines that do not say whose they
 * are stay. null = many write into it, and nothing in it is known to be of that one.
 */
export function ownOf(reading: LogReading, whose: Whose | null): LogReading | null {
  const { owners = [], programs = [] } = reading
  if (owners.length === 0 && (whose === null || programs.length === 0)) return reading
  const written = owners.filter(({ of }) => of.startsWith('program '))
  const units = owners.filter(({ of }) => of.startsWith('unit '))
  const all = programs.filter((name) => name !== 'systemd' && name !== 'kernel' && !name.startsWith('('))
  const known = whose === null ? written.filter(({ counts }) => Object.keys(counts).some((id) => !ANYBODYS.has(id))).map(({ of }) => nameOf(of)) : [...whose.programs, ...(whose.unit === null ? [] : [stemOf(whose.unit)])]
  const named = (name: string): boolean => known.some((each) => same(each, name))
  const mixed = all.length >= MANY || units.length > 1 || (whose !== null && all.some(named) && !all.every(named))
  const own = (of: string): boolean => {
    if (of.startsWith('unit ')) return whose?.unit != null ? nameOf(of) === whose.unit : !mixed || named(stemOf(nameOf(of)))
    if (of.startsWith('process ')) return named(nameOf(of)) || (whose === null && !mixed && reading.hits.some((hit) => hit.of === undefined))
    return of !== 'others' && (!mixed || named(nameOf(of)))
  }
  const [ours, others] = [owners.filter(({ of }) => own(of)), owners.filter(({ of }) => !own(of))]
  if (whose !== null && mixed && ours.length === 0 && !all.some(named)) return null
  // Nobody is asked about, so whether the one that was killed is the one whose log this is, the log does not tell.
  const judged = (hit: Hit): Hit => (whose === null && hit.of?.startsWith('process ') && !named(nameOf(hit.of)) ? { ...hit, unsure: true } : hit)
  const hits = reading.hits.filter(({ of }) => of === undefined || own(of)).map(judged)
  if (others.length === 0) return { ...reading, hits }
  const counts = { ...reading.counts }
  for (const each of others) for (const [id, count] of Object.entries(each.counts)) counts[id] = (counts[id] ?? 0) - count
  const { sums: _, ...rest } = reading
  return { ...rest, owners: ours, counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)), hits }
}

const nameOf = (of: string): string => of.slice(of.indexOf(' ') + 1)
const stemOf = (unit: string): string => unit.replace(/(?:@[^.]*)?\.\w+$/, '')

/** Names are cut at 15 characters by the kernel, and Python has one for each of its versions. */
function same(a: string, b: string): boolean {
  const plain = (name: string) => name.replace(/^python[\d.]*$/, 'python').slice(0, COMM_CHARACTERS)
  return plain(a) === plain(b)
}
