import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CannotMeasure, Interrupted, type Engine, type Instance } from '../../src/bench/engine.ts'
import type { Run } from '../../src/bench/messages.ts'
import { progressLine } from '../../src/bench/progress.ts'
import { enough, expected, LAUNCHES, measure, NOTHING, TIMED, WARM_UP, warmUp, type Asker, type Measured, type Progress } from '../../src/bench/protocol.ts'

/** A machine on which time passes only while something runs. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

const ran = (wallMs: number, text: string | null = null): Run => ({ wallMs, cpuMs: wallMs, phases: [], text })

/** Runs take what `times` says, one after another, the last of them for ever. */
function instance(times: readonly number[], change: Partial<Instance> = {}): Instance & { readonly started: () => number } {
  let started = 0
  return {
    started: () => started,
    pids: () => [],
    loadMs: 5,
    run: async () => {
      const ms = times[Math.min(started++, times.length - 1)]!
      vi.advanceTimersByTime(ms)
      return ran(ms, `run ${started}`)
    },
    calibrate: async () => ({ wallMs: 10, cpuMs: 10 }),
    placement: async () => [],
    stop: () => {},
    ...change,
  }
}
const engineOf = (make: () => Instance, freshEveryRun = false): Engine => ({ freshEveryRun, open: async () => make() })
const asker = (change: Partial<Asker<Instance>> = {}): Asker<Instance> => ({ undecided: () => false, tell: () => {}, opened: () => {}, ...change })
const plan = { launches: 3, runs: null, place: false } as const
const quiet = () => {}

describe('warm-up', () => {
  it('goes on until two successive runs differ by less than 5 %, and for three runs at least', async () => {
    expect(await warmUp({ freshEveryRun: false }, instance([100]), ran(100), quiet)).toMatchObject({ steady: true, runs: { length: 3 } })
    expect(await warmUp({ freshEveryRun: false }, instance([90, 80, 70, 60, 59]), ran(100), quiet)).toMatchObject({ steady: true, runs: { length: 5 } })
  })
  it('ends after ten runs, or 20 s, that are not steady, and keeps them all', async () => {
    const wild = Array.from({ length: 20 }, (_, i) => (i % 2 ? 100 : 200))
    const warm = await warmUp({ freshEveryRun: false }, instance(wild), ran(100), quiet)
    expect([warm.steady, warm.runs.map(({ wallMs }) => wallMs)]).toEqual([false, wild.slice(0, WARM_UP.atMost)])
    expect(await warmUp({ freshEveryRun: false }, instance([15_000, 5_001]), ran(1), quiet)).toMatchObject({ steady: false, runs: { length: 2 } })
  })
  it('warms nothing where each run is a process of its own', async () => {
    const target = instance([100])
    expect(await warmUp({ freshEveryRun: true }, target, ran(100), quiet)).toEqual({ steady: true, runs: [] })
    expect(target.started()).toBe(0)
  })
})

describe('how many timed runs', () => {
  const so = (count: number): Measured => ({ ...NOTHING, runs: Array.from({ length: count }, () => ({ run: ran(100), calibration: null })) })
  const open = () => true
  const settled = () => false
  it.each<[string, number | null, number, number, () => boolean, boolean]>([
    ['exactly as many as were asked for, however little is settled', 2, 2, 200, open, true],
    ['and not fewer', 2, 1, 90_000, settled, false],
    ['ten and 3 s', null, 10, 3000, settled, true],
    ['ten in less than 3 s', null, 10, 2999, settled, false],
    ['nine in more', null, 9, 5000, settled, false],
    ['more while it is open', null, 10, 3000, open, false],
    ['forty at most', null, TIMED.atMost, 4000, open, true],
    ['a minute at most', null, 7, TIMED.limitMs, open, true],
    ['six at least, however slow', null, 5, 500_000, settled, false],
  ])('%s', (_, runs, count, spentMs, undecided, expected) => {
    expect(enough({ runs }, so(count), spentMs, undecided)).toBe(expected)
  })
  it('the time left is that of the runs still to come', () => {
    expect(expected({ runs: null }, 0, 0)).toEqual({ of: null, leftMs: null })
    // 100 ms each: 30 fill 3 s. 1 s each: ten. 20 s each: six, though a minute holds three.
    expect(expected({ runs: null }, 5, 500)).toEqual({ of: 30, leftMs: 2500 })
    expect(expected({ runs: null }, 5, 5000)).toEqual({ of: 10, leftMs: 5000 })
    expect(expected({ runs: null }, 2, 40_000)).toEqual({ of: 6, leftMs: 80_000 })
    expect(expected({ runs: 50 }, 10, 1000)).toEqual({ of: 50, leftMs: 4000 })
  })
})

describe('a measurement', () => {
  it('opens three fresh processes, warms up, and times runs between two passes of the yardstick', async () => {
    const opened: Instance[] = []
    const told: Progress[] = []
    const measured = await measure(engineOf(() => instance([500, 300])), plan, asker({ opened: (each) => void opened.push(each), tell: (progress) => void told.push(progress) }))
    expect(opened).toHaveLength(3)
    expect(measured.cold.map(({ firstMs }) => firstMs)).toEqual([500, 500, 500])
    // 500 against 300 is not steady, and then 300 against 300 is, but three runs are the least.
    expect(measured.warmUp).toMatchObject({ steady: true, runs: [{ text: 'run 2' }, { text: 'run 3' }, { text: 'run 4' }] })
    expect(measured.runs).toHaveLength(10)
    expect(measured.runs[0]).toMatchObject({ run: { wallMs: 300 }, calibration: { wallMs: 10, cpuMs: 10 } })
    expect(told.filter(({ phase }) => phase === 'timed run').at(-1)).toEqual({ phase: 'timed run', done: 9, of: 10, leftMs: 300 })
  })
  it('goes on to forty runs while it is open, and no further', async () => {
    const asked: string[] = []
    const measured = await measure(engineOf(() => instance([300])), plan, asker({ undecided: (_, of) => (asked.push(of), of === 'runs') }))
    expect(measured.runs).toHaveLength(TIMED.atMost)
    expect(measured.cold).toHaveLength(3)
    // Three cold starts, then every run from the tenth to the one before the last.
    expect([asked.filter((of) => of === 'launches').length, asked.filter((of) => of === 'runs').length]).toEqual([1, 30])
  })
  it('starts more processes while the first run is open, and no warm runs for its sake', async () => {
    const until = (count: number) => asker({ undecided: ({ cold }, of) => of === 'launches' && cold.length < count })
    expect(await measure(engineOf(() => instance([300])), plan, until(5))).toMatchObject({ cold: { length: 5 }, runs: { length: 10 } })
    expect((await measure(engineOf(() => instance([300])), plan, until(1000))).cold).toHaveLength(LAUNCHES.atMost)
    // A minute of it is enough.
    expect((await measure(engineOf(() => instance([16_000])), { ...plan, runs: 1 }, until(1000))).cold).toHaveLength(4)
  })
  it('a server, and a command that is a fresh process each time, are not started again for that', async () => {
    const one = { launches: 1, runs: 1, place: false } as const
    const open = asker({ undecided: (_, of) => of === 'launches' })
    expect((await measure(engineOf(() => instance([300], { pids: () => null })), one, open)).cold).toHaveLength(1)
    expect((await measure(engineOf(() => instance([300]), true), one, open)).cold).toHaveLength(1)
  })
  it('cold starts are watched as well, where the target runs here', async () => {
    expect((await measure(engineOf(() => instance([300])), plan, asker())).coldLoad).toMatchObject({ othersCpuMs: expect.any(Number) })
    expect((await measure(engineOf(() => instance([300], { pids: () => null })), plan, asker())).coldLoad).toBeNull()
  })
  it('what is found out after the first run ends it there', async () => {
    const opened: Instance[] = []
    await expect(measure(engineOf(() => instance([300])), plan, asker({ opened: (each) => void opened.push(each), ready: async () => Promise.reject(new CannotMeasure('No.')) }))).rejects.toThrow('No.')
    expect(opened).toHaveLength(1)
  })
  it('Ctrl-C in the middle leaves what was measured', async () => {
    let left = 12
    const failing = instance([300], { calibrate: async () => (left-- > 0 ? { wallMs: 10, cpuMs: 10 } : Promise.reject(new Interrupted())) })
    expect(await measure(engineOf(() => failing), { ...plan, runs: 100 }, asker())).toMatchObject({ interrupted: true, cold: { length: 3 }, runs: { length: 11 } })
  })
})

it('the line of progress is written over, says what is left, and is not for pipes', () => {
  const lines = (isTTY: boolean) => {
    const written: string[] = []
    const { tell, clear } = progressLine({ isTTY, write: (text) => written.push(text) })
    tell({ phase: 'timed run', done: 4, of: 30, leftMs: 2400 })
    tell({ phase: 'warm-up', done: 0, of: null, leftMs: null })
    clear()
    return written
  }
  expect(lines(true)).toEqual(['\r\u001b[Ktimed run 5 of 30, about 3 s left', '\r\u001b[Kwarm-up 1', '\r\u001b[K'])
  expect(lines(false)).toEqual([])
})
