import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { judgeRegression, judgeRtf, type Series } from '../../src/bench/gate.ts'
import { drawer } from '../../src/bench/stats/bootstrap.ts'

/** Raw runs of `bench --json`, kept as they were measured. */
interface Recorded extends Omit<Series, 'cpuMs' | 'calibrationWallMs' | 'calibrationCpuMs'> {
  readonly about: string
  readonly cpuMs: readonly number[]
  readonly calibrationWallMs: readonly number[]
  readonly calibrationCpuMs: readonly number[]
  readonly throttle: { readonly periods: number; readonly throttled: number } | null
}
const recorded = (name: string) => JSON.parse(readFileSync(new URL(`./runs/${name}.json`, import.meta.url), 'utf8')) as Recorded

const DRAWS = 1000
const RUNS = 20

/** Consecutive runs from a random place on, so that slow minutes stay together; times of ours stretched, the yardstick's not. */
function drawn(from: Recorded, start: number, factor: number): Series {
  const cut = (values: readonly number[]) => Array.from({ length: RUNS }, (_, i) => values[(start + i) % values.length]!)
  return {
    wallMs: cut(from.wallMs).map((ms) => ms * factor),
    cpuMs: cut(from.cpuMs).map((ms) => ms * factor),
    calibrationWallMs: cut(from.calibrationWallMs),
    calibrationCpuMs: cut(from.calibrationCpuMs),
    throttled: from.throttle === null ? null : from.throttle.throttled / from.throttle.periods,
  }
}

function verdicts(now: Recorded, before: Recorded, factor: number, cpuBound: boolean): Record<'pass' | 'fail' | 'inconclusive', number> {
  const random = drawer(7)
  const count = { pass: 0, fail: 0, inconclusive: 0 }
  for (let i = 0; i < DRAWS; i++) {
    const place = (length: number) => Math.floor(random() * length)
    count[judgeRegression(drawn(now, place(now.wallMs.length), factor), drawn(before, place(before.wallMs.length), 1), 0.1, cpuBound).state]++
  }
  return { pass: count.pass / DRAWS, fail: count.fail / DRAWS, inconclusive: count.inconclusive / DRAWS }
}

describe.each(['quieter', 'busy', 'throttled'])('%s machine, by resampling the runs that were recorded on it', (name) => {
  const runs = recorded(name)
  it('CPU-bound work: at most 1 % false alarms, at least 95 % of +20 % caught', () => {
    const table = [1, 1.2].map((factor) => verdicts(runs, runs, factor, true))
    console.log(name, 'calibrated CPU time', JSON.stringify(table))
    expect(table[0]!.fail).toBeLessThanOrEqual(0.01)
    expect(table[1]!.fail).toBeGreaterThanOrEqual(0.95)
  })
  it('wall time: false alarms stay rare, and what cannot be told is not passed', () => {
    const table = [1, 1.2, 1.5].map((factor) => verdicts(runs, runs, factor, false))
    console.log(name, 'calibrated wall time', JSON.stringify(table))
    expect(table[0]!.fail).toBeLessThanOrEqual(0.05)
    expect(table[2]!.pass).toBeLessThanOrEqual(0.01)
  })
})

it('a baseline from a quieter hour, a job in a busier one: still at most 1 % false alarms, at least 95 % of +20 % caught', () => {
  const table = [1, 1.2].map((factor) => verdicts(recorded('busy'), recorded('quieter'), factor, true))
  console.log('busy after quiet, calibrated CPU time', JSON.stringify(table))
  expect(table[0]!.fail).toBeLessThanOrEqual(0.01)
  expect(table[1]!.fail).toBeGreaterThanOrEqual(0.95)
})

it('a quota that was not there before is caught, though it takes no CPU time', () => {
  const { fail } = verdicts(recorded('throttled'), recorded('busy'), 1, true)
  expect(fail).toBeGreaterThanOrEqual(0.95)
})

it('an absolute limit: a busy machine fails nothing', () => {
  const runs = recorded('busy')
  const random = drawer(11)
  let failed = 0
  for (let i = 0; i < DRAWS; i++) {
    const { wallMs } = drawn(runs, Math.floor(random() * runs.wallMs.length), 1)
    // The limit is what the machine keeps when it is left alone.
    if (judgeRtf(wallMs.map((ms) => ms / 57_000), 430 / 57_000, 'other processes kept 1.5 CPUs busy.').state === 'fail') failed++
  }
  expect(failed).toBe(0)
})
