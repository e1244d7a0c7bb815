import { describe, expect, it } from 'vitest'
import fellBackToCpu from '../../checks/ep/fell-back-to-cpu.ts'
import int8OnCuda from '../../checks/ep/int8-on-cuda.ts'
import runtimeCpuOnly from '../../checks/ep/runtime-cpu-only.ts'
import { certainlyUsed } from '../../src/facts/model-files.ts'
import { SIGNATURES } from '../../src/log/signatures.ts'
import type { OnnxModel } from '../../src/onnx/types.ts'
import type { ProfileReading } from '../../src/profile/types.ts'
import { READINGS } from '../../src/verdict/readings.ts'
import type { ReadLog, ReadModel, Signs } from '../../src/verdict/signs.ts'
import { verdictOf } from '../../src/verdict/verdict.ts'
import { weighed } from '../../src/verdict/weigh.ts'
import { scanned } from '../log/scanned.ts'
import { fixture } from '../onnx/read.ts'

/** A log as it is written, scanned as the doctor does. */
const log = (text: string, name = 'asr.log'): ReadLog => ({ asked: `digest log ${name}`, name, reading: scanned(Buffer.from(text), name) })
const signs = (more: Partial<Signs> = {}): Signs => ({ logs: [], models: [], profiles: [], concerns: true, usesOnnx: true, onnxRuntime: '1.23.2', asks: null, gpuPresent: true, provider: null, unit: null, outcomes: new Map(), ...more })
const asks = (what: 'gpu' | 'cpu', saw: string): Pick<Signs, 'asks'> => ({ asks: { asks: what, evidence: [{ source: 'read /proc/7/cmdline', saw }] } })
const MAPPED = '/opt/site/onnxruntime/capi/libonnxruntime_providers_cuda.so'
const loaded = { provider: { state: 'loaded' as const, evidence: { source: 'read /proc/7/maps', saw: MAPPED } } }
const state = (of: Signs, id: string) => weighed(of).find((each) => each.id === id)?.state ?? null

/** As ONNX Runtime writes them (fixtures/logs), each with its own time. */
const UNLOADABLE = '2026-11-30 07:49:17.8 [E:onnxruntime:Default, provider_bridge_ort.cc:2251 TryGetProviderInfo_CUDA] x [ONNXRuntimeError] : 1 : FAIL : Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: No such file or directory\n'
const NOT_CREATED = '2026-11-30 07:49:17.9 [W:onnxruntime:Default, onnxruntime_pybind_state.cc:1013 CreateExecutionProviderFactoryInstance] Failed to create CUDAExecutionProvider. Require cuDNN 9.* and CUDA 12.*.\n'
const placedOn = (provider: string, nodes: number, day = 29) => `2026-11-${day} 07:00:00.1 [V:onnxruntime:, session_state.cc:1263 VerifyEachNodeIsAssignedToAnEp]  All nodes placed on [${provider}]. Number of nodes: ${nodes}\n`
const someOn = (provider: string, nodes: number) => `2026-11-29 07:00:00.1 [V:onnxruntime:, session_state.cc:1274 VerifyEachNodeIsAssignedToAnEp]  Node(s) placed on [${provider}]. Number of nodes: ${nodes}\n`

describe('the speed in a log', () => {
  const heard = (second: number) => `2026-11-30T07:00:${String(second).padStart(2, '0')}.000Z INFO Processing 320000 audio samples\n2026-11-30T07:00:${String(second + 1).padStart(2, '0')}.000Z INFO Decoded 9 tokens\n`
  it('is that of the slowest: 20 s of audio in a second are RTF 0.05', () => {
    expect(verdictOf(signs({ logs: [log(heard(1))] })).because).toContain('The slowest transcription in the log took 1 s for 20 s of audio: RTF 0.05 (RTFx 20.00: faster than the audio runs).')
  })
  it('is not said of those that were not timed', () => {
    expect(verdictOf(signs({ logs: [log(heard(1).repeat(70))] })).because).toContain('The slowest of the transcriptions that were timed, which are not all in the log, took 1 s')
  })
})

describe('the table of what single lines decide', () => {
  it('speaks of signatures that exist', () => {
    const ids = new Set(SIGNATURES.map(({ id }) => id))
    expect(Object.keys(READINGS).filter((id) => !ids.has(id))).toEqual([])
  })
})

describe('an int8 model', async () => {
  const int8 = (await fixture('encoder.dynamic-u8.int8.onnx')) as OnnxModel
  const fp32 = (await fixture('encoder.onnx')) as OnnxModel
  const model = (path: string, of: OnnxModel, certain = true): ReadModel => ({ asked: `digest model ${path}`, path, certain, given: false, model: of })
  const SLOW = log('Some parameters are on the meta device because they were offloaded to the disk\n')

  it('is right where the CPU is asked for, and confirmed where CUDA is', () => {
    const models = [model('/m/encoder.int8.onnx', int8)]
    const cpu = signs({ models, ...asks('cpu', '--provider=cpu') })
    expect(state(cpu, 'int8-placement')).toBeNull()
    expect(state({ ...cpu, logs: [SLOW] }, 'int8-placement')).toBeNull()
    expect(verdictOf(cpu).because).not.toContain('no CUDA kernel')
    const gpu = signs({ models, ...asks('gpu', '--provider=cuda') })
    expect(state(gpu, 'int8-placement')).toBe('confirmed')
    expect(verdictOf(gpu).because).toContain('no CUDA kernel')
  })

  it('that only lies beside the plain one is not what runs', () => {
    const both = signs({ models: [model('/m/encoder.int8.onnx', int8, false), model('/m/encoder.onnx', fp32, false)], ...asks('gpu', '--provider=cuda') })
    expect(state(both, 'int8-placement')).toBeNull()
    expect(verdictOf(both).because).not.toContain('run on the CPU')
    expect(weighed({ ...both, logs: [SLOW] }).find(({ id }) => id === 'int8-placement')).toMatchObject({ state: 'undetermined', because: expect.stringContaining('is not known') })
    expect(certainlyUsed({ how: 'named', twin: '/m/encoder.onnx' }, [{ path: '/m/encoder.onnx', how: 'named' }])).toBe(false)
    expect(certainlyUsed({ how: 'named', twin: '/m/encoder.onnx' }, [{ path: '/m/encoder.onnx', how: 'folder' }])).toBe(true)
    expect(certainlyUsed({ how: 'open', twin: '/m/encoder.onnx' }, [{ path: '/m/encoder.onnx', how: 'named' }])).toBe(true)
  })

  it('is no error where only the container’s default speaks of a GPU', () => {
    const use = { path: '/m/encoder.int8.onnx', how: 'named', foundBy: 'read /proc/7/cmdline', asked: 'digest model /m/encoder.int8.onnx', file: { known: true, value: int8 }, twin: null }
    const judged = (of: Pick<Signs, 'asks'>) => int8OnCuda.run({ target: { kind: 'pid', pid: 7 }, session: signs(of), modelFiles: [use] } as never)
    expect(judged(asks('gpu', 'NVIDIA_VISIBLE_DEVICES=all'))).toEqual([])
    expect(judged(asks('gpu', 'CUDA_VISIBLE_DEVICES=0'))).toEqual([])
    expect(judged(asks('gpu', '--provider=cuda'))).toMatchObject([{ severity: 'error' }])
    expect(judged(asks('gpu', '--gpu'))).toMatchObject([{ severity: 'error' }])
  })
})

describe('whisper.cpp', () => {
  const start = (gpu: 0 | 1) => `whisper_init_with_params_no_state: use gpu    = ${gpu}\n`
  const backend = (device: number) => `whisper_backend_init_gpu: using CUDA${device} backend\n`
  const none = 'whisper_backend_init_gpu: no GPU found\n'

  it.each([0, 1, 12])('with its voice detection on the CPU has its speech model on CUDA%i', (device) => {
    const of = signs({ logs: [log(start(1) + backend(device) + none)] })
    expect(verdictOf(of)).toMatchObject({ onGpu: null, tier: 'T3' })
    expect(state(of, 'gpu-unseen')).toBe('refuted')
  })

  it('that finds no GPU for its speech model is on the CPU, though an earlier start found one', () => {
    for (const text of [start(1) + none, start(1) + backend(0) + none + start(1) + none]) {
      const of = signs({ logs: [log(text)] })
      expect(verdictOf(of)).toMatchObject({ onGpu: false, tier: 'T2' })
      expect(state(of, 'gpu-unseen')).toBe('confirmed')
    }
    expect(state(signs({ logs: [log(start(1) + none + start(1) + backend(0))] }), 'gpu-unseen')).toBe('refuted')
  })

  it('that was told not to use one misses none', () => {
    const of = signs({ logs: [log(start(0) + none)] })
    expect(verdictOf(of)).toMatchObject({ onGpu: false, because: 'whisper.cpp was told not to use a GPU, and runs on the CPU. (asr.log, line 1)' })
    expect(state(of, 'gpu-unseen')).toBeNull()
    expect(state(signs({ logs: [log(none)], ...asks('cpu', '-ng') }), 'gpu-unseen')).toBeNull()
  })
})

describe('placement in a log', () => {
  it.each([
    ['TensorRT alone', placedOn('TensorrtExecutionProvider', 1), true],
    ['TensorRT and the CPU', someOn('TensorrtExecutionProvider', 1) + someOn('CPUExecutionProvider', 4), true],
    ['CUDA alone', placedOn('CUDAExecutionProvider', 9), true],
    ['one session on TensorRT, one on the CPU', placedOn('TensorrtExecutionProvider', 1) + placedOn('CPUExecutionProvider', 9), null],
    ['DirectML', placedOn('DmlExecutionProvider', 9), null],
    ['DirectML and the CPU', someOn('DmlExecutionProvider', 9) + someOn('CPUExecutionProvider', 4), null],
    ['the CPU alone', placedOn('CPUExecutionProvider', 9), false],
  ])('%s', (_, text, onGpu) => expect(verdictOf(signs({ logs: [log(text)] }))).toMatchObject({ onGpu, tier: 'T4' }))

  it('copies alone, which is what the usual level shows, tell that nodes lie on both sides', () => {
    const of = signs({ logs: [log('2026-11-29 07:00:00.1 [W:onnxruntime:, transformer_memcpy.cc:83 ApplyImpl] 546 Memcpy nodes are added to the graph main_graph for CUDAExecutionProvider. It might have negative impact on performance (including unable to run CUDA graph).\n')] })
    expect(verdictOf(of)).toEqual({ onGpu: null, tier: 'T4', because: 'The log tells that nodes of a graph lie on CUDA and others on the CPU (asr.log, line 1); how many and which, it tells with log_severity_level=0.' })
  })

  it('of yesterday does not hold against a provider that could not be loaded today, in one log or in two', () => {
    for (const logs of [[log(placedOn('CUDAExecutionProvider', 9) + UNLOADABLE + NOT_CREATED)], [log(placedOn('CUDAExecutionProvider', 9), 'a.log'), log(UNLOADABLE + NOT_CREATED, 'b.log')]]) {
      const of = signs({ logs })
      expect(verdictOf(of)).toMatchObject({ onGpu: false, tier: 'T2' })
      expect(state(of, 'provider-not-loaded')).toBe('confirmed')
      if (logs.length === 1) expect(state(of, 'library-path-hidden')).not.toBe('refuted')
    }
  })

  it('of today holds against the failure of yesterday', () => {
    for (const logs of [[log(UNLOADABLE + NOT_CREATED + placedOn('CUDAExecutionProvider', 9))], [log(placedOn('CUDAExecutionProvider', 9, 30).replace('07:00', '09:00'), 'a.log'), log(UNLOADABLE + NOT_CREATED, 'b.log')]]) expect(verdictOf(signs({ logs }))).toMatchObject({ onGpu: true, tier: 'T4' })
  })

  it('beside a session that went back to the CPU in the same log, both are said', () => {
    const of = signs({ logs: [log(`${placedOn('CUDAExecutionProvider', 9)}Falling back to ['CPUExecutionProvider'] and retrying.\n`)] })
    expect(verdictOf(of)).toMatchObject({ onGpu: null, because: expect.stringMatching(/9 nodes on CUDA.*created again without a GPU.*one session at least is not/) })
  })
})

describe('a provider that was loaded after a first failure', () => {
  const target = { kind: 'pid', pid: 7 }
  const failed = (of: Signs) => fellBackToCpu.run({ target, logs: [], session: of } as never)

  it('is in memory now, and nothing has failed', () => {
    const of = signs({ logs: [log(UNLOADABLE + NOT_CREATED)], ...loaded, ...asks('gpu', MAPPED) })
    expect(verdictOf(of)).toMatchObject({ onGpu: null, tier: 'T2' })
    expect(failed(of)).toEqual([])
    expect(state(of, 'provider-not-loaded')).not.toBe('confirmed')
  })

  it('but one that is in memory and could not start, or that is not there, has', () => {
    const noDriver = log("*************** EP Error ***************\nEP Error CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; when using ['CUDAExecutionProvider', 'CPUExecutionProvider']\nFalling back to ['CPUExecutionProvider'] and retrying.\n")
    for (const of of [signs({ logs: [log(UNLOADABLE + NOT_CREATED)] }), signs({ logs: [noDriver], ...loaded })]) {
      expect(verdictOf(of)).toMatchObject({ onGpu: false })
      expect(failed(of)).toMatchObject([{ severity: 'error' }])
    }
  })
})

describe('a copy that did not find its libraries', () => {
  it('is an error of the service, but only a hint where torch in its memory brings them', () => {
    const asked = 'run as=service python'
    const of = (engineFiles: readonly string[]) => fellBackToCpu.run({ target: { kind: 'pid', pid: 7 }, logs: [], session: signs({ logs: [{ ...log(UNLOADABLE + NOT_CREATED), asked }], engineFiles, probe: { asked, place: 'running', verdicts: [] }, ...asks('gpu', '--provider=cuda') }) } as never)
    expect(of(['/v/site/onnxruntime/capi/onnxruntime_pybind11_state.so'])).toMatchObject([{ severity: 'error', confidence: 'likely' }])
    expect(of(['/v/site/onnxruntime/capi/onnxruntime_pybind11_state.so', '/v/site/torch/lib/libtorch_cpu.so'])).toMatchObject([{ severity: 'warning', confidence: 'possible' }])
  })
})

describe('engines beside each other', () => {
  const onDevice = (model: string, device: string) => `[2026-11-30 07:00:00.000] [ctranslate2] [thread 7] [info] Loaded model ${model} on device ${device}\n`
  const TORCH = 'AssertionError: Torch not compiled with CUDA enabled\n'
  const CT2 = { engineFiles: ['/v/site/ctranslate2.libs/libctranslate2-ab.so.4.6.0', '/v/site/torch/lib/libtorch_cpu.so'] }

  it('two models of CTranslate2 on two devices are both said, in whatever order', () => {
    const [whisper, marks] = [onDevice('/m/whisper', 'cuda:0'), onDevice('/m/punctuation', 'cpu')]
    for (const text of [whisper + marks, marks + whisper]) expect(verdictOf(signs({ logs: [log(text)] }))).toMatchObject({ onGpu: null, because: expect.stringMatching(/put \/m\/whisper on the GPU .* and \/m\/punctuation on the CPU/) })
    expect(verdictOf(signs({ logs: [log(marks)] }))).toMatchObject({ onGpu: false })
    expect(verdictOf(signs({ logs: [log(whisper)] }))).toMatchObject({ onGpu: null, tier: 'T3' })
  })

  it('torch decides for itself and not for CTranslate2', () => {
    const judged = (of: Signs) => runtimeCpuOnly.run({ target: { kind: 'pid', pid: 7 }, logs: [{ asked: 'x', name: 'x', reading: { known: true, value: {} } }], session: of, cpuBuild: null } as never)
    for (const of of [signs({ logs: [log(TORCH)], ...CT2 }), signs({ logs: [log(onDevice('/m/whisper', 'cuda:0') + TORCH)] })]) {
      expect(verdictOf(of).onGpu).toBeNull()
      expect(state(of, 'cpu-only-runtime')).not.toBe('confirmed')
      expect(judged(of)).toEqual([])
    }
    const own = signs({ logs: [log(TORCH)], engineFiles: ['/v/site/torch/lib/libtorch_cpu.so'] })
    expect(verdictOf(own).onGpu).toBe(false)
    expect(state(own, 'cpu-only-runtime')).toBe('confirmed')
    expect(judged(own)).toMatchObject([{ severity: 'error' }])
  })

  it('onnxruntime-node without WebGPU has lost nothing; without CUDA it has', () => {
    const removed = (provider: string) => signs({ logs: [log(`removing requested execution provider "${provider}" from session options because it is not available: backend not found.\n`)] })
    expect(verdictOf(removed('webgpu')).onGpu).toBeNull()
    expect(state(removed('webgpu'), 'cpu-only-runtime')).toBeNull()
    expect(verdictOf(removed('cuda')).onGpu).toBe(false)
    expect(state(removed('cuda'), 'cpu-only-runtime')).toBe('confirmed')
  })
})

describe('a profile', () => {
  const reading = (more: Partial<ProfileReading>): ProfileReading => ({ source: 'p', sizeBytes: 1, events: 1, truncated: false, providers: [{ provider: 'CUDAExecutionProvider', nodes: 200, runs: 400, hostUs: 9 }], memcpy: { nodes: 0, runs: 0 }, cpuOps: [], runs: 4, shapes: [], loadUs: null, kernelUs: null, ...more })
  const of = (...readings: readonly ProfileReading[]): Signs => signs({ profiles: readings.map((each, at) => ({ asked: `digest profile ${at}`, path: `p${at}`, reading: each })) })
  const cpu = (nodes: number) => ({ provider: 'CPUExecutionProvider', nodes, runs: nodes, hostUs: 400_000 })
  const gpu = { provider: 'CUDAExecutionProvider', nodes: 200, runs: 400, hostUs: 9 }
  const transposes = (mostBytes?: number) => ({ op: 'Transpose', nodes: 100, runs: 400, hostUs: 400_000, ...(mostBytes === undefined ? {} : { mostBytes }) })

  it('judges by the size of what is on the CPU, and where that is not told by the copies', () => {
    // float[1,1500,1280] is 1500 × 1280 × 4 = 7680000 bytes, 7.3 MiB; int64[64] is 512.
    const big = verdictOf(of(reading({ providers: [gpu, cpu(100)], memcpy: { nodes: 100, runs: 400 }, cpuOps: [transposes(7_680_000)] })))
    expect(big).toMatchObject({ onGpu: null, tier: 'T4', because: expect.stringContaining('on the CPU are Transpose ×100 on up to 7.3 MiB') })
    expect(big.because).toContain('The nodes on the CPU took 400 ms in its 4 runs.')
    expect(verdictOf(of(reading({ providers: [gpu, cpu(100)], memcpy: { nodes: 100, runs: 400 }, cpuOps: [transposes()] }))).onGpu).toBeNull()
    expect(verdictOf(of(reading({ providers: [gpu, cpu(100)], memcpy: { nodes: 100, runs: 400 }, cpuOps: [transposes(512)] }))).onGpu).toBe(true)
    expect(verdictOf(of(reading({ providers: [gpu, cpu(100)], cpuOps: [transposes()] }))).onGpu).toBe(true)
  })

  it('that takes seconds on the CPU for shapes, without telling sizes, is no yes; microseconds are', () => {
    const kinds = (hostUs: number) => reading({ providers: [{ ...gpu, nodes: 3, hostUs: 300 }, { ...cpu(5), hostUs: 5 * hostUs }], cpuOps: ['Add', 'Mul', 'Gather', 'Transpose', 'Where'].map((op) => ({ op, nodes: 1, runs: 1, hostUs })), runs: 1 })
    expect(verdictOf(of(kinds(3_000_000)))).toMatchObject({ onGpu: null, because: expect.stringContaining('by their kinds arithmetic on shapes (Add ×1, Mul ×1, Gather ×1, Transpose ×1), but they take too long for that') })
    expect(verdictOf(of(kinds(30))).onGpu).toBe(true)
    // Of a long recording a second in all is a small share.
    expect(verdictOf(of({ ...kinds(300_000), shapes: [shape(3000, 60_000_000, null)] })).onGpu).toBe(true)
  })

  it('of a provider that is not known to be on a GPU says neither yes nor no', () => {
    expect(verdictOf(of(reading({ providers: [{ provider: 'DmlExecutionProvider', nodes: 9, runs: 9, hostUs: 1 }] })))).toMatchObject({ onGpu: null, tier: 'T4', because: 'The profile shows 9 nodes on DmlExecutionProvider. Whether that provider works on a GPU, a profile does not tell.' })
    expect(verdictOf(of(reading({ providers: [cpu(9)] }))).onGpu).toBe(false)
    expect(verdictOf(of(reading({ providers: [{ provider: 'TensorrtExecutionProvider', nodes: 1, runs: 9, hostUs: 1 }] }))).onGpu).toBe(true)
  })

  it('against a log that says the contrary says both', () => {
    expect(verdictOf({ ...of(reading({})), logs: [log(UNLOADABLE)] })).toMatchObject({ onGpu: null, because: expect.stringMatching(/200 nodes on the GPU.*could not load.*the later holds/) })
  })

  const shape = (size: number, firstUs: number, laterUs: number | null) => ({ shape: `[{"float":[1,80,${size}]}]`, runs: laterUs === null ? 1 : 3, firstUs, laterUs })
  it('tells the first run from later ones, loading, and that it is cut', () => {
    const told = verdictOf(of(reading({ shapes: [shape(3000, 2_400_000, 40_000)], loadUs: 3_200_000, truncated: true }))).because
    expect(told).toContain('The first run with an input of 1×80×3000 took 2400 ms, later ones 40 ms. Making the session took 3.2 s. The profile breaks off before its end, so there may be more.')
    expect(verdictOf(of(reading({ shapes: [shape(3000, 50_000, 40_000)], loadUs: 200_000 }))).because).toBe('The profile shows 200 nodes on the GPU and none on the CPU.')
  })

  const SLOW = log('Some parameters are on the meta device because they were offloaded to the disk\n')
  it('decides whether the first work is the slow one, and whether each new length is', () => {
    const states = (...shapes: ProfileReading['shapes']) => {
      const all = { ...of(reading({ shapes })), logs: [SLOW] }
      return [state(all, 'cold-start'), state(all, 'conv-algorithm-search')]
    }
    // Slow once only: it was the start, and a new length costs nothing.
    expect(states(shape(3000, 2_000_000, 40_000), shape(1500, 42_000, 40_000))).toEqual(['confirmed', 'refuted'])
    // Slow for each length: a search looks so, and its cause is not proven by that.
    expect(states(shape(3000, 2_000_000, 40_000), shape(1500, 900_000, 40_000), shape(800, 900_000, 40_000))).toEqual(['confirmed', 'undetermined'])
    expect(states(shape(3000, 41_000, 40_000))).toEqual(['refuted', 'undetermined'])
    expect(states(shape(3000, 2_000_000, null))).toEqual(['undetermined', 'undetermined'])
  })
})

describe('transcriptions in a log', () => {
  // 320000 samples are 20 s of audio.
  const one = (minute: number, seconds: number) => `2026-11-30T07:${String(minute).padStart(2, '0')}:00Z Start processing 320000 samples\n2026-11-30T07:${String(minute).padStart(2, '0')}:${String(seconds).padStart(2, '0')}Z Decoded 30 tokens\n`
  it('show the first as the slow one, or all alike', () => {
    expect(state(signs({ logs: [log(one(1, 40) + one(2, 2) + one(3, 2) + one(4, 2))] }), 'cold-start')).toBe('confirmed')
    expect(state(signs({ logs: [log(one(1, 40) + one(2, 41) + one(3, 40) + one(4, 39))] }), 'cold-start')).toBe('refuted')
    expect(state(signs({ logs: [log(one(1, 40) + one(2, 2))] }), 'cold-start')).toBe('undetermined')
    expect(state(signs({ logs: [log(one(1, 40) + one(2, 2) + one(3, 40) + one(4, 2))] }), 'cold-start')).not.toBe('confirmed')
  })
})

describe('what refutes', () => {
  const SLOW = log('Some parameters are on the meta device because they were offloaded to the disk\n')
  const unit = { name: 'asr.service', scope: 'system' as const, source: 'run systemctl show asr.service', properties: { CPUQuotaPerSecUSec: '500ms', MemoryMax: '500000000' } }
  const with_ = (check: string, status: string, more: Partial<Signs> = {}) => signs({ logs: [SLOW], unit, outcomes: new Map([[check, { status } as never]]), ...more })

  it('a quota that did not stop it at work, and not one of which nothing was seen', () => {
    expect(state(with_('cgroup/cpu-throttled', 'passed'), 'cpu-quota')).toBe('refuted')
    expect(state(with_('cgroup/cpu-throttled', 'unknown'), 'cpu-quota')).toBe('undetermined')
  })

  it('a memory limit that was never run into, and not a check that passes while it idles', () => {
    expect(state(with_('cgroup/memory-limit-reached', 'passed'), 'memory-limit')).toBe('undetermined')
    expect(state(with_('cgroup/memory-limit-reached', 'passed', { limitNeverHit: { source: 'read /sys/fs/cgroup/x/memory.events.local', saw: 'max 0, high 0' } }), 'memory-limit')).toBe('refuted')
  })

  it('a provider in memory, of what keeps one from it; and where nobody would ask, nothing is said', () => {
    const cpu = log(placedOn('CPUExecutionProvider', 9))
    for (const id of ['provider-not-loaded', 'library-path-hidden', 'cpu-only-runtime']) {
      expect(state(signs({ logs: [cpu], ...loaded }), id), id).toBe('refuted')
      expect(state(signs({ ...loaded }), id), id).toBeNull()
      expect(state(signs({ logs: [cpu] }), id), id).toBeNull()
    }
  })

  it('monitors are a reason to ask whether it heard silence, and no proof', () => {
    const found = new Map([['audio/only-monitors', { status: 'found', findings: [{ severity: 'error', confidence: 'certain', cause: 'x', evidence: [{ source: 'run pactl', saw: 'no inputs and 2 monitors' }], fixes: [] }] } as never]])
    expect(state(signs({ outcomes: found }), 'silent-input')).toBeNull()
    expect(weighed(signs({ outcomes: found, logs: [log('Decoded 0 tokens\n')] })).find(({ id }) => id === 'silent-input')).toMatchObject({ state: 'undetermined', evidence: [{ saw: 'no inputs and 2 monitors' }] })
  })
})
