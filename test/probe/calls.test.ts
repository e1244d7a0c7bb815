import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { call } from '../support/call.ts'
import { describeWith } from '../support/rig.ts'
import { CACHE } from '../support/wheels.ts'
import { folder, merged, pretending, probingMissing, PYTHON, SITES, standIns, venv, withEnv } from './sites.ts'

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

  type Outcomes = Record<string, { status: string; findings?: { severity: string; confidence: string; cause: string; evidence: { source: string; saw: string }[]; fixes: { then: string[] }[] }[] }>
  const judged = async (...target: readonly string[]): Promise<{ code: number; verdict: { onGpu: boolean | null; because: string }; outcomes: Outcomes; hypotheses: { id: string; state: string }[] }> => {
    // With a log of its own, as a unit has its journal: without one the checks of logs look at nothing.
    const log = join(folder, 'server.txt')
    writeFileSync(log, 'listening on port 9000\n')
    const { out, code } = await call(['check', ...target, ...(target[0] === '--pid' ? ['--log', log] : []), '--probe', '--only', 'ep', '--only', 'log', '--json'])
    return { code, ...JSON.parse(out) }
  }
  const found = (outcomes: Outcomes) => Object.entries(outcomes).flatMap(([id, { findings = [] }]) => findings.map(({ severity }) => `${severity} ${id}`))

  it('of the CPU wheel of sherpa-onnx tells in the verdict alone, where nobody asks for the GPU', async () => {
    const python = venv(merged('sherpa-onnx-2.0.1', SITES.sherpa(), SITES.sherpaCore()), SITES.numpy())
    const { code, outcomes, verdict } = await judged('--python', python)
    expect(found(outcomes)).toEqual([])
    expect(verdict.because).toContain('sherpa-onnx 2.0.1 was built without CUDA and takes the CPU in its place.')
    expect(code).not.toBe(1)
    const asking = await judged('--pid', await waiting(python, '--provider=cuda'))
    expect(asking.outcomes['ep/runtime-cpu-only']).toMatchObject({ status: 'found', findings: [{ severity: 'error', cause: 'Tried in its place, sherpa-onnx 2.0.1 was built without CUDA and takes the CPU in its place.', evidence: [{ saw: expect.stringContaining('Fallback to cpu') }] }] })
  })

  const fasterWhisper = () => venv(SITES.ctranslate2(), SITES.onnxruntime(), SITES.numpy())

  it('makes no errors of its own for engines that nobody asked for the GPU, and still tells what came of it', async () => {
    const { code, outcomes, verdict, hypotheses } = await judged('--pid', await waiting(fasterWhisper()))
    expect(found(outcomes)).toEqual([])
    expect(hypotheses.filter(({ state }) => state === 'confirmed')).toEqual([])
    expect(verdict.because).toContain('get_cuda_device_count() gives 0 (RuntimeError: CUDA failed with error CUDA driver version is insufficient for CUDA runtime version)')
    expect(code).toBe(0)
    const onnx = await judged('--pid', await waiting(venv(SITES.onnxruntime(), SITES.numpy())))
    expect(found(onnx.outcomes)).toEqual([])
    expect(onnx.verdict.because).toContain('session.get_providers() gives CPUExecutionProvider only')
    expect(onnx.code).toBe(0)
  })

  it('of CTranslate2 for CUDA: its own error, and not the onnxruntime beside it, which hears voices', async () => {
    const { code, outcomes, verdict, hypotheses } = await judged('--pid', await waiting(fasterWhisper(), '--device', 'cuda'))
    expect(found(outcomes)).toEqual(['error ep/fell-back-to-cpu', 'error log/gpu-error'])
    expect(outcomes['ep/fell-back-to-cpu']!.findings![0]!.cause).toContain('CTranslate2 4.6.0: get_cuda_device_count() gives 0')
    expect(JSON.stringify({ outcomes, verdict })).not.toMatch(/CUDAExecutionProvider|onnxruntime-gpu/)
    expect(hypotheses.find(({ id }) => id === 'cpu-only-runtime')?.state).not.toBe('confirmed')
    expect(code).toBe(1)
  })

  it('of onnxruntime for CUDA: the package for the CPU, with the line that says so', async () => {
    const { code, outcomes } = await judged('--pid', await waiting(venv(SITES.onnxruntime(), SITES.numpy()), '--provider=cuda'))
    expect(found(outcomes)).toContain('error ep/runtime-cpu-only')
    const [finding] = outcomes['ep/runtime-cpu-only']!.findings!
    expect(finding!.evidence).toEqual([{ source: expect.stringContaining('< asr-doctor-probe.py'), saw: expect.stringContaining("Specified provider 'CUDAExecutionProvider' is not in available provider names") }])
    expect(finding!.fixes[0]!.then).toEqual(['pip uninstall onnxruntime, then pip install onnxruntime-gpu'])
    expect(code).toBe(1)
  })

  it('a crash on the GPU that only the probe asked for is a note; one that the service asks for is an error', async () => {
    const site = SITES.onnxruntimeGpu22()
    const python = withEnv(venv(site, SITES.numpy()), { LD_LIBRARY_PATH: standIns(join(site, 'onnxruntime/capi/libonnxruntime_providers_cuda.so'), '1.22.0-without-driver', 'libcuda.so.1') })
    expect(found((await judged('--pid', await waiting(python))).outcomes)).toEqual(['info ep/probe-failed'])
    expect(found((await judged('--pid', await waiting(python, '--provider=cuda'))).outcomes)).toContain('error ep/probe-failed')
  })
})
