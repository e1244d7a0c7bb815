import { describe, expect, it } from 'vitest'
import { knownOf, unlike } from '../../src/bench/baseline.ts'
import { judgeRegression, type Series } from '../../src/bench/regression.ts'
import type { Result } from '../../src/bench/types.ts'

const machine = { cpu: 'AMD EPYC 7763', logicalCores: 4, arch: 'x64' }
const result = (change: object = {}, own: object = {}) => knownOf({ target: { kind: 'embedded', threads: 1 }, workload: 'fastconformer-s', audio: { seconds: 57 }, provider: { used: 'cpu' }, machine: { ...machine, ...own }, ...change } as unknown as Result)

/** `slow`: how much slower the machine is; `more`: how much more work a run is. */
const series = (slow: number, more: number, throttled: number | null = null): Series => {
  const noise = [1, 1.01, 0.99, 1.02, 0.98, 1, 1.01, 0.99, 1, 1]
  return { wallMs: noise.map((n) => 300 * slow * more * n), cpuMs: noise.map((n) => 300 * slow * more * n), calibrationWallMs: noise.map(() => 18 * slow), calibrationCpuMs: noise.map(() => 18 * slow), throttled, cpus: null, waited: null }
}

const across = { allowed: 0.2, tier: 'cpu', crossMachine: true } as const

describe('a baseline of another machine', () => {
  it('is refused as it stands, and taken with --cross-machine', () => {
    const there = result({}, { cpu: 'Intel Xeon 8370C', logicalCores: 2, arch: 'arm64' })
    expect(unlike(result(), there)).toMatch(/the CPU is AMD EPYC 7763 and was Intel Xeon 8370C/)
    expect(unlike(result(), there, true)).toBeNull()
  })
  it('another workload, provider or number of threads is refused all the same', () => {
    expect(unlike(result({ workload: 'whisper-tiny' }), result(), true)).toBe('the workload is whisper-tiny and was fastconformer-s')
    expect(unlike(result({ provider: { used: 'cuda' } }), result(), true)).toBe('the provider is cuda and was cpu')
    expect(unlike(result({ target: { kind: 'embedded', threads: 4 } }), result(), true)).toBe('the number of threads is 4 and was 1')
  })
  it('only calibrated time counts: a machine of half the speed is no regression, more work is', () => {
    expect(judgeRegression(series(2, 1), series(1, 1), across)).toMatchObject({ state: 'pass', because: expect.stringMatching(/Calibrated CPU time is 1\.00 times .* The baseline is from another machine\./) })
    expect(judgeRegression(series(2, 1.5), series(1, 1), across).state).toBe('fail')
    expect(judgeRegression(series(0.5, 1.5), series(1, 1), across).state).toBe('fail')
  })
  it('a quota does not bring wall time back in, which of two machines says nothing', () => {
    expect(judgeRegression(series(2, 1, 0.9), series(1, 1, 0), { ...across, crossMachine: false }).because).toMatch(/^Wall time/)
    expect(judgeRegression(series(2, 1, 0.9), series(1, 1, 0), across)).toMatchObject({ state: 'pass', because: expect.stringMatching(/^Calibrated/) })
  })
  it('without a yardstick it cannot be compared', () => {
    const bare = { ...series(1, 1), calibrationWallMs: Array(10).fill(null), calibrationCpuMs: Array(10).fill(null) }
    expect(judgeRegression(bare, bare, across).state).toBe('inconclusive')
  })
})
