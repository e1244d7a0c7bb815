import { describe, expect, it } from 'vitest'
import { FEWEST_RUNS, judgeFirst, judgeRegression, judgeRtf, judgeWer, together, type Series } from '../../src/bench/gate.ts'
import { contention } from '../../src/bench/load.ts'
import type { Load } from '../../src/bench/types.ts'

const steady = (value: number, count = 12) => Array.from({ length: count }, (_, i) => value * (1 + 0.01 * Math.sin(i)))

describe('an absolute limit', () => {
  it('passes when the whole interval is within', () => {
    expect(judgeRtf(steady(0.2), 0.3, null)).toMatchObject({ state: 'pass', rule: '--max-rtf' })
  })
  it('passes on a busy machine too: others can only make it slower', () => {
    expect(judgeRtf(steady(0.2), 0.3, 'others.')).toMatchObject({ state: 'pass' })
  })
  it('fails when the whole interval is beyond and nobody was in the way', () => {
    const { state, because } = judgeRtf(steady(0.4), 0.3, null)
    expect(state).toBe('fail')
    expect(because).toMatch(/^The median RTF is 0\.40\d .* beyond the limit of RTF 0\.300\.$/)
  })
  it('is inconclusive when others were in the way', () => {
    expect(judgeRtf(steady(0.4), 0.3, 'other processes kept 1.0 CPUs busy.')).toMatchObject({ state: 'inconclusive', because: expect.stringContaining('other processes kept 1.0 CPUs busy.') })
  })
  it('is inconclusive when the limit lies inside the interval', () => {
    expect(judgeRtf([0.2, 0.4, 0.2, 0.4, 0.2, 0.4, 0.3], 0.3, null)).toMatchObject({ state: 'inconclusive' })
  })
  it.each([0, 1, FEWEST_RUNS - 1])('%i runs decide nothing', (count) => {
    expect(judgeRtf(steady(0.1, count), 0.3, null)).toMatchObject({ state: 'inconclusive' })
  })
  it('RTFx is the inverse', () => {
    expect(judgeRtf(steady(0.2), 1 / 4, null, '--min-rtfx')).toMatchObject({ state: 'pass', rule: '--min-rtfx' })
    expect(judgeRtf(steady(0.2), 1 / 6, null, '--min-rtfx')).toMatchObject({ state: 'fail', because: expect.stringContaining('RTFx 6.00') })
  })
})

describe('the first run and the text', () => {
  it('all fresh processes must agree', () => {
    expect([judgeFirst([90, 95, 99], 100, null), judgeFirst([90, 95, 120], 100, null), judgeFirst([110, 120, 130], 100, null), judgeFirst([110], 100, 'x'), judgeFirst([], 100, null)].map(({ state }) => state)).toEqual([
      'pass', 'inconclusive', 'fail', 'inconclusive', 'inconclusive',
    ])
  })
  it('the word error rate may equal its limit', () => {
    expect([judgeWer(0.25, 0.25).state, judgeWer(0.26, 0.25).state]).toEqual(['pass', 'fail'])
  })
  it('one failure fails, one doubt leaves it open', () => {
    const [pass, open, fail] = [judgeWer(0, 1), judgeFirst([], 1, null), judgeWer(1, 0)]
    expect([together([pass, open, fail]).state, together([pass, open]).state, together([pass]).state]).toEqual(['fail', 'inconclusive', 'pass'])
  })
})

const series = (factor: number, { wall = 1, calibration = 1, throttled = null }: { wall?: number; calibration?: number; throttled?: number | null } = {}): Series => ({
  wallMs: steady(100 * factor * wall),
  cpuMs: steady(180 * factor),
  calibrationWallMs: steady(10 * wall * calibration),
  calibrationCpuMs: steady(18 * calibration),
  throttled,
})

describe('against a baseline', () => {
  it('the same passes, a fifth slower fails', () => {
    expect(judgeRegression(series(1), series(1), 0.1, true).state).toBe('pass')
    expect(judgeRegression(series(1.2), series(1), 0.1, true)).toMatchObject({ state: 'fail', because: expect.stringMatching(/^Calibrated CPU time is 1\.20 times/) })
  })
  it('a machine that is slower by half is no regression', () => {
    const slow = { ...series(1.5), calibrationCpuMs: steady(27), calibrationWallMs: steady(15) }
    expect(judgeRegression(slow, series(1), 0.1, true).state).toBe('pass')
    expect(judgeRegression(slow, series(1), 0.1, false)).toMatchObject({ state: 'pass', because: expect.stringMatching(/^Calibrated wall time/) })
  })
  it('a CPU quota does not hide behind CPU time', () => {
    const { state, because } = judgeRegression(series(1, { wall: 2, throttled: 0.9 }), series(1, { throttled: 0 }), 0.1, true)
    expect(state).toBe('fail')
    expect(because).toMatch(/^Wall time is 2\.00 times.* A CPU quota stopped it in 90 % of the scheduling periods\.$/)
  })
  it('the same quota before and after is no regression', () => {
    expect(judgeRegression(series(1, { wall: 2, throttled: 0.9 }), series(1, { wall: 2, throttled: 0.9 }), 0.1, true).state).toBe('pass')
  })
  it('without a yardstick, or with too few runs, nothing is decided', () => {
    expect(judgeRegression({ ...series(1), calibrationCpuMs: steady(1).map(() => null), calibrationWallMs: steady(1).map(() => null) }, series(1), 0.1, true).state).toBe('inconclusive')
    const few: Series = { wallMs: [1], cpuMs: [1], calibrationWallMs: [1], calibrationCpuMs: [1], throttled: null }
    expect(judgeRegression(few, series(1), 0.1, true).state).toBe('inconclusive')
  })
})

describe('contention from outside', () => {
  const load = (change: Partial<Load>): Load => ({ spanMs: 1000, targetCpuMs: 900, othersCpuMs: 0, stealMs: 0, waitedMs: 0, involuntarySwitches: 0, peakMemoryBytes: null, throttle: null, cpuPressure: null, ...change })
  it.each<[string, Load | null, RegExp | null]>([
    ['nobody else', load({}), null],
    ['nothing known', null, null],
    ['others on other cores, nobody waited', load({ othersCpuMs: 1000 }), null],
    ['others, and our threads waited', load({ othersCpuMs: 1000, waitedMs: 200 }), /other processes kept 1\.0 CPUs busy and .* 22 %/],
    ['our own threads waited for each other', load({ waitedMs: 500 }), null],
    ['stolen by the hypervisor', load({ stealMs: 100 }), /hypervisor/],
    ['waiting for a quota is not contention', load({ othersCpuMs: 300, waitedMs: 800, throttle: { periods: 10, throttled: 9, throttledMs: 500 } }), null],
    ['waiting for a quota on a full machine', load({ targetCpuMs: 500, othersCpuMs: 1400, waitedMs: 800, throttle: { periods: 10, throttled: 9, throttledMs: 500 } }), /none was left idle/],
  ])('%s', (_, seen, expected) => {
    const words = contention(seen, 2)
    if (expected === null) expect(words).toBeNull()
    else expect(words).toMatch(expected)
  })
})
