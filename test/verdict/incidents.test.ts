import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { assess } from '../../src/assess.ts'
import { caseOf } from '../../src/host/case.ts'
import { hostOf } from '../../src/host/host.ts'
import { replayed } from '../../src/host/replay.ts'
import { allChecks } from '../../src/load.ts'
import { textReport } from '../../src/report/text.ts'
import type { Hypothesis, Report } from '../../src/types.ts'
import { scanned } from '../log/scanned.ts'

const FIXTURES = new URL('../../fixtures/', import.meta.url)
const machine = (name: string) => caseOf(readFileSync(new URL(`${name}.md`, FIXTURES), 'utf8'))

/** The five incidents, only as far as their own text goes; what must not be said stands in the list of corrections made to them. */
const judged = (name: string): Promise<Report> => assess(hostOf(replayed(machine(name).answers)), { checks: allChecks(), allowed: new Set(), failOn: 'warning' })
const hypothesis = (report: Report, id: string): Hypothesis | undefined => report.hypotheses.find((each) => each.id === id)
const causes = (report: Report) => [...report.outcomes.values()].flatMap((outcome) => (outcome.status === 'found' ? outcome.findings.map(({ cause }) => cause) : []))
/** All that is asserted: causes, verdict and confirmed hypotheses, but not what is refuted. */
const asserted = (report: Report) => [...causes(report), report.verdict.because, ...report.hypotheses.filter(({ state }) => state === 'confirmed').map(({ claim }) => claim)].join('\n')

describe.each([['0', 'incident-0-half-a-cpu-and-no-text'], ['1', 'incident-1-a-status-report'], ['2', 'incident-2-embeddings-blamed'], ['3', 'incident-3-fast-fail-on-windows'], ['4', 'incident-4-offloaded-to-disk']])('incident %s', (number, name) => {
  it('holds what the doctor reads of the lines that its report quotes', () => {
    const answer = machine(name).answers.get(`digest log /incident/${number}.log`)
    expect(answer).toEqual({ value: scanned(readFileSync(new URL(`incidents/${number}.txt`, FIXTURES)), `/incident/${number}.log`) })
  })
})

describe('incident 0', () => {
  let report: Report
  beforeAll(async () => void (report = await judged('incident-0-half-a-cpu-and-no-text')))

  it('is first of all a recognition without text', () => {
    expect(causes(report)).toEqual(['The only recognition in the log gave no token at all, from 57 s of audio.'])
  })

  it('refutes LD_LIBRARY_PATH by the log itself: the arena was extended', () => {
    for (const id of ['library-path-hidden', 'provider-not-loaded', 'cpu-only-runtime']) {
      expect(hypothesis(report, id), id).toMatchObject({ state: 'refuted', evidence: [{ source: 'digest log /incident/0.log:4' }, { source: 'digest log /incident/0.log:6' }] })
    }
  })

  it('does not take allocated memory for work: T3, and not known', () => {
    expect(report.verdict).toMatchObject({ onGpu: null, tier: 'T3' })
    // 13:15:36.339 to 13:16:19 is 42.7 s; 911872 samples at 16 kHz are 57 s; 43.8 / 57 = 0.77.
    expect(report.verdict.because).toContain('44 s for 57 s of audio, 43 s of it in the encoder: RTF 0.77 (RTFx 1.30: faster than the audio runs)')
  })

  it('leaves int8 placement, throttling and swap open, each with what decides it', () => {
    for (const id of ['int8-placement', 'cpu-quota', 'memory-limit']) {
      expect(hypothesis(report, id), id).toMatchObject({ state: 'undetermined', decideBy: expect.stringContaining('asr-doctor check --unit swictation-daemon.service --user') })
    }
    expect(hypothesis(report, 'cpu-quota')).toMatchObject({ because: 'That is half of one CPU, on a machine with any number of them.', evidence: [{ saw: 'CPUQuotaPerSecUSec=500ms' }] })
    expect(report.hypotheses.filter(({ state }) => state === 'confirmed')).toEqual([])
  })

  it('says none of what must not be said', () => {
    const text = textReport(report, { width: 200, colour: false, detail: 'verbose' })
    expect(asserted(report)).not.toMatch(/LD_LIBRARY_PATH|hidden|slower than/i)
    expect(text).not.toMatch(/4 cores|16 cores|slower than the audio|regression|CUDA_HOME|TORCH_CUDA_ARCH_LIST|generic kernels|\d ?% ?(confidence|probab)/i)
  })
})

describe('incident 0 with the operators of an int8 encoder added', () => {
  it('confirms the placement, and only that', async () => {
    const report = await judged('incident-0-with-the-model')
    expect(report.hypotheses.filter(({ state }) => state === 'confirmed').map(({ id }) => id)).toEqual(['int8-placement'])
    expect(hypothesis(report, 'int8-placement')!.evidence[0]!.saw).toContain('MatMulInteger ×6, DynamicQuantizeLinear ×5, ConvInteger ×1')
    expect(hypothesis(report, 'library-path-hidden')).toMatchObject({ state: 'refuted' })
    expect(machine('incident-0-with-the-model').story).toContain('The report does not contain the operators of its model. They are added here')
  })
})

describe('incidents 1 and 2', () => {
  it.each([['incident-1-a-status-report', []], ['incident-2-embeddings-blamed', ['When the log says how busy the GPU was, it hardly worked (2 %), with 69.5 % of its memory taken. If work was under way, it waited for something else.']]])('%s: nothing is concluded from what decides nothing', async (name, said) => {
    const report = await judged(name)
    expect(causes(report)).toEqual(said)
    expect(report.hypotheses).toEqual([])
    expect(report.verdict).toEqual({ onGpu: null, tier: null, because: 'Nothing that was seen says where the work is done.' })
    expect(textReport(report, { width: 200, colour: false, detail: 'verbose' })).not.toMatch(/no leak|healthy \(|embedding|bottleneck|on the CPU/i)
  })
})

describe('incident 3', () => {
  it('is a missing DLL, a fail-fast end and a retry on the CPU', async () => {
    const report = await judged('incident-3-fast-fail-on-windows')
    expect(causes(report)).toEqual([
      'The program gave up on the GPU and does the work on the CPU.',
      'A process ended with 3221226505, a fail-fast abort: the program ended itself, and its last line on stderr says why; it is not an access violation.',
      'Windows did not find a DLL of cuDNN.',
    ])
    expect(report.verdict.onGpu).toBe(false)
    expect(textReport(report, { width: 200, colour: false, detail: 'verbose' })).not.toMatch(/Python 3\.13|__file__/)
  })
})

describe('incident 4', () => {
  it('is weights on the disk, and no advice to go to eight bits', async () => {
    const report = await judged('incident-4-offloaded-to-disk')
    expect(causes(report)).toEqual(['Some weights of the model were left on the disk and are fetched in every call.'])
    expect(hypothesis(report, 'offloaded-weights')).toMatchObject({ state: 'confirmed' })
    expect(textReport(report, { width: 200, colour: false, detail: 'normal' })).not.toMatch(/8-bit|\beight|int8/i)
  })
})
