import { medianInterval, ratioInterval } from './stats/bootstrap.ts'
import { median } from './stats/describe.ts'
import { likelyLarger } from './stats/mann-whitney.ts'

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

const EVEN_BY_CHANCE = 0.01

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

/** The first inference of each fresh process; few values, so all of them must agree. */
export function judgeFirst(firstMs: readonly number[], limitMs: number, contended: string | null): Decision {
  const rule = '--max-first-ms'
  if (firstMs.length === 0) return { rule, state: 'inconclusive', because: 'No first run was measured.' }
  const [low, high] = [Math.min(...firstMs), Math.max(...firstMs)]
  const measured = `The first run took ${low.toFixed(0)} to ${high.toFixed(0)} ms in ${firstMs.length} fresh ${firstMs.length === 1 ? 'process' : 'processes'}`
  if (high <= limitMs) return { rule, state: 'pass', because: `${measured}, within the limit of ${limitMs} ms.` }
  if (low <= limitMs) return { rule, state: 'inconclusive', because: `${measured}, and the limit of ${limitMs} ms lies between.` }
  if (contended !== null) return { rule, state: 'inconclusive', because: `${measured}, beyond the limit of ${limitMs} ms, but others were using the machine: ${contended}` }
  return { rule, state: 'fail', because: `${measured}, beyond the limit of ${limitMs} ms.` }
}

export function judgeWer(wer: number, limit: number): Decision {
  const measured = `The word error rate is ${percent(wer)}`
  return { rule: '--max-wer', state: wer <= limit ? 'pass' : 'fail', because: `${measured}, ${wer <= limit ? 'within' : 'beyond'} the limit of ${percent(limit)}.` }
}

/** One side of a comparison, run by run. */
export interface Series {
  readonly wallMs: readonly number[]
  readonly cpuMs: readonly (number | null)[]
  readonly calibrationWallMs: readonly (number | null)[]
  readonly calibrationCpuMs: readonly (number | null)[]
  /** The part of the scheduler's periods in which the quota stopped the target; null = not known. */
  readonly throttled: number | null
}

/** Periods stopped by a quota that count as throttling. */
export const THROTTLED = 0.1

/**
 * Against a stored run. Each run is measured in units of the yardstick beside it, so that a slow hour does not look like a
 * slow program: CPU time for work on the CPU, else wall time. A quota slows yardstick and work alike and takes no CPU time, so
 * where the target was throttled and was not before, plain wall time decides. On another machine only the yardstick connects the two.
 */
export function judgeRegression(now: Series, before: Series, allowed: number, cpuBound: boolean, crossMachine = false): Decision {
  const rule = '--max-regression'
  // Wall time of one machine says nothing about that of another, so there only what has a yardstick beside it counts.
  const newlyThrottled = !crossMachine && (now.throttled ?? 0) >= THROTTLED && (before.throttled ?? 0) < THROTTLED
  const how = newlyThrottled ? wallTime : cpuBound && complete(now.cpuMs) && complete(before.cpuMs) && complete(now.calibrationCpuMs) && complete(before.calibrationCpuMs) ? cpuTime : calibratedWall
  const [a, b] = [how.of(now), how.of(before)]
  if (a === null || b === null) return { rule, state: 'inconclusive', because: 'The runs have no yardstick beside them, so they cannot be compared with the baseline.' }
  if (a.length < FEWEST_RUNS || b.length < FEWEST_RUNS) return { rule, state: 'inconclusive', because: `A comparison needs ${FEWEST_RUNS} runs on each side; there are ${a.length} and ${b.length}.` }
  const ratio = median(a) / median(b)
  const { low, high } = ratioInterval(a, b)
  const elsewhere = crossMachine ? ' The baseline is from another machine.' : ''
  const quota = newlyThrottled ? ` A CPU quota stopped it in ${percent(now.throttled!)} of the scheduling periods.` : ''
  const measured = `${how.name} is ${figure(ratio)} times the baseline's (95 % interval ${figure(low)} to ${figure(high)})`
  if (high <= 1 + allowed) return { rule, state: 'pass', because: `${measured}, within the ${percent(allowed)} allowed.${quota}${elsewhere}` }
  if (ratio > 1 + allowed && low > 1 && likelyLarger(a, b) < EVEN_BY_CHANCE) return { rule, state: 'fail', because: `${measured}, beyond the ${percent(allowed)} allowed.${quota}${elsewhere}` }
  return { rule, state: 'inconclusive', because: `${measured}, which does not settle whether it is within the ${percent(allowed)} allowed.${quota}${elsewhere}` }
}

interface Measure {
  readonly name: string
  of(series: Series): readonly number[] | null
}
const wallTime: Measure = { name: 'Wall time', of: (series) => series.wallMs }
const cpuTime: Measure = { name: 'Calibrated CPU time', of: (series) => quotients(series.cpuMs, series.calibrationCpuMs) }
const calibratedWall: Measure = { name: 'Calibrated wall time', of: (series) => quotients(series.wallMs, series.calibrationWallMs) }

const complete = (values: readonly (number | null)[]) => values.every((value) => value !== null)

function quotients(above: readonly (number | null)[], below: readonly (number | null)[]): readonly number[] | null {
  return complete(above) && complete(below) ? above.map((value, i) => value! / below[i]!) : null
}

/** The verdict of all rules together. */
export function together(decisions: readonly Decision[]): { readonly state: State; readonly because: string } {
  const state = (['fail', 'inconclusive'] as const).find((s) => decisions.some((d) => d.state === s)) ?? 'pass'
  return { state, because: decisions.filter((d) => d.state === state).map((d) => d.because).join(' ') }
}

export const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))
export const percent = (part: number): string => `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`
