import { describe, expect, it } from 'vitest'
import { judgeRegression, type Series } from '../../src/bench/regression.ts'

const steady = (value: number, count = 12) => Array.from({ length: count }, (_, i) => value * (1 + 0.01 * Math.sin(i)))

interface Shape {
  readonly wall?: number
  readonly calibration?: number
  readonly throttled?: number | null
  readonly cpus?: number | null
  readonly waited?: number | null
}

/** Two threads: 100 ms of wall time and 180 ms of CPU time a run. */
const series = (factor: number, { wall = 1, calibration = 1, throttled = null, cpus = null, waited = null }: Shape = {}): Series => ({
  wallMs: steady(100 * factor * wall),
  cpuMs: steady(180 * factor),
  calibrationWallMs: steady(10 * wall * calibration),
  calibrationCpuMs: steady(18 * calibration),
  throttled,
  cpus,
  waited,
})
const onCpu = { allowed: 0.1, tier: 'cpu' } as const
const onGpu = { allowed: 0.1, tier: 'gpu' } as const
const notTold = { allowed: 0.1, tier: null } as const

describe('against a baseline', () => {
  it('the same passes, a fifth slower fails', () => {
    expect(judgeRegression(series(1), series(1), onCpu).state).toBe('pass')
    expect(judgeRegression(series(1.2), series(1), onCpu)).toMatchObject({ state: 'fail', because: expect.stringMatching(/^Calibrated CPU time is 1\.20 times/) })
  })
  it('a machine that is slower by half is no regression', () => {
    const slow = { ...series(1.5), calibrationCpuMs: steady(27), calibrationWallMs: steady(15) }
    expect(judgeRegression(slow, series(1), onCpu).state).toBe('pass')
    expect(judgeRegression(slow, series(1), onGpu)).toMatchObject({ state: 'pass', because: expect.stringMatching(/^Calibrated wall time/) })
  })
  it('without a yardstick, or with too few runs, nothing is decided', () => {
    expect(judgeRegression({ ...series(1), calibrationCpuMs: steady(1).map(() => null), calibrationWallMs: steady(1).map(() => null) }, series(1), onCpu).state).toBe('inconclusive')
    const few: Series = { wallMs: [1], cpuMs: [1], calibrationWallMs: [1], calibrationCpuMs: [1], throttled: null, cpus: null, waited: null }
    expect(judgeRegression(few, series(1), onCpu).state).toBe('inconclusive')
  })
  it('what else changed is said with it', () => {
    expect(judgeRegression(series(1), series(1), { ...onCpu, notes: ['Not as in the baseline: the runtime is b and was a.'] }).because).toMatch(/allowed\. Not as in the baseline: the runtime is b and was a\.$/)
  })
})

describe('a CPU quota does not hide behind CPU time', () => {
  it('one that was not there before', () => {
    const { state, because } = judgeRegression(series(1, { wall: 2, throttled: 0.9 }), series(1, { throttled: 0 }), onCpu)
    expect(state).toBe('fail')
    expect(because).toMatch(/^Wall time is 2\.00 times.* A CPU quota stopped it in 90 % of the scheduling periods\.$/)
  })
  it('one that is tighter: any quota that bites stops it in nearly every period, but leaves it other CPUs', () => {
    // CPUQuota=50% and 19%: 0.5 / 0.19 = 2.6 times the wall time for the same CPU time.
    const half = series(1, { wall: 2, throttled: 0.97, cpus: 0.5 })
    const fifth = series(1, { wall: 2 * (0.5 / 0.19), throttled: 0.99, cpus: 0.19 })
    expect(judgeRegression(fifth, half, onCpu)).toMatchObject({ state: 'fail', because: expect.stringMatching(/^Wall time is 2\.63 times/) })
    expect(judgeRegression(half, fifth, onCpu).state).toBe('pass')
  })
  it('the same one before and after is no regression, also in an hour in which others slow the yardstick alike', () => {
    const then = series(1, { wall: 2, throttled: 0.9, cpus: 0.5 })
    expect(judgeRegression(then, then, onCpu).state).toBe('pass')
    expect(judgeRegression(series(1, { wall: 2.4, throttled: 0.9, cpus: 0.47 }), then, onCpu)).toMatchObject({ state: 'pass', because: expect.stringMatching(/^Calibrated CPU time/) })
  })
  it('a baseline that does not tell what it got: wall time has to hold as well', () => {
    expect(judgeRegression(series(1, { wall: 2, throttled: 0.9 }), series(1, { wall: 2, throttled: 0.9 }), onCpu).state).toBe('pass')
    expect(judgeRegression(series(1, { wall: 4, throttled: 0.9 }), series(1, { wall: 2, throttled: 0.9 }), onCpu).state).toBe('fail')
  })
  it('nor does more work hide behind a quota under which the wall time is as before', () => {
    expect(judgeRegression({ ...series(1.2, { throttled: 0.3 }), wallMs: steady(100) }, series(1), onCpu)).toMatchObject({ state: 'fail', because: expect.stringMatching(/^Calibrated CPU time is 1\.20 times/) })
  })
  it('of plain wall time others may be the cause as well: then it is not known', () => {
    const now = series(1, { wall: 2, throttled: 0.9 })
    expect(judgeRegression(now, series(1), { ...onCpu, others: { cpu: 'other processes kept 2.0 CPUs busy and none was left idle.', gpu: null } })).toMatchObject({ state: 'inconclusive', because: expect.stringContaining('but others were using the machine: other processes kept 2.0') })
  })
})

describe('several threads spin for one that is kept from its CPU', () => {
  const several = (more: number): Series => ({ ...series(1), wallMs: series(1).wallMs.map((ms) => ms / 2), cpuMs: series(1).cpuMs.map((ms) => ms! * more) })
  const others = { cpu: 'Other processes kept 1.0 CPUs busy.', gpu: null }
  it.each([
    ['a fifth more CPU time beside others is left open', 1.2, null, others, 'inconclusive'],
    ['and beside nobody it is a regression', 1.2, null, { cpu: null, gpu: null }, 'fail'],
    ['one thread spins for nobody', 1.2, 1, others, 'fail'],
    ['the same work passes beside others', 1, null, others, 'pass'],
  ] as const)('%s', (_, more, threads, beside, state) => {
    expect(judgeRegression(several(more), several(1), { allowed: 0.1, tier: 'cpu', threads, others: beside }).state).toBe(state)
  })
})

describe('a command does not tell what it runs on', () => {
  const command = (wall: number, cpu: number, waited: number | null = null): Series => ({ wallMs: steady(wall), cpuMs: steady(cpu), calibrationWallMs: steady(10), calibrationCpuMs: steady(10), throttled: null, cpus: null, waited })
  it('twice the wall time for the same CPU time is a regression, whether it waits for a GPU asleep or spinning', () => {
    expect(judgeRegression(command(2000, 300), command(1000, 300), notTold)).toMatchObject({ state: 'fail', because: expect.stringMatching(/^Calibrated wall time is 2\.00 times/) })
    expect(judgeRegression(command(2000, 1000), command(1000, 1000), notTold).state).toBe('fail')
    // Four threads that spin: CPU time is more than wall time before and after.
    expect(judgeRegression(command(2000, 3600), command(1000, 3600), notTold).state).toBe('fail')
  })
  it('CPU time that fills the wall time tells of the work, and is deaf to a noisy hour', () => {
    expect(judgeRegression(command(1010, 1000), command(1000, 990), notTold)).toMatchObject({ state: 'pass', because: expect.stringMatching(/^Calibrated CPU time/) })
    expect(judgeRegression(command(1200, 1190), command(1000, 990), notTold)).toMatchObject({ state: 'fail', because: expect.stringMatching(/^Calibrated CPU time is 1\.20 times/) })
    // Others had the CPU for half of the time: it waited as long as it ran.
    expect(judgeRegression(command(2000, 1000, 1), command(1000, 990), notTold)).toMatchObject({ state: 'pass', because: expect.stringMatching(/^Calibrated CPU time/) })
  })
  it('another program on the GPU may have slowed what is on it, and not the yardstick', () => {
    const others = { cpu: null, gpu: 'GPU 0 (Tesla T4) was at work already before anything was started here: 87 % of the time.' }
    expect(judgeRegression(command(2000, 300), command(1000, 300), { ...notTold, others }).state).toBe('inconclusive')
  })
})
