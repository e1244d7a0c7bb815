/** Limits as unit files write them (systemd.resource-control(5)), so that two wishes for one can be compared. */

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4, P: 1024 ** 5, E: 1024 ** 6 }

/** An empty value and `infinity` mean no limit. null = not to be compared: percentages of memory, or no number. */
export function limitOf(key: string, value: string): number | null {
  if (value === '' || value === 'infinity') return Number.POSITIVE_INFINITY
  if (key === 'CPUQuota') {
    const percent = /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1]
    return percent === undefined ? null : Number(percent)
  }
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([KMGTPE]?)B?$/.exec(value) ?? []
  return number === undefined ? null : Number(number) * UNITS[unit!]!
}

const LIMITS = new Set(['CPUQuota', 'MemoryMax', 'MemoryHigh', 'MemorySwapMax', 'TasksMax', 'LimitMEMLOCK', 'LimitAS', 'LimitNOFILE'])

/** The looser of two values of a limit; null = the key is no limit, or they cannot be compared. */
export function heavier(key: string, a: string, b: string): string | null {
  if (!LIMITS.has(key)) return null
  const [x, y] = [limitOf(key, a), limitOf(key, b)]
  // Of two words for the same limit the same one, whichever came first.
  return x === null || y === null ? null : x > y || (x === y && a < b) ? a : b
}
