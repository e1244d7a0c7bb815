import { FEWEST_RUNS, figure, percent, THROTTLED, type Decision, type State } from './gate.ts'
import { ratioInterval } from './stats/bootstrap.ts'
import { median } from './stats/describe.ts'
import { likelyLarger } from './stats/mann-whitney.ts'

/** One side of a comparison, run by run. */
export interface Series {
  readonly wallMs: readonly number[]
  readonly cpuMs: readonly (number | null)[]
  readonly calibrationWallMs: readonly (number | null)[]
  readonly calibrationCpuMs: readonly (number | null)[]
  /** The part of the scheduler's periods in which the quota stopped the target; null = not known. */
  readonly throttled: number | null
  /** CPUs that it got, on average; null = not known. */
  readonly cpus: number | null
  /** How long its threads waited for a CPU, as a part of their running time; null = not known. */
  readonly waited: number | null
}

export interface Terms {
  readonly allowed: number
  /** null = the target does not tell what it runs on. */
  readonly tier: 'cpu' | 'gpu' | null
  /** How many it computes with; null = not known, or as many as its library likes. */
  readonly threads?: number | null
  readonly crossMachine?: boolean
  /** Who else was in the way, in words. */
  readonly others?: { readonly cpu: string | null; readonly gpu: string | null }
  /** What else changed since the baseline, in whole sentences. */
  readonly notes?: readonly string[]
}

const EVEN_BY_CHANCE = 0.01

/**
 * Against a stored run. Each run is measured in units of the yardstick beside it, so that a slow hour does not look like a
 * slow program: CPU time for work on the CPU, else wall time. A quota slows yardstick and work alike and takes no CPU time, so
 * where it was not there before, or left more, plain wall time must hold as well. Nothing is a pass that one of them calls slower.
 */
export function judgeRegression(now: Series, before: Series, terms: Terms): Decision {
  const tighter = !terms.crossMachine && tightened(now, before)
  const verdicts = [onCpu(now, before, terms.tier) ? cpuTime : calibratedWall, ...(tighter ? [wallTime] : [])].map((measure) => compared(measure, now, before, terms))
  const { state, because } = (['fail', 'inconclusive'] as const).map((worst) => verdicts.find((verdict) => verdict.state === worst)).find(Boolean) ?? verdicts[0]!
  const quota = tighter ? ` A CPU quota stopped it in ${percent(now.throttled!)} of the scheduling periods.` : ''
  const elsewhere = terms.crossMachine ? ' The baseline is from another machine.' : ''
  return { rule: '--max-regression', state, because: `${because}${quota}${elsewhere}${(terms.notes ?? []).map((note) => ` ${note}`).join('')}` }
}

function compared({ name, of, hindered }: Measure, now: Series, before: Series, { allowed, others, threads }: Terms): { readonly state: State; readonly because: string } {
  const [a, b] = [of(now), of(before)]
  if (a === null || b === null) return { state: 'inconclusive', because: 'The runs have no yardstick beside them, so they cannot be compared with the baseline.' }
  if (a.length < FEWEST_RUNS || b.length < FEWEST_RUNS) return { state: 'inconclusive', because: `A comparison needs ${FEWEST_RUNS} runs on each side; there are ${a.length} and ${b.length}.` }
  const ratio = median(a) / median(b)
  const { low, high } = ratioInterval(a, b)
  const measured = `${name} is ${figure(ratio)} times the baseline's (95 % interval ${figure(low)} to ${figure(high)})`
  if (high <= 1 + allowed) return { state: 'pass', because: `${measured}, within the ${percent(allowed)} allowed.` }
  if (!(ratio > 1 + allowed && low > 1 && likelyLarger(a, b) < EVEN_BY_CHANCE)) return { state: 'inconclusive', because: `${measured}, which does not settle whether it is within the ${percent(allowed)} allowed.` }
  const contended = hindered(others ?? { cpu: null, gpu: null }, spins(now, before, threads ?? null))
  if (contended !== null) return { state: 'inconclusive', because: `${measured}, beyond the ${percent(allowed)} allowed, but others were using the machine: ${contended}` }
  return { state: 'fail', because: `${measured}, beyond the ${percent(allowed)} allowed.` }
}

/** A quota leaves less than this of what it left before: it is another one. */
const LESS = 0.9

/**
 * Whether a quota holds up the target that was not there before, or was a wider one. Any quota below what it wants stops it in nearly
 * every period, so of two that do only the CPUs that it got tell which is the tighter one. Not known: it may be.
 */
const tightened = (now: Series, before: Series): boolean =>
  (now.throttled ?? 0) >= THROTTLED && ((before.throttled ?? 0) < THROTTLED || now.cpus === null || before.cpus === null || now.cpus < LESS * before.cpus)

/** Wall time that CPU time and the wait for a CPU must account for at least. */
const BUSY = 0.8
/** And at least this part of what they accounted for in the baseline. */
const KEPT = 0.9

/**
 * Whether CPU time tells how much work was done. Of a command it is not known what it runs on: one that waits for a GPU may take
 * twice the wall time for the same CPU time. So its CPU time counts only where it fills the wall time on both sides, and no less of
 * it than before: with several threads there is more than the wall time to begin with, which a longer wait for a GPU would eat up.
 * Time spent waiting for a CPU that others had counts as filled, or else every busy hour would look like a GPU.
 */
function onCpu(now: Series, before: Series, tier: Terms['tier']): boolean {
  if (cpuTime.of(now) === null || cpuTime.of(before) === null || tier === 'gpu') return false
  if (tier === 'cpu') return true
  const [a, b] = [filled(now), filled(before)]
  return a >= BUSY && b >= BUSY && a >= KEPT * b
}

const filled = ({ cpuMs, wallMs, waited }: Series): number => (median(cpuMs as readonly number[]) / median(wallMs)) * (1 + (waited ?? 0))

interface Measure {
  readonly name: string
  of(series: Series): readonly number[] | null
  /** Who could have made it longer: the yardstick on the CPU is slowed by the same neighbours there. */
  hindered(others: { readonly cpu: string | null; readonly gpu: string | null }, spins: boolean): string | null
}
const wallTime: Measure = { name: 'Wall time', of: (series) => series.wallMs, hindered: ({ cpu, gpu }) => cpu ?? gpu }
const cpuTime: Measure = { name: 'Calibrated CPU time', of: (series) => quotients(series.cpuMs, series.calibrationCpuMs), hindered: ({ cpu }, spins) => (spins ? cpu : null) }
const calibratedWall: Measure = { name: 'Calibrated wall time', of: (series) => quotients(series.wallMs, series.calibrationWallMs), hindered: ({ gpu }) => gpu }

/** CPU time beyond the wall time, by which several threads show. */
const SEVERAL = 1.1

/**
 * Several threads that share a piece of work spin while they wait for one that is kept from its CPU (ONNX Runtime's pools do, and
 * OpenMP's): beside one program at work that made 1.16 to 1.19 times the CPU time of the same work, and 0.97 to 1.04 with one thread.
 */
function spins(now: Series, before: Series, threads: number | null): boolean {
  if (threads !== null) return threads > 1
  return [now, before].some(({ cpuMs, wallMs }) => median(cpuMs as readonly number[]) > SEVERAL * median(wallMs))
}

const complete = (values: readonly (number | null)[]) => values.every((value) => value !== null)

function quotients(above: readonly (number | null)[], below: readonly (number | null)[]): readonly number[] | null {
  return complete(above) && complete(below) ? above.map((value, i) => value! / below[i]!) : null
}
