import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { judgedProbe, mayWork } from '../../src/probe/judge.ts'
import { probeOf } from '../../src/probe/read.ts'
import type { EngineProbe, TriedSession, WatchedGpu } from '../../src/probe/types.ts'
import { PROFILING, profilingOf } from '../../src/verdict/profiling.ts'
import { reasonOf, reasonsIn } from '../../src/verdict/reason.ts'
import type { ReadProbe, Signs } from '../../src/verdict/signs.ts'
import { verdictOf } from '../../src/verdict/verdict.ts'
import { weighed } from '../../src/verdict/weigh.ts'
import { describeWith } from '../support/rig.ts'
import { folder, merged, probed, probingMissing, SITES, venv, withEnv } from './sites.ts'

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const CUDA = ['CUDAExecutionProvider', 'CPUExecutionProvider']
const session = (more: Partial<TriedSession> = {}): TriedSession => ({ model: null, wanted: CUDA, got: CUDA, error: null, placed: [{ provider: 'CUDAExecutionProvider', nodes: 3 }], cpuOps: [], copies: 0, runs: 900, runError: null, right: true, ...more })
const ort = (more: Partial<EngineProbe> = {}): EngineProbe => ({ engine: 'onnxruntime', version: '1.23.2', end: 'answered', step: '', error: null, said: [], gpus: [], available: CUDA, sessions: [session()], ...more })
const gpu = (more: Partial<WatchedGpu> = {}): WatchedGpu => ({ name: 'NVIDIA T4', seen: true, ownSm: 40, ownMemoryBytes: 900 * 2 ** 20, allSm: 41, smClockMhz: [300, 1590], throttle: 0, samples: 20, ...more })
const probe = (engines: readonly EngineProbe[], place: ReadProbe['place'] = 'running'): ReadProbe => ({ asked: 'run as=service python', place, verdicts: judgedProbe({ python: '3.11.2', spared: null, noNvml: null, driver: null, engines }) })
const signs = (of: ReadProbe, more: Partial<Signs> = {}): Signs => ({ logs: [], models: [], profiles: [], concerns: true, usesOnnx: true, onnxRuntime: '1.23.2', asks: { asks: 'gpu', evidence: [] }, gpuPresent: true, provider: null, unit: null, outcomes: new Map(), probe: of, ...more })

const OWN = session({ model: '/opt/m/encoder.onnx', placed: [{ provider: 'CUDAExecutionProvider', nodes: 200 }, { provider: 'CPUExecutionProvider', nodes: 4 }], cpuOps: [{ op: 'Gather', nodes: 4 }], right: null })
const LOADED = { provider: { state: 'loaded' as const, evidence: { source: 'read /proc/1/maps', saw: '/x/libonnxruntime_providers_cuda.so' } } }
const CPU = ort({ sessions: [session({ got: ['CPUExecutionProvider'], placed: [{ provider: 'CPUExecutionProvider', nodes: 2 }] })] })
const said = (id: string, text: string) => ({ asked: 'digest log x', name: 'x', reading: { source: 'x', sizeBytes: 1, lines: 1, counts: { [id]: 1 }, hits: [{ id, line: 1, text, atMs: null }] } })

describe('what a probe proves, and what it does not', () => {
  it('something small on CUDA shows that CUDA can be used there, and no more', () => {
    expect(verdictOf(signs(probe([ort({ gpus: [gpu()] })])))).toEqual({
      onGpu: null,
      tier: 'T0',
      because: 'The GPU is asked for; nothing seen says whether it is used. Tried in its place (its environment, user and files, but not its cgroup). ONNX Runtime 1.23.2: a small built-in network was placed with 3 nodes on the GPU and none on the CPU; NVML saw it use up to 40 % of the SMs of NVIDIA T4, with 900 MiB of its memory, at up to 1590 MHz. So the GPU can be used there; that the service does use it is not shown by this.',
    })
  })

  it('nor does the service’s own model of ONNX Runtime: the copy is told CUDA first, and what the program tells each session is not seen', () => {
    const told = verdictOf(signs(probe([ort({ sessions: [session(), OWN] })]), LOADED))
    expect(told).toMatchObject({ onGpu: null, tier: 'T2', because: expect.stringContaining('the service’s own encoder.onnx was placed with 200 nodes on the GPU and 4 on the CPU (Gather ×4)') })
    expect(told.because).toMatch(/So the GPU can be used there; that the service does use it is not shown by this\.$/)
    const hot = verdictOf(signs(probe([ort({ sessions: [session(), { ...OWN, gpus: [gpu({ throttle: 0x44 })] }] })]), LOADED))
    expect(hot.because).toContain('slowed by its power limit and heat (hardware)')
  })

  it('that of CTranslate2 does, where the service asks for the GPU by name and has cuBLAS in memory, which is opened for work there', () => {
    const ct2: EngineProbe = { engine: 'ctranslate2', version: '4.6.0', end: 'answered', step: '', error: null, said: [], gpus: [], devices: 1, models: [{ model: '/m/base', device: 'cuda', computeType: 'float16', error: null, runs: 9, gpus: [] }] }
    const cublas = { source: 'read /proc/1/maps', saw: '/usr/lib/libcublas.so.12' }
    const wish = (saw: string) => ({ asks: { asks: 'gpu' as const, evidence: [{ source: 'read /proc/1/cmdline', saw }] } })
    expect(verdictOf(signs(probe([ct2]), { ...wish('--device cuda'), cublas }))).toMatchObject({ onGpu: true, tier: 'T4', because: expect.stringContaining('/usr/lib/libcublas.so.12') })
    // device="cpu" in its source beside CUDA_VISIBLE_DEVICES=0 of the machine; one that opened nothing; one that does not run.
    expect(verdictOf(signs(probe([ct2]), { ...wish('CUDA_VISIBLE_DEVICES=0'), cublas })).onGpu).toBeNull()
    expect(verdictOf(signs(probe([ct2]), { ...wish('--device cuda'), cublas: null })).onGpu).toBeNull()
    expect(verdictOf(signs(probe([ct2], 'configured'), { ...wish('--device cuda'), cublas })).onGpu).toBeNull()
  })

  it('but not where nobody asks for the GPU, nor where an operator of weight stays on the CPU', () => {
    expect(verdictOf(signs(probe([ort({ sessions: [session(), OWN] })]), { ...LOADED, asks: null })).onGpu).toBeNull()
    const split = { ...OWN, cpuOps: [{ op: 'MatMulInteger', nodes: 4 }] }
    const of = signs(probe([ort({ sessions: [session(), split] })]), LOADED)
    expect(verdictOf(of).onGpu).toBeNull()
    expect(weighed(of).find(({ id }) => id === 'int8-placement')?.state).toBe('confirmed')
  })

  it('nor for a service that does not run, or that has no CUDA provider in its memory', () => {
    const own = [ort({ sessions: [session(), OWN] })]
    expect(verdictOf(signs(probe(own, 'configured'), LOADED)).onGpu).toBeNull()
    expect(verdictOf(signs(probe(own)))).toMatchObject({ onGpu: null, because: expect.stringMatching(/that the service does use it is not shown by this\.$/) })
    const tried = verdictOf(signs(probe(own), { provider: { state: 'tried', evidence: { source: 'read /proc/1/maps', saw: '/x/libonnxruntime_providers_shared.so' } } }))
    expect(tried).toMatchObject({ onGpu: false, tier: 'T2', because: expect.stringMatching(/So the GPU can be used there now, and a restart may be all the service needs\.$/) })
  })

  it('a copy that did not find its libraries settles nothing: import torch or preload_dlls may come first, also in a service that runs', () => {
    for (const place of ['running', 'configured'] as const) expect(verdictOf(signs(probe([CPU], place)))).toMatchObject({ onGpu: null, tier: 'T2', because: expect.stringContaining('is not shown by this') })
    const loaded = verdictOf(signs(probe([CPU]), LOADED))
    expect(loaded).toMatchObject({ onGpu: null, tier: 'T2', because: expect.stringMatching(/so its program does something for it that the probe does not\.$/) })
  })

  it('one without CUDA, or where no library or driver is to be found, does', () => {
    const without = ort({ ...CPU, available: ['CPUExecutionProvider'] })
    for (const place of ['running', 'configured'] as const) expect(verdictOf(signs(probe([without], place)))).toMatchObject({ onGpu: false, tier: 'T2' })
    const found = (check: string) => new Map([[check, { status: 'found', findings: [] } as never]])
    expect(verdictOf(signs(probe([CPU]), { outcomes: found('cuda/libraries-absent') })).onGpu).toBe(false)
    expect(verdictOf(signs(probe([CPU]), { outcomes: found('cuda/libraries-hidden') })).onGpu).toBeNull()
  })

  it('what the service itself wrote comes before what a copy does', () => {
    const of = signs(probe([ort({ sessions: [session(), OWN] })]), { logs: [said('ort-provider-unloadable', 'Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open')] })
    expect(verdictOf(of)).toMatchObject({ onGpu: false, tier: 'T2', because: expect.stringContaining('the service’s own encoder.onnx was placed with 200 nodes on the GPU') })
  })

  it('one that asks for the CPU is not called slow for it', () => {
    expect(verdictOf(signs(probe([CPU]), { asks: { asks: 'cpu', evidence: [] } })).onGpu).toBeNull()
  })

  it('two engines that disagree decide nothing', () => {
    const torch: EngineProbe = { engine: 'torch', version: '2.4.0', end: 'answered', step: '', error: null, said: [], gpus: [], builtFor: '12.4', devices: 1, work: 'right', archs: ['sm_80'], capabilities: ['8.0'] }
    expect(verdictOf(signs(probe([CPU, torch]))).onGpu).toBeNull()
  })
})

describe('one engine', () => {
  const only = (engine: EngineProbe) => judgedProbe({ python: '', spared: null, noNvml: null, driver: null, engines: [engine] })[0]!
  const torch = (more: Partial<EngineProbe>): EngineProbe => ({ engine: 'torch', version: '2.4.0', end: 'answered', step: '', error: null, said: [], gpus: [], builtFor: '12.4', devices: 1, archs: ['sm_50', 'sm_60'], capabilities: ['12.0'], ...more })

  it('whose run fails, or computes something wrong, is broken although it was placed', () => {
    expect(only(ort({ sessions: [session({ runs: null, right: null, runError: 'EPFail: CUDNN failure 4' })] }))).toMatchObject({ shown: 'broken', because: expect.stringContaining('and the run failed: EPFail: CUDNN failure 4.') })
    expect(only(ort({ sessions: [session({ right: false })] }))).toMatchObject({ shown: 'broken', because: expect.stringContaining('is wrong') })
  })

  it('that dies over the service’s own model is broken, one that only takes too long over it is not', () => {
    expect(only(ort({ end: 'SIGABRT', step: 'a session on /m.onnx' }))).toMatchObject({ shown: 'broken', because: 'ONNX Runtime 1.23.2 died of SIGABRT in a session on /m.onnx.' })
    expect(only(ort({ end: 'late' })).shown).toBe('can')
  })

  it('an own model that made-up input does not fit is still placed', () => {
    expect(only(ort({ sessions: [session(), { ...OWN, runs: null, runError: 'INVALID_ARGUMENT: Add_2' }] }))).toMatchObject({ shown: 'own', tier: 'T4', because: expect.stringContaining('it could not be run with made-up input') })
  })

  it('torch without code for the card says so', () => {
    expect(only(torch({ work: 'RuntimeError: CUDA error: no kernel image is available for execution on the device' }))).toMatchObject({ shown: 'broken', because: 'torch 2.4.0 failed at a matrix product on the GPU: RuntimeError: CUDA error: no kernel image is available for execution on the device (it has code for sm_50, sm_60; the GPU is 12.0).' })
    expect(only(torch({ builtFor: null, devices: 0 }))).toMatchObject({ shown: 'cpu', cpuOnly: true })
    expect(only(torch({ devices: 0 }))).toMatchObject({ shown: 'cpu', cpuOnly: false })
  })

  it.each([null, 7, 'x', [], {}, { python: 3, engines: [] }, { python: '3', engines: 'x' }])('an answer that is none is none: %j', (value) => expect(probeOf(value as never)).toBeNull())

  it('parts of an answer that make no sense are left out', () => {
    expect(probeOf({ python: '3', engines: [{ engine: 'rm -rf' }, { engine: 'torch', said: [1, 'x'], gpus: [null, { name: 5, ownSm: 'y', smClockMhz: [1] }], devices: {} }] })!.engines).toEqual([
      { engine: 'torch', version: null, end: 'late', step: '', error: null, said: ['x'], gpus: [{ name: '?', seen: false, ownSm: null, ownMemoryBytes: null, allSm: null, smClockMhz: null, throttle: 0, samples: 0 }], devices: null },
    ])
  })
})

describe('what was seen beside', () => {
  it('is said where it says something: others at work there, and that nobody watched', () => {
    const told = (more: Partial<WatchedGpu>) => judgedProbe({ python: '', spared: null, noNvml: null, driver: null, engines: [ort({ gpus: [gpu(more)] })] })[0]!.because
    expect(told({ allSm: 97 })).toContain('where all programs together use up to 97 %')
    expect(told({ allSm: 41 })).not.toContain('all programs')
    expect(told({ ownMemoryBytes: null, smClockMhz: null })).toMatch(/of the SMs of NVIDIA T4\.$/)
    expect(verdictOf(signs({ ...probe([ort()]), noNvml: 'libnvidia-ml.so.1: cannot open shared object file' })).because).toMatch(/The GPU was not watched meanwhile: libnvidia-ml\.so\.1: cannot open shared object file\.$/)
  })
})

describe('engines that may do the work', () => {
  const without = ort({ ...CPU, available: ['CPUExecutionProvider'] })
  const other = (engine: EngineProbe['engine'], more: Partial<EngineProbe> = {}): EngineProbe => ({ engine, version: '1', end: 'answered', step: '', error: null, said: [], gpus: [], ...more })
  const left = (...engines: readonly EngineProbe[]) => mayWork(judgedProbe({ python: '', spared: null, noNvml: null, driver: null, engines })).map(({ engine }) => engine.engine)

  it('leave out an onnxruntime for the CPU beside another, and keep it alone', () => {
    expect(left(without)).toEqual(['onnxruntime'])
    expect(left(without, other('ctranslate2', { devices: 1 }))).toEqual(['ctranslate2'])
    expect(left(without, other('torch', { builtFor: '12.4', devices: 1 }))).toEqual(['torch'])
    expect(left(without, other('sherpa-onnx'))).toEqual(['sherpa-onnx'])
  })

  it('keep it beside a sherpa-onnx that refused CUDA or could not be imported, and keep the build for CUDA', () => {
    expect(left(without, other('sherpa-onnx', { said: ['Available providers: CPUExecutionProvider, . Fallback to cpu!'] }))).toEqual(['onnxruntime', 'sherpa-onnx'])
    expect(left(without, other('sherpa-onnx', { version: null, error: 'ImportError: x' }))).toEqual(['onnxruntime', 'sherpa-onnx'])
    expect(left(CPU, other('ctranslate2', { devices: 1 }))).toEqual(['onnxruntime', 'ctranslate2'])
  })
})

describe('how to make an engine tell', () => {
  it('is named for the engine that is seen', () => {
    expect(profilingOf(['/opt/v/lib/python3.11/site-packages/sherpa_onnx/lib/_sherpa_onnx.cpython-311-x86_64-linux-gnu.so']).map(({ engine }) => engine)).toEqual(['sherpa-onnx'])
    expect(profilingOf(['/v/onnxruntime/capi/onnxruntime_pybind11_state.so', '/v/ctranslate2.libs/libctranslate2-ab.so.4.6.0']).map(({ engine }) => engine)).toEqual(['onnxruntime in Python', 'CTranslate2'])
    expect(profilingOf(['/usr/lib/libc.so.6', '/opt/asr/libonnxruntime.so.1.26.0'])).toEqual([])
  })

  it('stands with its source', () => {
    for (const { engine, how, source } of PROFILING) expect({ engine, ok: how.length > 20 && !how.endsWith('.') && source.includes('/') }).toEqual({ engine, ok: true })
  })
})

describeWith('what onnxruntime 1.30 prints where its home cannot be written', probingMissing(), () => {
  const warned = 'Failed to persist telemetry device ID'
  const session = `import onnxruntime
onnxruntime.InferenceSession('${new URL('../../fixtures/models/encoder.onnx', import.meta.url).pathname}', providers=['CUDAExecutionProvider', 'CPUExecutionProvider'])`
  const printed = (env: Record<string, string>): readonly string[] => spawnSync(venv(SITES.onnxruntime(), SITES.numpy()), ['-c', session], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', ...env } }).stderr.split('\n')

  it('tells of telemetry first; the reason is the line that names the provider', () => {
    const said = printed({ HOME: '/proc/nowhere' })
    expect(said[0]).toContain(warned)
    const engine = ort({ available: ['CPUExecutionProvider'], said })
    expect(reasonsIn(engine)).toEqual([expect.stringContaining("Specified provider 'CUDAExecutionProvider' is not in available provider names")])
    expect(reasonOf(engine)).toBe(reasonsIn(engine)[0])
    expect(reasonOf({ ...engine, said: said.slice(0, 1) })).toBe('get_available_providers(): CPUExecutionProvider')
    expect(reasonOf({ ...engine, error: 'RuntimeError: x' })).toBe('RuntimeError: x')
  })

  it('a probe has it send nothing and keep no file', async () => {
    const home = join(folder, 'home')
    mkdirSync(home)
    printed({ HOME: home })
    expect(readdirSync(home, { recursive: true })).toContainEqual(expect.stringMatching(/deviceid$/))
    rmSync(home, { recursive: true })
    mkdirSync(home)
    const { reading } = await probed(withEnv(venv(SITES.onnxruntime(), SITES.numpy()), { HOME: home }))
    expect(reading.engines).toMatchObject([{ engine: 'onnxruntime', end: 'answered', said: expect.not.arrayContaining([expect.stringContaining('telemetry')]) }])
    expect(readdirSync(home)).toEqual([])
  })
})

describeWith('sherpa-onnx as PyPI has it', probingMissing(), () => {
  it('tells the placement and writes a profile by a file behind its provider, without code', () => {
    const config = join(folder, 'provider.conf')
    writeFileSync(config, `LogSeverityLevel=0\nProfilingFilePrefix=${folder}/asr\n`)
    const program = `import sherpa_onnx
config = sherpa_onnx.VadModelConfig(silero_vad=sherpa_onnx.SileroVadModelConfig(model='${new URL('../../fixtures/models/encoder.onnx', import.meta.url).pathname}'), provider='cpu:${config}')
sherpa_onnx.VoiceActivityDetector(config, buffer_size_in_seconds=1)`
    const python = venv(merged('sherpa-onnx-2.0.1', SITES.sherpa(), SITES.sherpaCore()), SITES.numpy())
    // It refuses a model that is no VAD, once the session is made.
    const out = execFileSync('sh', ['-c', 'exec 2>&1; "$0" -c "$1" || true', python, program], { encoding: 'utf8' })
    expect(out).toMatch(/ All nodes placed on \[CPUExecutionProvider\]\. Number of nodes: 26/)
    expect(readdirSync(folder).filter((name) => /^asr_.*\.json$/.test(name))).toHaveLength(1)
  })

  it('and no ONNX Runtime of 1.22 to 1.30 knows a variable for it', () => {
    for (const site of [SITES.onnxruntime(), SITES.onnxruntimeGpu(), SITES.onnxruntimeGpu22()]) {
      const capi = join(site, 'onnxruntime/capi')
      const core = readdirSync(capi).filter((name) => /pybind11_state.*\.so$|^libonnxruntime\.so/.test(name))
      expect(core.some((name) => readFileSync(join(capi, name)).includes('ORT_INTRA_OP_NUM_THREADS') && site === SITES.onnxruntime())).toBe(site === SITES.onnxruntime())
      for (const name of core) expect(readFileSync(join(capi, name)).includes('ORT_ENABLE_PROFILING')).toBe(false)
    }
  })
})

describe('a model that is too large to be loaded twice', () => {
  it.each(['Spared: a second copy of 61440 MiB is not loaded beside the service: 9000 MiB of memory are free', 'RuntimeError: CUDA failed with error out of memory'])('says nothing of the engine: %s', (error) => {
    const reading = probeOf({ python: '3.11.2', spared: null, noNvml: null, driver: null, engines: [{ engine: 'ctranslate2', version: '4.6.0', end: 'answered', step: 'loading', error: null, said: [], gpus: [], devices: 1, models: [{ model: '/m', device: null, computeType: null, error, runs: null }] }] })!
    expect(judgedProbe(reading)[0]).toMatchObject({ shown: 'untold' })
  })
})

describe('engines that only serve another', () => {
  const probed = (engine: string, more: object) => ({ engine, version: '1', end: 'answered', step: '', error: null, said: [], gpus: [], ...more })
  const own = probed('ctranslate2', { devices: 1, models: [{ model: '/m', device: 'cuda', computeType: 'float16', error: null, runs: 3 }] })
  const refused = probed('ctranslate2', { devices: 0, error: 'RuntimeError: CUDA failed with error no device' })
  const cpuTorch = probed('torch', { builtFor: null, devices: 0 })
  const fellBack = probed('onnxruntime', { available: ['CUDAExecutionProvider', 'CPUExecutionProvider'], sessions: [{ model: null, wanted: ['CUDAExecutionProvider', 'CPUExecutionProvider'], got: ['CPUExecutionProvider'], error: null, placed: [], cpuOps: [], copies: 0, runs: 1, runError: null, right: true }] })
  const left = (...engines: object[]) => mayWork(judgedProbe(probeOf({ python: '3.11.2', spared: null, noNvml: null, driver: null, engines: engines as never })!)).map(({ engine, shown }) => `${engine.engine} ${shown}`)

  it('a CPU torch beside CTranslate2 is not judged, whatever CTranslate2 does', () => {
    expect(left(own, cpuTorch)).toEqual(['ctranslate2 own'])
    expect(left(refused, cpuTorch)).toEqual(['ctranslate2 cpu'])
  })
  it('an ONNX Runtime that fell back is judged, unless the service’s own model ran on the GPU elsewhere', () => {
    expect(left(own, fellBack)).toEqual(['ctranslate2 own'])
    expect(left(refused, fellBack)).toEqual(['ctranslate2 cpu', 'onnxruntime cpu'])
    expect(left(fellBack, cpuTorch)).toEqual(['onnxruntime cpu', 'torch cpu'])
  })
})
