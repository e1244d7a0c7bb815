/** Middle value, of an even number the mean of the middle two. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Median absolute deviation, not scaled. */
export function mad(values: readonly number[]): number {
  const centre = median(values)
  return median(values.map((value) => Math.abs(value - centre)))
}

/** Coefficient of variation: standard deviation (n - 1) over mean. 0 for fewer than two values. */
export function variation(values: readonly number[]): number {
  if (values.length < 2) return 0
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  return mean === 0 ? 0 : Math.sqrt(variance) / mean
}

/**
 * Iglewicz and Hoaglin's modified z-scores, 0.6745·(x - median)/MAD; beyond 3.5 a value is marked an outlier. With a MAD of
 * 0 the mean absolute deviation stands in (their remedy), and where that is 0 too every score is 0.
 */
export function modifiedZ(values: readonly number[]): readonly number[] {
  const centre = median(values)
  const spread = mad(values)
  if (spread > 0) return values.map((value) => (0.6745 * (value - centre)) / spread)
  const mean = values.reduce((sum, value) => sum + Math.abs(value - centre), 0) / values.length
  return values.map((value) => (mean === 0 ? 0 : (value - centre) / (1.253314 * mean)))
}

export const OUTLIER_Z = 3.5
