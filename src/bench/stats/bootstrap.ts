export interface Interval {
  readonly low: number
  readonly high: number
}

export const RESAMPLES = 2000
const SEED = 0x9e37_79b9

/** mulberry32: the same draws every time, so that the same samples always give the same verdict. */
export function drawer(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The percentile interval of the median (Efron 1979), 95 %, from 2000 seeded resamples. */
export const medianInterval = (values: readonly number[]): Interval => percentile(resampledMedians(values, drawer(SEED)))

/** The same of the quotient of two medians, each side resampled by itself. */
export function ratioInterval(numerator: readonly number[], denominator: readonly number[]): Interval {
  const random = drawer(SEED)
  const above = resampledMedians(numerator, random)
  const below = resampledMedians(denominator, random)
  return percentile(above.map((value, i) => value / below[i]!))
}

function resampledMedians(values: readonly number[], random: () => number): number[] {
  const sample = new Float64Array(values.length)
  const middle = values.length >> 1
  return Array.from({ length: RESAMPLES }, () => {
    for (let i = 0; i < values.length; i++) sample[i] = values[Math.floor(random() * values.length)]!
    sample.sort()
    return values.length % 2 === 1 ? sample[middle]! : (sample[middle - 1]! + sample[middle]!) / 2
  })
}

function percentile(values: number[]): Interval {
  const sorted = values.sort((a, b) => a - b)
  return { low: sorted[Math.floor(0.025 * RESAMPLES)]!, high: sorted[Math.ceil(0.975 * RESAMPLES) - 1]! }
}
