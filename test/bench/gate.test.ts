import { describe, expect, it } from 'vitest'
import { FEWEST_RUNS, judgeFirst, judgeRtf, judgeWer, together } from '../../src/bench/gate.ts'
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
  it('fewer than three processes settle nothing, but a server has only one first request', () => {
    expect([judgeFirst([50], 100, null).state, judgeFirst([500, 600], 100, null).state]).toEqual(['inconclusive', 'inconclusive'])
    expect(judgeFirst([50], 100, null).because).toBe('The first run took 50 ms in 1 fresh process; 3 are needed to judge it.')
    expect(judgeFirst([50], 100, null, 1)).toMatchObject({ state: 'pass', because: 'The first request took 50 ms, within the limit of 100 ms.' })
    expect(judgeFirst([500], 100, null, 1).state).toBe('fail')
  })
  it('three that disagree are settled by a few more, by the interval of the median', () => {
    expect(judgeFirst([150, 90, 95], 100, null).state).toBe('inconclusive')
    expect(judgeFirst([150, 90, 95, 92, 93, 91, 94, 90, 92], 100, null)).toMatchObject({ state: 'pass', because: expect.stringMatching(/^The median first run of 9 fresh processes took 92 ms \(95 % interval 90 to 9[45]\)/) })
    expect(judgeFirst([90, 150, 150, 152, 153, 151, 154, 150, 152], 100, null).state).toBe('fail')
    expect(judgeFirst([90, 150, 150, 152, 153, 151, 154, 150, 152], 100, 'others.').state).toBe('inconclusive')
  })
  it('the word error rate may equal its limit', () => {
    expect([judgeWer(0.25, 0.25).state, judgeWer(0.26, 0.25).state]).toEqual(['pass', 'fail'])
  })
  it('one failure fails, one doubt leaves it open', () => {
    const [pass, open, fail] = [judgeWer(0, 1), judgeFirst([], 1, null), judgeWer(1, 0)]
    expect([together([pass, open, fail]).state, together([pass, open]).state, together([pass]).state]).toEqual(['fail', 'inconclusive', 'pass'])
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
    // 600 periods of which the quota ended one: what our threads waited beyond that they waited for the others, pinned to the same CPU.
    ['a neighbour on the same CPU, and a quota that ended one period', load({ spanMs: 60_000, targetCpuMs: 30_000, othersCpuMs: 30_000, waitedMs: 29_000, throttle: { periods: 600, throttled: 1, throttledMs: 40 } }), /other processes kept 0\.5 CPUs busy and .* 97 %/],
    ['all the waiting was for that quota', load({ othersCpuMs: 500, waitedMs: 100, throttle: { periods: 100, throttled: 5, throttledMs: 95 } }), null],
    ['waiting for a quota on a full machine', load({ targetCpuMs: 500, othersCpuMs: 1400, waitedMs: 800, throttle: { periods: 10, throttled: 9, throttledMs: 500 } }), /none was left idle/],
  ])('%s', (_, seen, expected) => {
    const words = contention(seen, 2)
    if (expected === null) expect(words).toBeNull()
    else expect(words).toMatch(expected)
  })
})
