import { medianInterval } from '../stats/bootstrap.ts'
import { median } from '../stats/describe.ts'
import { FEWEST_RUNS, figure } from '../gate.ts'
import type { Ratio } from '../types.ts'
import type { Side } from './pair.ts'

/**
 * How many times as long a run took here as there: the median of the quotients of neighbouring runs, and its 95 % interval. Runs
 * that lie side by side in time have the same machine around them, so the quotient of each pair is taken first.
 */
export function ratioOf(here: Side, there: Side): Ratio | null {
  const pairs = Math.min(here.measured.runs.length, there.measured.runs.length)
  if (pairs === 0) return null
  const quotients = Array.from({ length: pairs }, (_, i) => here.measured.runs[i]!.run.wallMs / there.measured.runs[i]!.run.wallMs)
  return { median: median(quotients), ...medianInterval(quotients), pairs }
}

/** Whether the interval tells the two apart. null = there are too few pairs for an interval. */
export const tellsApart = (ratio: Ratio): boolean | null => (ratio.pairs < FEWEST_RUNS ? null : ratio.low > 1 || ratio.high < 1)

export const ratioWords = ({ median: middle, low, high, pairs }: Ratio): string =>
  pairs < FEWEST_RUNS ? `${figure(middle)} times (${pairs} ${pairs === 1 ? 'pair of runs' : 'pairs of runs'}, too few for an interval)` : `${figure(middle)} times (95 % interval ${figure(low)} to ${figure(high)}, ${pairs} pairs of runs)`
