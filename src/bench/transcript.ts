import { percent, type Decision } from './gate.ts'
import type { Measured } from './protocol.ts'
import { wordErrorRate } from './stats/word-errors.ts'

/** A later run may differ by a word; this much more is a recogniser that did not forget the run before. */
const WORSE = 0.05

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
