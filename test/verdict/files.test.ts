import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { call } from '../support/call.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-files-'))
afterAll(() => rmSync(folder, { recursive: true }))
const json = async (...args: string[]) => JSON.parse((await call(['check', '--json', ...args])).out)

describe('files given on the command line', () => {
  it('a log alone is judged for itself, and nothing is asked of this machine', async () => {
    const report = await json('--log', `${FIXTURES}logs/onnxruntime-gpu-1.23.2-no-cuda-libraries.txt`)
    expect(Object.keys(report.outcomes).every((id) => /^(ep|log)\//.test(id))).toBe(true)
    expect(report.verdict).toMatchObject({ onGpu: false, tier: 'T2' })
    expect(report.hypotheses.find(({ id }: { id: string }) => id === 'provider-not-loaded')).toMatchObject({ state: 'confirmed' })
    expect(report.summary.exitCode).toBe(1)
  })

  it('log, profile and model together make one verdict', async () => {
    const report = await json('--profile', `${FIXTURES}profiles/cuda-1.23.2.json`, '--model', `${FIXTURES}models/joiner.dynamic-u8.int8.onnx`, '--log', `${FIXTURES}incidents/0.txt`)
    expect(report.verdict).toMatchObject({ onGpu: null, tier: 'T4' })
    expect(report.verdict.because).toContain('13 nodes on the GPU and 6 on the CPU')
    expect(report.outcomes['ep/int8-on-cuda'].status).toBe('found')
    expect(report.outcomes['log/empty-transcript'].status).toBe('found')
  })

  it('fp32 models and silent logs exit 0 with a plain word', async () => {
    writeFileSync(join(folder, 'quiet.log'), 'listening on 9000\n')
    const { code, out } = await call(['check', '--log', join(folder, 'quiet.log'), '--model', `${FIXTURES}models/encoder.onnx`])
    expect(code).toBe(0)
    expect(out).toContain('nothing in them that is known here points to a fault')
    expect(out).not.toContain('On the GPU')
  })

  it.each([
    [['--log', '/nowhere.log'], /there is no such file/],
    [['--model', FIXTURES], /no regular file/],
    [['--python', '/usr/bin/python3', '--log', `${FIXTURES}incidents/0.txt`], /leave --python out|there is no such file/],
    [['--replay', `${FIXTURES}incident-4-offloaded-to-disk.md`, '--log', 'x'], /leave the other target out/],
  ])('%j is a wrong call', async (args, words) => {
    const { code, err } = await call(['check', ...args])
    expect(code).toBe(2)
    expect(err).toMatch(words)
  })
})
