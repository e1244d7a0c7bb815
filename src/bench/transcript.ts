import { percent, type Decision } from './gate.ts'
import type { Measured } from './protocol.ts'
import { median } from './stats/describe.ts'
import { wordErrorRate } from './stats/word-errors.ts'
import type { Speech } from './types.ts'

/** A later run may differ by a word; this much more is a recogniser that did not forget the run before. */
const WORSE = 0.05

export function speechOf({ coldRuns, runs }: Pick<Measured, 'coldRuns' | 'runs'>): Speech | null {
  const shares = [...coldRuns, ...runs.map(({ run }) => run)].flatMap(({ speech }) => speech ?? [])
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
  const first = measured.coldRuns.at(-1)?.text ?? null
  const later = measured.runs.map(({ run }) => run.text).filter((text) => text !== null)
  const all = [...(first === null ? [] : [first]), ...later]
  if (all.length === 0) return []
  const said = all.find((text) => text.trim() !== '')
  if (silent) return said === undefined ? [] : [{ rule, state: 'fail', because: `The recording is silent, and text was made of it: ${JSON.stringify(said.trim().slice(0, 60))}.` }]
  const empty = all.filter((text) => text.trim() === '').length
  if (empty > 0) return [{ rule, state: 'fail', because: empty === all.length ? 'The transcript is empty.' : `The transcript is empty in ${empty} of ${all.length} runs.` }]
  if (reference === null || first === null || later.length === 0) return []
  const [at, worst] = [wordErrorRate(reference, first), Math.max(...later.map((text) => wordErrorRate(reference, text)))]
  return worst > at + WORSE ? [{ rule, state: 'fail', because: `The word error rate rose from ${percent(at)} in the first run to ${percent(worst)} in a later one.` }] : []
}
