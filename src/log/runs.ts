/**
 * A log may hold several runs of one program. What the engine said in an earlier one was so then; of now only the last run speaks.
 * A crash or a want of memory stays what it was, whichever run it ended.
 */
import { SIGNATURES } from './signatures.ts'
import type { Hit, LogReading, Writing } from './types.ts'

const PREFIXED = /systemd\[\d+\]: (Started|Starting|Stopped) (.+?)(?:\.\.\.|\.|…)?$/
/** As `journalctl -o cat` gives it. A program may well say “Started …” of something of its own. */
const BARE = /^(Started|Starting|Stopped) (.+?)(?:\.\.\.|\.|…)?$/

interface Mark {
  readonly line: number
  readonly verb: string
  readonly name: string
}

/** Where systemd started or stopped something. A service of Type=notify has begun to write before it is “Started”. */
function marksOf({ hits }: LogReading): readonly Mark[] {
  const marks = hits.flatMap(({ id, line, text }): (Mark & { readonly bare: boolean })[] => {
    const prefixed = PREFIXED.exec(text)
    const found = prefixed ?? BARE.exec(text)
    return id !== 'systemd-run' || found === null ? [] : [{ line, verb: found[1]!, name: found[2]!, bare: prefixed === null }]
  })
  const both = (name: string) => ['Started', 'Stopped'].every((verb) => marks.some((mark) => mark.name === name && mark.verb === verb))
  return marks.filter(({ bare, name }) => !bare || /^\S+\.service\b/.test(name) || both(name))
}

/** What a start says of itself, in contrast to what ended a run, and to what a transcription took. */
const OF_A_START: ReadonlySet<string> = new Set(SIGNATURES.filter(({ id, shows, tier, confirms }) => ['gpu', 'cpu', 'fault', 'benign'].includes(shows) && tier !== 'T0' && !/^(?:systemd|kernel)-|^exit-code$/.test(id) && !confirms.some((each) => each === 'out-of-memory' || each === 'gpu-out-of-memory' || each === 'process-died')).map(({ id }) => id))

export function lastRunOf(reading: LogReading): LogReading {
  const { hits, processes = [] } = reading
  const marks = marksOf(reading)
  // A syslog tells of many services; whose run a line of systemd begins is then not plain.
  const alone = new Set(marks.map(({ name }) => name)).size === 1
  const begins = (mark: Mark) => alone && (mark.verb === 'Starting' || (mark.verb === 'Started' && !marks.some(({ verb }) => verb === 'Starting')))
  const runOf = (hit: Hit): 'last' | 'earlier' | 'unsure' => {
    if (!OF_A_START.has(hit.id) || hit.text.includes('NVRM')) return 'last'
    if (hit.pid === undefined) return hit.of === undefined && marks.some((mark) => begins(mark) && mark.line > hit.line) ? 'earlier' : 'last'
    const own: Pick<Writing, 'program' | 'last'> = processes.find(({ program, pid }) => hit.of === `program ${program}` && hit.pid === pid) ?? { program: hit.of?.replace(/^program /, '') ?? '', last: hit.line }
    const later = processes.filter(({ program, first }) => program === own.program && first > own.last)
    if (marks.some((mark) => mark.line > own.last && (begins(mark) || (alone && later.some(({ first }) => first > mark.line))))) return 'earlier'
    return later.length > 0 ? 'unsure' : 'last'
  }
  const judged = hits.map((hit) => ({ hit, run: runOf(hit) }))
  if (judged.every(({ run }) => run === 'last')) return reading
  const earlier = judged.flatMap(({ hit, run }) => (run === 'earlier' ? [hit] : []))
  const left = judged.flatMap(({ hit, run }) => (run === 'earlier' ? [] : [run === 'unsure' ? { ...hit, unsure: true as const } : hit]))
  const counts = Object.entries(reading.counts).flatMap(([id, count]): [string, number][] => (left.some((hit) => hit.id === id) || !hits.some((hit) => hit.id === id) ? [[id, count - earlier.filter((hit) => hit.id === id).length]] : []))
  const { sums, ...rest } = reading
  return { ...rest, counts: Object.fromEntries(counts), ...(earlier.length > 0 ? { earlier } : sums === undefined ? {} : { sums }), hits: left }
}
