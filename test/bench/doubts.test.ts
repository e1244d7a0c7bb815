import { describe, expect, it } from 'vitest'
import { cosine } from '../../src/bench/agreement.ts'
import { doubtsOf, type Seen } from '../../src/bench/doubts.ts'
import type { Run } from '../../src/bench/messages.ts'
import type { Measured } from '../../src/bench/protocol.ts'
import type { Provider } from '../../src/bench/types.ts'

const run = (wallMs: number, text: string | null = null): Run => ({ wallMs, cpuMs: wallMs, phases: [], text })
const measured = (change: Partial<Measured> = {}): Measured => ({
  cold: [{ loadMs: 50, firstMs: 120 }], coldRuns: [run(120)], warmUp: { runs: [], steady: true }, runs: Array.from({ length: 10 }, () => ({ run: run(100), calibration: null })), placement: [], agreement: null, load: null, interrupted: false, ...change,
})
const onCpu: Provider = { asked: ['auto'], used: 'cpu', tier: 'cpu', because: null, how: null, placement: [] }
const onCuda: Provider = { ...onCpu, asked: ['cuda'], used: 'cuda', tier: 'gpu' }
const seen = (change: Partial<Seen> = {}): Seen => ({ provider: onCpu, audioWarnings: [], silent: false, machine: { logicalCores: 2 }, ...change })
const kinds = (m: Partial<Measured>, s: Partial<Seen> = {}) => doubtsOf(measured(m), seen(s)).map(({ kind }) => kind)
const heard = (first: string, ...later: string[]): Partial<Measured> => ({ coldRuns: [run(120, first)], runs: later.map((text) => ({ run: run(100, text), calibration: null })) })
const six = (text: string) => Array.from({ length: 6 }, () => text)
const placed = (provider: string, nodes: number, timeMs: number | null = null) => ({ provider, nodes, timeMs })
const load = { spanMs: 1000, targetCpuMs: 900, othersCpuMs: 0, stealMs: 0, waitedMs: 0, involuntarySwitches: 0, peakMemoryBytes: null, throttle: null, cpuPressure: null }

describe('doubts', () => {
  it('a steady measurement has none', () => {
    expect(kinds({})).toEqual([])
    expect(kinds({ load }, { provider: onCuda })).toEqual([])
  })
  it.each<[string, Partial<Measured>, Partial<Seen>]>([
    ['slow-first-run', { cold: [{ loadMs: 1, firstMs: 5000 }] }, {}],
    ['not-steady', { warmUp: { runs: Array.from({ length: 10 }, () => run(100)), steady: false } }, {}],
    ['few-runs', { runs: [{ run: run(100), calibration: null }] }, {}],
    ['noisy-machine', { runs: [100, 200, 100, 300, 100, 100].map((ms) => ({ run: run(ms), calibration: null })) }, {}],
    ['noisy-machine', { load: { ...load, othersCpuMs: 900, waitedMs: 400 } }, {}],
    ['throttled', { load: { ...load, throttle: { periods: 10, throttled: 9, throttledMs: 500 } } }, {}],
    ['empty-transcript', heard('a', ...six('')), {}],
    ['text-changes', heard('a', ...six('b')), {}],
    ['odd-audio', {}, { audioWarnings: ['It was cut short.'] }],
    ['not-the-provider-asked-for', {}, { provider: { ...onCpu, asked: ['cuda', 'cpu'], because: 'x was not found.' } }],
    ['not-the-provider-asked-for', { runs: [], cold: [], coldRuns: [] }, { provider: { ...onCpu, asked: ['cuda'], used: null, because: 'x was not found.' } }],
    ['provider-fell-back', {}, { provider: { ...onCpu, because: 'x was not found.' } }],
    ['noisy-machine', { coldLoad: { ...load, othersCpuMs: 900, waitedMs: 400 } }, {}],
    ['mostly-on-the-cpu', {}, { provider: { ...onCuda, placement: [placed('CPUExecutionProvider', 1199, 180), placed('CUDAExecutionProvider', 1)] } }],
    ['wrong-result', { agreement: { cosine: 0.9, finite: true, cpuWallMs: 900 } }, { provider: onCuda }],
    ['wrong-result', { agreement: { cosine: 0, finite: false, cpuWallMs: 900 } }, { provider: onCuda }],
    ['hardly-faster-than-cpu', { agreement: { cosine: 1, finite: true, cpuWallMs: 150 } }, { provider: onCuda }],
  ])('%s', (kind, m, s) => {
    expect(kinds(m, s)).toEqual([kind])
  })
  it('pressure that our own threads make, and a share of the quota that hardly bites, are no doubt', () => {
    expect(kinds({ load: { ...load, cpuPressure: 60 } })).toEqual([])
    expect(kinds({ load: { ...load, throttle: { periods: 100, throttled: 3, throttledMs: 20 } } })).toEqual([])
  })
  it('nodes on the CPU that take hardly any time, as the arithmetic of shapes does, are no doubt, nor are fewer than half', () => {
    expect(kinds({}, { provider: { ...onCuda, placement: [placed('CPUExecutionProvider', 700, 4), placed('CUDAExecutionProvider', 500)] } })).toEqual([])
    expect(kinds({}, { provider: { ...onCuda, placement: [placed('CPUExecutionProvider', 100, 90), placed('CUDAExecutionProvider', 500)] } })).toEqual([])
  })
  it('an empty transcript of silence is right', () => {
    expect(kinds(heard('', ...six('')), { silent: true })).toEqual([])
  })
})

describe('outputs beside each other', () => {
  it('cosine', () => {
    expect(cosine(Float32Array.of(1, 2, 3), Float32Array.of(2, 4, 6))).toBeCloseTo(1, 12)
    expect(cosine(Float32Array.of(1, 0), Float32Array.of(0, 1))).toBe(0)
    expect(cosine(Float32Array.of(NaN), Float32Array.of(1))).toBe(0)
    expect(cosine(Float32Array.of(1), Float32Array.of(1, 1))).toBe(0)
  })
})
