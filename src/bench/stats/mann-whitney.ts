/**
 * One-sided Mann-Whitney U test: how likely are `after` values this much larger than `before` if both are alike? Normal
 * approximation with tie and continuity correction, good from about 8 values a side on.
 */
export function likelyLarger(after: readonly number[], before: readonly number[]): number {
  const [m, n] = [after.length, before.length]
  const all = [...after.map((value) => ({ value, after: true })), ...before.map((value) => ({ value, after: false }))].sort((a, b) => a.value - b.value)
  let rankSum = 0
  let ties = 0
  for (let i = 0; i < all.length; ) {
    let end = i
    while (end < all.length && all[end]!.value === all[i]!.value) end++
    const count = end - i
    ties += count ** 3 - count
    for (let k = i; k < end; k++) if (all[k]!.after) rankSum += (i + 1 + end) / 2
    i = end
  }
  const u = rankSum - (m * (m + 1)) / 2
  const total = m + n
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)))
  if (!(variance > 0)) return 1
  return upperTail((u - (m * n) / 2 - 0.5) / Math.sqrt(variance))
}

/** P(Z > z) of the standard normal, by Abramowitz and Stegun 7.1.26 (error below 1.5e-7). */
function upperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * x)
  const tail = (((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x)) / 2
  return z > 0 ? tail : 1 - tail
}
