import { percent, type Decision } from './gate.ts'
import type { Run } from './messages.ts'
import type { Measured } from './protocol.ts'
import { median } from './stats/describe.ts'
import { startErrorRate, wordCount, wordErrorRate } from './stats/word-errors.ts'
import type { Speech } from './types.ts'

/** A later run may differ by a word; this much more is a recogniser that did not forget the run before. */
const WORSE = 0.05
/** A word that is heard as another, or as two. Of a short recording that is a large part. */
const BY_CHANCE = 2
const allowed = (share: number, text: string): number => Math.max(share, BY_CHANCE / Math.max(1, wordCount(text)))

type Heard = Pick<Measured, 'coldRuns' | 'warmUp' | 'runs'>

/** What came after the first run of the process that was measured, the second run among it. */
const laterRuns = ({ warmUp, runs }: Heard): readonly Run[] => [...warmUp.runs, ...runs.map(({ run }) => run)]

export const textsOf = (measured: Heard): readonly string[] => told([...measured.coldRuns, ...laterRuns(measured)])

const told = (runs: readonly Run[]): readonly string[] => runs.map(({ text }) => text).filter((text) => text !== null)

export function speechOf(measured: Heard): Speech | null {
  const shares = [...measured.coldRuns, ...laterRuns(measured)].flatMap(({ speech }) => speech ?? [])
  return shares.length === 0 ? null : { share: median(shares), low: Math.min(...shares), high: Math.max(...shares) }
}

/** Speech that is found where there is none, or none where it is known that some is said, or less from run to run. */
export function judgeSpeech(speech: Speech | null, reference: string | null, silent: boolean): readonly Decision[] {
  const rule = 'speech'
  if (speech === null) return []
  if (silent) return speech.high === 0 ? [] : [{ rule, state: 'fail', because: `The recording is silent, and ${percent(speech.high)} of it was taken for speech.` }]
  if (reference !== null && reference.trim() !== '' && speech.low === 0) return [{ rule, state: 'fail', because: 'Something is said in the recording, and none of it was taken for speech.' }]
  return speech.high > speech.low + WORSE ? [{ rule, state: 'fail', because: `The part taken for speech differs from run to run, between ${percent(speech.low)} and ${percent(speech.high)} of the same recording.` }] : []
}

/** Text that is wrong whatever the speed: none where there is speech, some where there is none, worse from run to run. */
export function judgeText(measured: Measured, reference: string | null, silent: boolean): readonly Decision[] {
  const rule = 'transcript'
  const all = textsOf(measured)
  if (all.length === 0) return []
  const said = all.find((text) => text.trim() !== '')
  if (silent) return said === undefined ? [] : [{ rule, state: 'fail', because: `The recording is silent, and text was made of it: ${JSON.stringify(said.trim().slice(0, 60))}.` }]
  const empty = all.filter((text) => text.trim() === '').length
  if (empty > 0) return [{ rule, state: 'fail', because: empty === all.length ? 'The transcript is empty.' : `The transcript is empty in ${empty} of ${all.length} runs.` }]
  const unrated = reference === null ? undefined : all.find((text) => wordErrorRate(reference, text) === null)
  if (unrated !== undefined) return [{ rule, state: 'inconclusive', because: `The reference has ${wordCount(reference!)} words and a transcript ${wordCount(unrated)}: too many to compare them, so the word error rate is not known. A shorter recording can be judged.` }]
  const first = measured.coldRuns.at(-1)?.text ?? null
  const later = told(laterRuns(measured))
  if (first === null || later.length === 0) return []
  const because = grown(first, later) ?? (reference === null ? another(told(measured.coldRuns), first, later) : worsened(reference, first, later))
  return because === null ? [] : [{ rule, state: 'fail', because }]
}

function worsened(reference: string, first: string, later: readonly string[]): string | null {
  const [at, worst] = [wordErrorRate(reference, first)!, Math.max(...later.map((text) => wordErrorRate(reference, text)!))]
  return worst > at + allowed(WORSE, reference) ? `The word error rate rose from ${percent(at)} in the first run to ${percent(worst)} in a later one.` : null
}

/** Fewer later runs say nothing: one may have gone astray, as a Whisper does that repeats itself. */
const FEWEST_LATER = 3
const GROWN = 1.5
const ANOTHER = 0.1

/**
 * What is kept from run to run piles up. A recogniser need not give the same text twice, and one run in ten may repeat itself; that
 * every later run begins with the first text and goes on well beyond it is no chance.
 */
function grown(first: string, later: readonly string[]): string | null {
  if (later.length < FEWEST_LATER) return null
  const length = wordCount(first)
  const all = later.every((text) => wordCount(text) >= Math.max(GROWN * length, length + BY_CHANCE + 1) && (startErrorRate(first, text) ?? Infinity) <= allowed(WORSE, first))
  return all ? `Every later run gave the text of the first one and more, ${length} words at first and ${wordCount(later.at(-1)!)} in the end, of the same recording: something of the runs before was kept.` : null
}

/**
 * Where it is not known what is said, the first text has to stand for it. Several fresh processes that agree to the word do not draw
 * their words by chance, so neither do the later runs that all say something else.
 */
function another(cold: readonly string[], first: string, later: readonly string[]): string | null {
  const agreed = later.length >= FEWEST_LATER && cold.length >= 2 && cold.every((text) => wordErrorRate(first, text) === 0)
  // Of texts too long to compare nothing is said.
  const least = Math.min(...later.map((text) => wordErrorRate(first, text) ?? 0))
  return agreed && least > allowed(ANOTHER, first) ? `${cold.length} fresh processes heard the same text, and every later run another one, by ${percent(least)} of the words at least: something of the run before was kept.` : null
}
