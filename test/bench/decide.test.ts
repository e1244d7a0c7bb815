import { describe, expect, it } from 'vitest'
import { decisionsOf, exitCodeOf, moreHelps } from '../../src/bench/decide.ts'
import { CannotMeasure } from '../../src/bench/engine.ts'
import { NOTHING, type Measured } from '../../src/bench/protocol.ts'
import { resultOf, type Setting } from '../../src/bench/result.ts'
import type { GpuLoad, Load, Provider } from '../../src/bench/types.ts'

const cpu: Provider = { asked: ['auto'], used: 'cpu', tier: 'cpu', because: null, how: null, placement: [] }
const cuda: Provider = { ...cpu, asked: ['cuda'], used: 'cuda', tier: 'gpu' }
const setting = (provider = cpu, change: Partial<Setting> = {}): Setting => ({
  version: '1', target: { kind: 'embedded', name: 'w', runtime: 'r', threads: null }, workload: 'fastconformer-s', audio: { seconds: 10, source: 's', form: 'f' }, audioWarnings: [], silent: false, provider, reference: null,
  machine: { os: 'Linux', arch: 'x64', cpu: 'A', logicalCores: 2, memoryBytes: 1, node: 'v20' }, ...change,
})
const load: Load = { spanMs: 10_000, targetCpuMs: 9000, othersCpuMs: 0, stealMs: 0, waitedMs: 0, involuntarySwitches: 0, peakMemoryBytes: null, throttle: null, cpuPressure: null }
const busy: Load = { ...load, othersCpuMs: 9000, waitedMs: 8000 }
const measured = (wallMs: number, change: Partial<Measured> = {}): Measured => ({
  ...NOTHING, cold: [1, 2, 3].map((n) => ({ loadMs: 1, firstMs: 2 * wallMs + n })), coldRuns: [], warmUp: { runs: [], steady: true }, load, coldLoad: load,
  runs: Array.from({ length: 10 }, (_, i) => ({ run: { wallMs: wallMs + i / 10, cpuMs: wallMs, phases: [], text: null }, calibration: { wallMs: 10, cpuMs: 10 } })),
  placement: [{ provider: 'CPUExecutionProvider', nodes: 9, timeMs: 9 }], ...change,
})
const none = { result: null, reference: null }
const before = (provider = cpu, wallMs = 100) => ({ result: resultOf(measured(wallMs), setting(provider), []), reference: null })
const states = (...args: Parameters<typeof decisionsOf>) => decisionsOf(...args).map(({ rule, state }) => `${rule} ${state}`)
const gpu = { index: 0, name: 'Tesla T4', utilization: 99, utilizationBefore: 87, othersBefore: ['4711, python3'], reasons: {}, samplesAtWork: 20 } as unknown as GpuLoad

describe('a baseline', () => {
  const regression = { provider: [], baseline: 'main.json', maxRegression: 0.1 }
  it('is compared with', () => {
    expect(states(measured(100), setting(), true, regression, before())).toEqual(['--max-regression pass'])
    expect(states(measured(130), setting(), true, regression, before())).toEqual(['--max-regression fail'])
  })
  it('from CUDA, when CUDA was asked for and the CPU did the work: exit 5 with the reason, and not that the two differ', () => {
    const fellBack: Provider = { ...cpu, asked: ['cuda', 'cpu'], because: 'libcublasLt.so.12 was not found.' }
    const decisions = decisionsOf(measured(900), setting(fellBack), true, regression, before(cuda))
    expect(decisions).toEqual([{ rule: '--max-regression', state: 'inconclusive', because: 'Nothing was compared with the baseline, since the work was not done on cuda.' }])
    const result = resultOf(measured(900), setting(fellBack), decisions)
    expect(exitCodeOf(result)).toBe(5)
    expect(result.doubts.map(({ because }) => because).join()).toContain('libcublasLt.so.12')
    expect(moreHelps(decisions, 'runs', setting(fellBack))).toBe(false)
  })
  it('of another provider is refused, and why a faster one was not used is not lost', () => {
    expect(() => decisionsOf(measured(100), setting(), true, regression, before(cuda))).toThrow(/the provider is cpu and was cuda\.$/)
    const fellBack: Provider = { ...cpu, because: 'libcudnn.so.9 was not found.' }
    expect(() => decisionsOf(measured(100), setting(fellBack), true, regression, before({ ...cuda, asked: ['auto'] }))).toThrow(/was cuda\. A faster provider is installed and was not used: libcudnn\.so\.9 was not found\.$/)
  })
  it('is not held against runs without a yardstick until forty of them are there', () => {
    const bare = measured(100)
    expect(() => decisionsOf({ ...bare, runs: bare.runs.map(({ run }) => ({ run, calibration: null })) }, setting(), true, regression, before())).toThrow(CannotMeasure)
  })
})

describe('who was in the way', () => {
  it('another process on the GPU is: what is slow there is not failed for it', () => {
    const limit = { provider: [], maxRtf: 0.001 }
    expect(states(measured(100), setting(cuda), true, limit, none)).toEqual(['--max-rtf fail'])
    expect(states(measured(100, { gpus: [gpu] }), setting(cuda), true, limit, none)).toEqual(['--max-rtf inconclusive'])
    expect(states(measured(100, { gpus: [gpu] }), setting(cpu), true, limit, none)).toEqual(['--max-rtf fail'])
  })
  it('during the cold starts counts for the first run, and not for the warm ones', () => {
    const limits = { provider: [], maxRtf: 0.001, maxFirstMs: 10 }
    expect(states(measured(100), setting(), true, limits, none)).toEqual(['--max-rtf fail', '--max-first-ms fail'])
    expect(states(measured(100, { coldLoad: busy }), setting(), true, limits, none)).toEqual(['--max-rtf fail', '--max-first-ms inconclusive'])
    expect(states(measured(100, { load: busy }), setting(), true, limits, none)).toEqual(['--max-rtf inconclusive', '--max-first-ms fail'])
  })
})

describe('what more of may settle it', () => {
  const limit = { provider: [], maxFirstMs: 202 }
  const command = setting({ ...cpu, asked: [], used: null, tier: null }, { target: { kind: 'command', name: 'c', runtime: null, threads: null } })
  it('a first run needs fresh processes', () => {
    const decisions = decisionsOf(measured(100), setting(), true, limit, none)
    expect(decisions).toMatchObject([{ rule: '--max-first-ms', state: 'inconclusive' }])
    expect([moreHelps(decisions, 'launches', setting()), moreHelps(decisions, 'runs', setting())]).toEqual([true, false])
  })
  it('each run of a command is one', () => {
    const one = { ...measured(100), cold: [{ loadMs: null, firstMs: 100 }] }
    expect(decisionsOf({ ...one, runs: [] }, command, false, limit, none)).toMatchObject([{ state: 'inconclusive', because: expect.stringContaining('in 1 fresh process; 3 are needed') }])
    expect(moreHelps(decisionsOf({ ...one, runs: [] }, command, false, limit, none), 'runs', command)).toBe(true)
    expect(decisionsOf(one, command, false, limit, none)).toMatchObject([{ state: 'pass', because: expect.stringContaining('The median first run of 11 fresh processes') }])
  })
})

describe('the exit code', () => {
  it.each<[string, Measured, Provider, number]>([
    ['a measurement without a limit', measured(100), cpu, 0],
    ['nothing ran', NOTHING, cpu, 4],
    ['nothing ran where nothing was named', NOTHING, { ...cpu, used: null, tier: null, because: 'x was not found.' }, 4],
    ['nothing ran on what was named', NOTHING, { ...cuda, used: null, tier: null, because: 'x was not found.' }, 5],
    ['another one ran', measured(100), { ...cpu, asked: ['cuda'] }, 5],
    ['interrupted', { ...NOTHING, interrupted: true }, { ...cpu, asked: ['cuda'] }, 130],
  ])('%s', (_, of, provider, code) => {
    expect(exitCodeOf(resultOf(of, setting(provider), []))).toBe(code)
  })
})
