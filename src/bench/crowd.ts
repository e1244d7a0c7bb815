import type { Concurrency, Doubt } from './types.ts'

/** What became of the requests that were made with so many on their way at any time. */
export interface Crowd {
  readonly level: number
  /** From the first request until the last answer. */
  readonly spanMs: number
  /** Of the answers with a text. */
  readonly latenciesMs: readonly number[]
  /** Why others had none. */
  readonly failures: readonly string[]
}

/** Enough for every place to be taken some times, and for a percentile that is more than the largest value but one. */
const FEWEST = 20
const TURNS = 4
const LIMIT_MS = 60_000

/** Keeps `level` requests on their way, each place asking anew as soon as it is answered. */
export async function crowd(level: number, ask: () => Promise<void>, failure: (error: unknown) => string): Promise<Crowd> {
  const total = Math.max(FEWEST, TURNS * level)
  const start = performance.now()
  const latenciesMs: number[] = []
  const failures: string[] = []
  let asked = 0
  const place = async () => {
    while (asked < total && (asked < level || performance.now() - start < LIMIT_MS)) {
      asked++
      const at = performance.now()
      try {
        await ask()
        latenciesMs.push(performance.now() - at)
      } catch (error) {
        failures.push(failure(error))
      }
    }
  }
  await Promise.all(Array.from({ length: level }, place))
  return { level, spanMs: performance.now() - start, latenciesMs, failures }
}

export function concurrencyOf({ level, spanMs, latenciesMs, failures }: Crowd, seconds: number): Concurrency {
  const sorted = [...latenciesMs].sort((a, b) => a - b)
  // The nearest rank, of the values themselves: nothing is claimed of requests that were not made.
  const rank = (part: number) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!
  return {
    level,
    requests: latenciesMs.length + failures.length,
    failed: Object.fromEntries([...new Set(failures)].map((why) => [why, failures.filter((each) => each === why).length])),
    rtfx: sorted.length === 0 ? null : (sorted.length * seconds * 1000) / spanMs,
    latencyMs: sorted.length === 0 ? null : { p50: rank(0.5), p95: rank(0.95), max: sorted.at(-1)!, samples: latenciesMs },
  }
}

/** A throughput this much above that of one request at a time is a gain; a queue gives none. */
const GAIN = 1.3

export function crowdDoubts(levels: readonly Concurrency[], aloneRtf: number): readonly Doubt[] {
  const failed = levels.filter((each) => Object.keys(each.failed).length > 0)
  const failing = failed.map(({ level, requests, failed: why }): string => `${Object.entries(why).map(([what, count]) => `${what} ${count} times`).join(', ')} in ${requests} requests with ${level} at once`)
  const top = [...levels].sort((a, b) => b.level - a.level).find(({ level, rtfx }) => level > 1 && rtfx !== null && !failed.some((each) => each.level === level))
  const gain = top === undefined ? null : top.rtfx! / (levels.find(({ level }) => level === 1)?.rtfx ?? 1 / aloneRtf)
  return [
    ...(failing.length === 0 ? [] : [{ kind: 'requests-fail', because: `Not every request got a text: ${failing.join('; ')}.`, how: null } as const]),
    ...(gain === null || gain >= GAIN ? [] : [{ kind: 'requests-queue', because: `${top!.level} requests at once get ${gain.toFixed(2)} times the throughput of one: each waits for the others, half of them ${(top!.latencyMs!.p50 / 1000).toPrecision(2)} s or longer.`, how: null } as const]),
  ]
}
