import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { judgedProbe } from '../../src/probe/judge.ts'
import { probeModel } from '../../src/probe/model.ts'
import { NVML } from '../../src/probe/nvml.ts'
import { probeOf } from '../../src/probe/read.ts'
import { probeScript } from '../../src/probe/script.ts'
import { PROLOGUE } from '../../src/facts/python-reply.ts'
import { pythons } from '../python/wheels.ts'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'
import { folder, merged, nvml, pretending, probed, probingMissing, PYTHON, SITES, standIns, venv, withEnv } from './sites.ts'

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Takes CUDA, and computes there with the one network or with the other. */
const BUSY = `import os, time, numpy
__version__ = '1.23.2'
class SessionOptions: pass
class RunOptions: pass
def get_available_providers(): return ['CUDAExecutionProvider', 'CPUExecutionProvider']
class InferenceSession:
    def __init__(self, model, options, providers):
        self.which = 'own' if isinstance(model, str) else 'small'
        os.write(2, b'x [V:onnxruntime:, session_state.cc:1263 y]  All nodes placed on [CUDAExecutionProvider]. Number of nodes: 3\\n')
    def disable_fallback(self): pass
    def get_providers(self): return get_available_providers()
    def get_inputs(self): return []
    def run(self, *given):
        flag = os.environ['BUSY_WHILE']
        if self.which == os.environ['BUSY']:
            open(flag, 'w').close()
        elif os.path.exists(flag):
            os.remove(flag)
        time.sleep(0.02)
        return [numpy.full((1, 8, 16), 2352.0, 'float32')]
`

const only = <T>(of: readonly T[]): T => {
  expect(of).toHaveLength(1)
  return of[0]!
}

describeWith('an engine tried by a real interpreter', probingMissing(), () => {
  it('onnxruntime, the package for the CPU: it has no CUDA in it, and the network gives the numbers it must', async () => {
    const { reading, verdicts } = await probed(venv(SITES.onnxruntime(), SITES.numpy()))
    const engine = only(reading.engines)
    expect(engine).toMatchObject({ engine: 'onnxruntime', version: '1.30.0', end: 'answered', available: ['AzureExecutionProvider', 'CPUExecutionProvider'] })
    expect(engine.sessions).toMatchObject([{ model: null, got: ['CPUExecutionProvider'], right: true, runs: 1, placed: [{ provider: 'CPUExecutionProvider', nodes: expect.any(Number) }] }])
    expect(engine.said[0]).toContain("Specified provider 'CUDAExecutionProvider' is not in available provider names")
    expect(only(verdicts)).toMatchObject({ shown: 'cpu', tier: 'T4', cpuOnly: true })
  })

  it('onnxruntime-gpu without CUDA’s libraries: the native reason, and what the session really got', async () => {
    const { reading, verdicts } = await probed(venv(SITES.onnxruntimeGpu()))
    const engine = only(reading.engines)
    expect(engine.available).toContain('CUDAExecutionProvider')
    expect(engine.sessions).toMatchObject([{ got: ['CPUExecutionProvider'] }])
    expect(engine.said[0]).toMatch(/Failed to load library libonnxruntime_providers_cuda\.so with error: libcublasLt\.so\.12: cannot open shared object file/)
    expect(only(verdicts)).toMatchObject({ shown: 'cpu', cpuOnly: false, because: 'ONNX Runtime 1.23.2: asked for CUDAExecutionProvider, CPUExecutionProvider, session.get_providers() gives CPUExecutionProvider only, although get_available_providers() names CUDA.' })
  })

  it('onnxruntime-gpu 1.22 with CUDA’s libraries and no driver dies, and the others are tried all the same', async () => {
    const site = SITES.onnxruntimeGpu22()
    const libraries = standIns(join(site, 'onnxruntime/capi/libonnxruntime_providers_cuda.so'), '1.22.0-without-driver', 'libcuda.so.1')
    const { reading, verdicts } = await probed(withEnv(venv(site, SITES.ctranslate2(), SITES.numpy()), { LD_LIBRARY_PATH: libraries }))
    expect(reading.engines[0]).toMatchObject({ engine: 'onnxruntime', version: '1.22.0', end: 'SIGSEGV', step: 'a session with CUDAExecutionProvider, CPUExecutionProvider on the built-in network' })
    expect(verdicts[0]).toMatchObject({ shown: 'broken', because: 'ONNX Runtime 1.22.0 died of SIGSEGV in a session with CUDAExecutionProvider, CPUExecutionProvider on the built-in network.' })
    expect(reading.engines[1]).toMatchObject({ engine: 'ctranslate2', end: 'answered', devices: 0, error: 'RuntimeError: CUDA failed with error CUDA driver version is insufficient for CUDA runtime version' })
    expect(verdicts[1]).toMatchObject({ shown: 'cpu', tier: 'T2', cpuOnly: false })
  })

  it('sherpa-onnx and whisper.cpp as PyPI has them say that they have no CUDA', async () => {
    const { reading, verdicts } = await probed(venv(merged('sherpa-onnx-2.0.1', SITES.sherpa(), SITES.sherpaCore()), SITES.whisperCpp(), SITES.numpy()))
    expect(reading.engines.map(({ engine }) => engine)).toEqual(['sherpa-onnx', 'whisper.cpp'])
    expect(reading.engines[0]!.said[0]).toMatch(/Available providers: CPUExecutionProvider, \. Fallback to cpu!$/)
    expect(verdicts).toMatchObject([{ shown: 'cpu', cpuOnly: true }, { shown: 'cpu', cpuOnly: true, because: expect.stringMatching(/built without any GPU backend: WHISPER : COREML = 0/) }])
  })

  it('over libraries in place of CUDA’s: where the nodes go, that a run fails, and GPU time as NVML tells it', async () => {
    const site = SITES.onnxruntimeGpu()
    const libraries = standIns(join(site, 'onnxruntime/capi/libonnxruntime_providers_cuda.so'), '1.23.2')
    const { reading, verdicts } = await probed(withEnv(venv(site), { LD_LIBRARY_PATH: `${libraries}:${nvml()}` }))
    const engine = only(reading.engines)
    // Python would go on with the CPU without an error (InferenceSession.run); get_providers() before the run does not show it.
    expect(engine.sessions).toMatchObject([{ model: null, got: ['CUDAExecutionProvider', 'CPUExecutionProvider'], placed: [{ provider: 'CUDAExecutionProvider', nodes: 3 }], runs: null, runError: expect.stringContaining('while running Conv node') }])
    expect(only(verdicts)).toMatchObject({ shown: 'broken', tier: 'T4', because: expect.stringContaining('placed with 3 nodes on the GPU and none on the CPU, and the run failed: EPFail') })
    expect(reading.driver).toBe('580.65.06')
    expect(engine.gpus).toMatchObject([{ name: 'stand-in', seen: true, ownSm: 83, ownMemoryBytes: 456 * 2 ** 20, allSm: 97, smClockMhz: [210, 1410], throttle: 5 }])
  })

  it('a GPU with hardly any memory left is left alone; NVML that fails is no error', async () => {
    const python = venv(SITES.ctranslate2(), SITES.numpy())
    expect((await probed(withEnv(python, { LD_LIBRARY_PATH: nvml(), ANSWERS: 'full' }))).reading).toMatchObject({ spared: 'only 100 MiB of GPU memory are free, and a probe could take them from the service', engines: [] })
    expect((await probed(withEnv(python, { LD_LIBRARY_PATH: nvml(), ANSWERS: 'broken' }))).reading).toMatchObject({ spared: null, noNvml: 'nvmlInit_v2 answered 18', engines: [{ engine: 'ctranslate2', gpus: [] }] })
    expect((await probed(withEnv(python, { LD_LIBRARY_PATH: nvml(), ANSWERS: 'idle' }))).reading.engines[0]!.gpus).toMatchObject([{ seen: false, ownSm: null, allSm: 97 }])
    // A number that computed before the child was there is not the child.
    expect((await probed(withEnv(python, { LD_LIBRARY_PATH: nvml(), ANSWERS: 'stranger' }))).reading.engines[0]!.gpus).toMatchObject([{ seen: false, ownSm: null, allSm: 97 }])
  })

  it('of two GPUs it is the one that a program takes by itself which must have room', async () => {
    const python = venv(SITES.ctranslate2(), SITES.numpy())
    const spared = async (env: Record<string, string>) => (await probed(withEnv(python, { LD_LIBRARY_PATH: nvml(), ANSWERS: 'two', ...env }))).reading.spared
    for (const env of [{}, { CUDA_VISIBLE_DEVICES: '0' }, { CUDA_VISIBLE_DEVICES: 'GPU-a' }, { CUDA_VISIBLE_DEVICES: '0,1' }]) expect(await spared(env), JSON.stringify(env)).toContain('only 100 MiB')
    for (const env of [{ CUDA_VISIBLE_DEVICES: '1' }, { CUDA_VISIBLE_DEVICES: 'GPU-b' }, { CUDA_VISIBLE_DEVICES: '1,0' }]) expect(await spared(env), JSON.stringify(env)).toBeNull()
  }, 60_000)

  it('work of the built-in network is not taken for work of the service’s own model', () => {
    const site = pretending('onnxruntime', BUSY)
    const flag = join(folder, 'busy')
    const model = fileURLToPath(new URL('../../fixtures/models/encoder.onnx', import.meta.url))
    const judged = (busy: 'small' | 'own') => {
      const out = execFileSync(venv(site, SITES.numpy()), ['-B', '-', '', 'gpu', 'onnxruntime', `onnx:${model}`], { input: PROLOGUE + probeScript(probeModel(), 60), encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LD_LIBRARY_PATH: nvml(), BUSY_WHILE: flag, BUSY: busy } })
      return only(judgedProbe(probeOf(JSON.parse(out.slice(out.indexOf('>') + 1, out.lastIndexOf('<asr'))))!))
    }
    expect(judged('small')).toMatchObject({ shown: 'own', tier: 'T4', because: expect.not.stringContaining('NVML saw') })
    expect(judged('own')).toMatchObject({ shown: 'own', tier: 'T5', because: expect.stringContaining('NVML saw it use up to 83 % of the SMs') })
  }, 60_000)

  it('an import that hangs leaves time for the others, and nothing behind', async () => {
    const site = pretending('onnxruntime', 'import os, subprocess, time\nsubprocess.Popen(["sleep", "987654"])\ntime.sleep(1000)\n')
    const { reading, verdicts } = await probed(venv(site, SITES.ctranslate2(), SITES.numpy()), 9)
    expect(reading.engines).toMatchObject([{ engine: 'onnxruntime', end: 'late', step: 'import onnxruntime' }, { engine: 'ctranslate2', end: 'answered' }])
    expect(verdicts[0]).toMatchObject({ shown: 'broken', because: 'ONNX Runtime did not come back from “import onnxruntime” in time.' })
    expect(spawnSync('pgrep', ['-f', 'sleep 987654'], { encoding: 'utf8' }).stdout).toBe('')
  }, 30_000)

  it('what an import leaves behind in a session of its own is ended with it', async () => {
    const site = pretending('onnxruntime', 'import subprocess\nsubprocess.Popen(["sleep", "987655"], start_new_session=True)\nraise ImportError("no")\n')
    const { reading } = await probed(venv(site))
    expect(reading.engines).toMatchObject([{ engine: 'onnxruntime', end: 'answered' }])
    expect(spawnSync('pgrep', ['-f', 'sleep 987655'], { encoding: 'utf8' }).stdout).toBe('')
  }, 30_000)

  it('an engine that crashes leaves no dump: its limit is 1, at which the kernel starts no handler either', async () => {
    const site = pretending('onnxruntime', 'import resource\nraise ImportError("core %d %d" % resource.getrlimit(resource.RLIMIT_CORE))\n')
    const { reading } = await probed(venv(site))
    expect(reading.engines[0]!.error).toMatch(/core ([01]) \1$/)
  }, 30_000)

  it('a mark that an engine prints is none of ours', async () => {
    const site = pretending('onnxruntime', 'for at in range(20000):\n    print("=====asr-doctor session %d" % at)\nraise ImportError("no")\n')
    const { reading } = await probed(venv(site))
    expect(reading.engines).toMatchObject([{ engine: 'onnxruntime', end: 'answered', error: 'ImportError: no' }])
  }, 30_000)

  it('a flood of output is read to its end and not kept; an exit is told', async () => {
    const flood = pretending('onnxruntime', 'import os, sys\nfor _ in range(200):\n    os.write(1, b"x" * 1000000 + b"\\n")\n    os.write(2, b"[E:onnxruntime:] y\\n" * 1000)\nos._exit(3)\n')
    const { reading } = await probed(venv(flood))
    expect(reading.engines).toMatchObject([{ engine: 'onnxruntime', end: 'exit 3', step: 'import onnxruntime' }])
    expect(reading.engines[0]!.said.length).toBeLessThanOrEqual(40)
    expect(Math.max(...reading.engines[0]!.said.map((line) => line.length))).toBeLessThanOrEqual(1200)
  }, 60_000)

  it.each(pythons.map(({ path, minor }) => [minor, path] as const))('Python 3.%i without any engine answers that there is none', async (_, python) => {
    expect((await probed(python)).reading.engines).toEqual([])
  })

  it('input made up from nothing but names and shapes runs nearly all models of the field', () => {
    const field = fileURLToPath(new URL('../../fixtures/models/field/', import.meta.url))
    const models = readdirSync(field).filter((name) => name.endsWith('.onnx.gz')).map((name) => {
      const model = join(folder, name.slice(0, -'.gz'.length))
      writeFileSync(model, gunzipSync(readFileSync(join(field, name))))
      return model
    })
    const script = PROLOGUE + probeScript(probeModel(), 60)
    const out = execFileSync(venv(SITES.onnxruntime(), SITES.numpy()), ['-B', '-', '', 'cpu', 'onnxruntime', ...models.map((model) => `onnx:${model}`)], { input: script, encoding: 'utf8', maxBuffer: 16 << 20 })
    const sessions = probeOf(JSON.parse(out.slice(out.indexOf('>') + 1, out.lastIndexOf('<asr'))))!.engines[0]!.sessions!.slice(1)
    expect(sessions).toHaveLength(models.length)
    expect(sessions.filter(({ error }) => error !== null)).toEqual([])
    // Exports that hold on to the length they were traced with, or want lengths that fit together.
    expect(sessions.filter(({ runs }) => runs === null).map(({ model }) => basename(model!)).sort()).toEqual(['optimum-moonshine-encoder.onnx', 'torch-script-conformer.dynamic-u8.int8.onnx', 'torch-script-conformer.onnx'])
  }, 120_000)

  it('the structures are those of nvml.h, as NVIDIA’s own binding has them', () => {
    const site = wheel('nvidia-ml-py', '13.615.71')
    const code = `${NVML.replace('import ctypes', 'text = bytes.decode\nimport ctypes')}
import pynvml
for ours, theirs in ((Sample, pynvml.c_nvmlProcessUtilizationSample_t), (Running, pynvml.c_nvmlProcessInfo_v2_t), (Rates, pynvml.c_nvmlUtilization_t), (Memory, pynvml.c_nvmlMemory_t)):
    assert ctypes.sizeof(ours) == ctypes.sizeof(theirs), theirs
    assert [getattr(ours, n[0]).offset for n in ours._fields_] == [getattr(theirs, n[0]).offset for n in theirs._fields_], theirs
assert (SMALL, SM_CLOCK) == (pynvml.NVML_ERROR_INSUFFICIENT_SIZE, pynvml.NVML_CLOCK_SM)
print('same')`
    expect(execFileSync(PYTHON!, ['-c', code], { encoding: 'utf8', env: { PYTHONPATH: site } }).trim()).toBe('same')
    // nvml.h makes nvmlInit_v2 of nvmlInit; the binding calls nvmlInitWithFlags.
    expect(spawnSync('nm', ['-D', '--defined-only', join(nvml(), 'libnvidia-ml.so.1')], { encoding: 'utf8' }).stdout.match(/nvml\w+/g)!.filter((name) => !readFileSync(join(site, 'pynvml.py'), 'utf8').includes(`"${name}"`))).toEqual(['nvmlInit_v2'])
  })
})

describe('the built-in network', () => {
  it('is small', () => expect(probeModel().length).toBeLessThan(10_000))
})

