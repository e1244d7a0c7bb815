import { medianInterval } from './stats/bootstrap.ts'
import { median } from './stats/describe.ts'

export type State = 'pass' | 'fail' | 'inconclusive'

export interface Decision {
  /** The option that asked for it. */
  readonly rule: '--max-rtf' | '--min-rtfx' | '--max-first-ms' | '--max-wer' | '--max-regression' | 'transcript' | 'speech'
  readonly state: State
  /** A whole sentence with the numbers. */
  readonly because: string
}

/** With fewer values the smallest and the largest do not even enclose the median 95 times in 100 (1 - 2·0.5ⁿ). */
export const FEWEST_RUNS = 6

/** Periods stopped by a quota that count as throttling. */
export const THROTTLED = 0.1

/**
 * Wall time against a fixed limit: pass when the whole interval is within it, fail when the whole interval is beyond it and
 * nobody else was in the way. What lies between is not known.
 */
export function judgeRtf(rtf: readonly number[], limit: number, contended: string | null, rule: '--max-rtf' | '--min-rtfx' = '--max-rtf'): Decision {
  const bound = rule === '--max-rtf' ? `RTF ${figure(limit)}` : `RTFx ${figure(1 / limit)} (RTF ${figure(limit)})`
  if (rtf.length < FEWEST_RUNS) return { rule, state: 'inconclusive', because: `${rtf.length} runs are too few for a 95 % interval of the median; ${FEWEST_RUNS} are needed.` }
  const { low, high } = medianInterval(rtf)
  const measured = `The median RTF is ${figure(median(rtf))} (95 % interval ${figure(low)} to ${figure(high)})`
  if (high <= limit) return { rule, state: 'pass', because: `${measured}, within the limit of ${bound}.` }
  if (low <= limit) return { rule, state: 'inconclusive', because: `${measured}, and the limit of ${bound} lies inside.` }
  if (contended !== null) return { rule, state: 'inconclusive', because: `${measured}, beyond the limit of ${bound}, but others were using the machine: ${contended}` }
  return { rule, state: 'fail', because: `${measured}, beyond the limit of ${bound}.` }
}

/** Fresh processes without which nothing is said of the next: one may have been lucky. A server has but one first request. */
export const FEWEST_FIRST = 3

/**
 * The first run of each fresh process. As long as there are too few for an interval all of them must agree; a few more settle what
 * three leave open.
 */
export function judgeFirst(firstMs: readonly number[], limitMs: number, contended: string | null, fewest: number = FEWEST_FIRST): Decision {
  const rule = '--max-first-ms'
  if (firstMs.length === 0) return { rule, state: 'inconclusive', because: 'No first run was measured.' }
  const processes = `${firstMs.length} fresh ${firstMs.length === 1 ? 'process' : 'processes'}`
  const [least, most] = [Math.min(...firstMs), Math.max(...firstMs)]
  if (firstMs.length < fewest) return { rule, state: 'inconclusive', because: `The first run took ${range(least, most)} ms in ${processes}; ${fewest} are needed to judge it.` }
  const many = firstMs.length >= FEWEST_RUNS
  const { low, high } = many ? medianInterval(firstMs) : { low: least, high: most }
  const measured = fewest === 1 ? `The first request took ${firstMs[0]!.toFixed(0)} ms` : many ? `The median first run of ${processes} took ${median(firstMs).toFixed(0)} ms (95 % interval ${low.toFixed(0)} to ${high.toFixed(0)})` : `The first run took ${range(low, high)} ms in ${processes}`
  if (high <= limitMs) return { rule, state: 'pass', because: `${measured}, within the limit of ${limitMs} ms.` }
  if (low <= limitMs) return { rule, state: 'inconclusive', because: `${measured}, and the limit of ${limitMs} ms lies between.` }
  if (contended !== null) return { rule, state: 'inconclusive', because: `${measured}, beyond the limit of ${limitMs} ms, but others were using the machine: ${contended}` }
  return { rule, state: 'fail', because: `${measured}, beyond the limit of ${limitMs} ms.` }
}

const range = (low: number, high: number): string => (low.toFixed(0) === high.toFixed(0) ? low.toFixed(0) : `${low.toFixed(0)} to ${high.toFixed(0)}`)

export function judgeWer(wer: number, limit: number): Decision {
  const measured = `The word error rate is ${percent(wer)}`
  return { rule: '--max-wer', state: wer <= limit ? 'pass' : 'fail', because: `${measured}, ${wer <= limit ? 'within' : 'beyond'} the limit of ${percent(limit)}.` }
}

/** The verdict of all rules together. */
export function together(decisions: readonly Decision[]): { readonly state: State; readonly because: string } {
  const state = (['fail', 'inconclusive'] as const).find((s) => decisions.some((d) => d.state === s)) ?? 'pass'
  return { state, because: decisions.filter((d) => d.state === state).map((d) => d.because).join(' ') }
}

export const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))
export const percent = (part: number): string => `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`
