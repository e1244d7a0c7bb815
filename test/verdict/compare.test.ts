import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { compared, type Side } from '../../src/compare.ts'
import type { Finding, Outcome } from '../../src/types.ts'
import { call } from '../support/call.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url))
const compare = (a: string, b: string, ...more: string[]) => call(['compare', `${FIXTURES}${a}.md`, `${FIXTURES}${b}.md`, ...more])

describe('compare', () => {
  it('a case with itself is the same', async () => {
    for (const name of ['incident-0-half-a-cpu-and-no-text', 'cublas-missing-for-onnxruntime', 'healthy-fp32-model']) {
      expect(await compare(name, name), name).toMatchObject({ code: 0, err: '' })
    }
  })

  it('what a finding explains comes first, and where the work is done next', async () => {
    const { code, out } = await compare('int8-nodes-in-a-verbose-log', 'fp32-nodes-in-a-verbose-log', '--json')
    expect(code).toBe(1)
    const { differences } = JSON.parse(out)
    expect(differences.map(({ about }: { about: string }) => about)).toEqual(['ep/int8-on-cuda', 'on the GPU'])
    expect(differences[1]).toMatchObject({ a: 'not known (T4)', b: 'yes (T4)' })
  })

  it('what one side does not show is no difference, and is said', async () => {
    const { code, out } = await compare('incident-0-half-a-cpu-and-no-text', 'incident-0-with-the-model')
    expect(code).toBe(0)
    expect(out).toContain('No difference that can matter at run time was seen, as far as both could be seen.')
    expect(out).toMatch(/Could not be compared\n(.*\n)*  The models of .*incident-0-half-a-cpu-and-no-text\.md: The incident report 0 does not say\./)
  })

  it('models differ by how they are quantised', async () => {
    const { code, out } = await compare('healthy-fp32-model', 'front-end-without-a-kernel')
    expect(code).toBe(1)
    expect(out).toContain('model encoder.onnx\n  A not quantised, 29 nodes\n  B not there')
  })

  it('a machine that was not seen is said to be uncompared', async () => {
    const { out } = await compare('driver-whole', 'incident-0-half-a-cpu-and-no-text', '--json')
    const { unseen } = JSON.parse(out)
    expect(unseen.join('\n')).toMatch(/^The driver of .*incident-0-half-a-cpu-and-no-text\.md: /m)
  })

  it('drivers differ by their release', async () => {
    const { code, out } = await compare('driver-whole', 'driver-upgraded-not-rebooted', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out).differences.map(({ about }: { about: string }) => about)).toEqual(expect.arrayContaining(['driver libcuda.so.1']))
  })

  it.each([[['compare', 'nothing.md', 'shell'], /no such file/], [['compare', `${FIXTURES}incidents/0.txt`, 'shell'], /not a case/], [['compare', 'shell'], /missing required argument/]])('%j is a wrong call', async (args, words) => {
    const { code, err } = await call(args)
    expect(code).toBe(2)
    expect(err).toMatch(words)
  })
})

describe('what two examinations found', () => {
  const found = (severity: Finding['severity'], ...causes: string[]): Outcome => ({ status: 'found', findings: causes.map((cause) => ({ severity, confidence: 'certain', cause, evidence: [{ source: 'x', saw: 'y' }], fixes: [] })) })
  const passed: Outcome = { status: 'passed' }
  const nothing = { known: false, because: 'It is not known.', how: null } as const
  const side = (name: string, outcomes: Readonly<Record<string, Outcome>>): Side => ({
    name, platform: 'linux x64', env: nothing, driver: nothing, cards: nothing, engines: nothing, limits: nothing, models: nothing,
    report: { target: { kind: 'unit', name, scope: 'system' }, outcomes: new Map(Object.entries(outcomes)), verdict: { onGpu: null, tier: null, because: '' } } as never,
  })
  const rows = (a: Readonly<Record<string, Outcome>>, b: Readonly<Record<string, Outcome>>) => compared(side('a.service', a), side('b.service', b))

  it('stands in the order of how grave it is, and what only one has comes first', () => {
    const a = { 'x/info': found('info', 'i'), 'x/warning': found('warning', 'w'), 'x/both': found('error', 'libcublas is missing'), 'x/error': passed, 'x/late': found('warning', 'v') }
    const b = { 'x/info': passed, 'x/warning': passed, 'x/both': found('error', 'libcudnn is missing'), 'x/error': found('error', 'e'), 'x/late': found('warning', 'u') }
    expect(rows(a, b).differences.map(({ about }) => about)).toEqual(['x/error', 'x/both', 'x/warning', 'x/late', 'x/info'])
  })

  it('by one check for another cause is a difference; under another name it is none', () => {
    expect(rows({ 'x/y': found('error', 'libcublas is missing') }, { 'x/y': found('error', 'libcudnn is missing') }).differences).toEqual([{ about: 'x/y', a: 'libcublas is missing', b: 'libcudnn is missing', because: 'Found on both sides, and not the same.' }])
    expect(rows({ 'x/y': found('error', 'a.service is held back.', 'p') }, { 'x/y': found('error', 'b.service is held back.', 'p') }).differences).toEqual([])
    expect(rows({ 'x/y': found('error', 'p', 'q') }, { 'x/y': found('error', 'p') }).differences).toMatchObject([{ a: 'q', b: 'p' }])
  })

  it('and could not be judged on the other side is no difference, and is said', () => {
    const { differences, unseen } = rows({ 'x/y': found('error', 'p') }, { 'x/y': { status: 'unknown', because: 'It may not be read.', how: null } })
    expect(differences).toEqual([])
    expect(unseen).toContain('x/y of b.service: It may not be read.')
  })
})
