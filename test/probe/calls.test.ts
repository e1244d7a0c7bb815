import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { call } from '../support/call.ts'
import { describeWith } from '../support/rig.ts'
import { CACHE } from '../support/wheels.ts'
import { folder, merged, pretending, probingMissing, PYTHON, SITES, venv } from './sites.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('--probe where it makes no sense is one clear line and exit code 2', () => {
  it.each<[string, string[], RegExp]>([
    ['without a target', ['check', '--probe'], /--unit, --pid or --python/],
    ['with a library', ['check', '--probe', '--library', '/x.so'], /not with --library/],
    ['with files alone', ['check', '--probe', '--model', '/x.onnx'], /--unit, --pid or --python/],
    ['with a case', ['check', '--probe', '--replay', 'x.md'], /what the case recorded.*leave --probe out/],
    ['with everything', ['check', '--probe', '--all'], /name it with --unit or --pid/],
    ['recording nothing', ['record', '--probe'], /--unit, --pid or --python/],
    ['with another command', ['fix', '--probe', '--pid', '1'], /--probe/],
  ])('%s', async (_, argv, words) => {
    const { code, out, err } = await call(argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^asr-doctor: [^\n]+\n$/)
    expect(err).toMatch(words)
  })

  it('and nobody who does not ask for it gets it', async () => {
    const { out } = await call(['check', '--python', PYTHON ?? '/usr/bin/python3', '--only', 'ep', '--json'])
    expect(JSON.parse(out).outcomes['ep/probe-failed']).toEqual({ status: 'not-applicable', because: 'Nobody asked for a live probe (--probe).' })
  })
})

/** A Whisper in CTranslate2's own format, tiny and of random weights. */
function whisper(): string {
  const model = join(CACHE, 'ctranslate2-4.6.0-whisper')
  if (existsSync(join(model, 'model.bin'))) return model
  const site = join(folder, 'tokenizers')
  execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', site, 'tokenizers==0.21.4'], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 })
  mkdirSync(model, { recursive: true })
  execFileSync(PYTHON!, [fileURLToPath(new URL('../rigs/tiny-models/ctranslate2_whisper.py', import.meta.url)), model], { env: { ...process.env, PYTHONPATH: `${SITES.ctranslate2()}:${SITES.numpy()}:${site}` }, stdio: ['ignore', 'ignore', 'inherit'] })
  return model
}

describeWith('--probe of a process', probingMissing(), () => {
  /** A process of this Python that waits, with these words on its command line. */
  async function waiting(python: string, ...words: string[]): Promise<string> {
    const program = join(folder, 'server.py')
    writeFileSync(program, 'import sys, time\nsys.stdout.write("ready")\nsys.stdout.flush()\ntime.sleep(600)\n')
    const child = spawn(python, [program, ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
    children.push(child)
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    return String(child.pid)
  }

  it('takes the service’s own model, on the device it asks for, and gives it a second of audio', async () => {
    const pid = await waiting(venv(SITES.ctranslate2(), SITES.numpy()), '--device', 'cpu', '--model', whisper())
    const { out, code } = await call(['check', '--pid', pid, '--probe', '--only', 'ep', '--json'])
    const { verdict, outcomes } = JSON.parse(out)
    expect(verdict).toEqual({ onGpu: null, tier: 'T0', because: 'The CPU is asked for; nothing seen says where the work is done. Tried in its place (its environment, user and files, but not its cgroup). CTranslate2 4.6.0 was tried on the CPU, which is what it is asked for.' })
    expect(outcomes['ep/probe-failed']).toEqual({ status: 'passed' })
    expect(outcomes['ep/fell-back-to-cpu'].status).toBe('not-applicable')
    expect(code).toBe(0)
  })

  it('of CTranslate2 without a driver: the native reason; recorded and judged again it is the same', async () => {
    const pid = await waiting(venv(SITES.ctranslate2(), SITES.numpy()), '--device', 'cuda', '--model', whisper())
    const live = JSON.parse((await call(['check', '--pid', pid, '--probe', '--only', 'ep', '--json'])).out)
    expect(live.outcomes['ep/fell-back-to-cpu']).toMatchObject({ status: 'found', findings: [{ severity: 'error', confidence: 'likely', cause: 'Tried in its place, CTranslate2 4.6.0: get_cuda_device_count() gives 0 (RuntimeError: CUDA failed with error CUDA driver version is insufficient for CUDA runtime version).' }] })
    const file = join(folder, 'case.md')
    expect((await call(['record', '--pid', pid, '--probe', '--output', file])).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain('< asr-doctor-probe.py')
    const again = JSON.parse((await call(['check', '--replay', file, '--only', 'ep', '--json'])).out)
    expect(again.verdict).toEqual(live.verdict)
    expect(Object.fromEntries(Object.entries<{ status: string }>(again.outcomes).map(([id, { status }]) => [id, status]))).toEqual(Object.fromEntries(Object.entries<{ status: string }>(live.outcomes).map(([id, { status }]) => [id, status])))
  })

  it('ends when --timeout says so, and says what it waited for', async () => {
    const hang = pretending('onnxruntime', 'import time\ntime.sleep(1000)\n')
    const pid = await waiting(venv(hang))
    const start = Date.now()
    const { out } = await call(['check', '--pid', pid, '--probe', '--timeout', '8', '--only', 'ep/probe-failed', '--json'])
    expect(Date.now() - start).toBeLessThan(8300)
    expect(JSON.parse(out).outcomes['ep/probe-failed']).toMatchObject({ status: 'found', findings: [{ cause: 'Tried in its place, ONNX Runtime did not come back from “import onnxruntime” in time.' }] })
  })

  it('of an interpreter that floods its own start is stopped', async () => {
    const python = venv()
    writeFileSync(join(python, '../../lib/python3.11/site-packages/sitecustomize.py'), 'import os\nfor _ in range(40):\n    os.write(1, b"x" * 1000000)\n')
    const { out } = await call(['check', '--python', python, '--probe', '--only', 'ep/probe-failed', '--json'])
    expect(JSON.parse(out).outcomes['ep/probe-failed']).toMatchObject({ status: 'unknown', because: expect.stringContaining('printed more than 16 MiB') })
  })

  it('of an interpreter without an engine is not health', async () => {
    const { out, code } = await call(['check', '--python', venv(), '--probe', '--only', 'ep/probe-failed', '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(out).outcomes['ep/probe-failed']).toMatchObject({ status: 'unknown', because: expect.stringMatching(/^No engine that can be tried is installed/) })
  })

  it('of the CPU wheel of sherpa-onnx that nobody asks for the GPU is a note', async () => {
    const { out, code } = await call(['check', '--python', venv(merged('sherpa-onnx-2.0.1', SITES.sherpa(), SITES.sherpaCore()), SITES.numpy()), '--probe', '--only', 'ep', '--json'])
    expect(JSON.parse(out).outcomes['ep/runtime-cpu-only']).toMatchObject({ status: 'found', findings: [{ severity: 'info', cause: 'Tried in its place, sherpa-onnx 2.0.1 was built without CUDA and takes the CPU in its place.' }] })
    expect(code).toBe(0)
  })
})
