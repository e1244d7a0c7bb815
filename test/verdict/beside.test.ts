import { describe, expect, it } from 'vitest'
import fellBackToCpu from '../../checks/ep/fell-back-to-cpu.ts'
import runtimeCpuOnly from '../../checks/ep/runtime-cpu-only.ts'
import type { ProfileReading } from '../../src/profile/types.ts'
import type { Signs } from '../../src/verdict/signs.ts'
import { verdictOf } from '../../src/verdict/verdict.ts'
import { weighed } from '../../src/verdict/weigh.ts'
import { scanned } from '../log/scanned.ts'

/** A recogniser and a detector of voice are often of two engines. */
const placed = (provider: string) => `2026-05-01 10:00:01.1 [V:onnxruntime:, session_state.cc:1263 VerifyEachNodeIsAssignedToAnEp]  All nodes placed on [${provider}ExecutionProvider]. Number of nodes: 41`
const ct2 = (device: string) => `[2026-05-01 10:00:01.000] [ctranslate2] [thread 1] [info] Loaded model /m on device ${device}`
const UNLOADABLE = 'Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: No such file or directory'
const NO_CUDA = "UserWarning: Specified provider 'CUDAExecutionProvider' is not in available provider names.Available providers: 'CPUExecutionProvider'"
const [ASKED, NONE] = ['whisper_init_with_params_no_state: use gpu    = 1', 'whisper_backend_init_gpu: no GPU found']

const signs = (...lines: readonly string[]): Signs => ({ logs: lines.length === 0 ? [] : [{ asked: 'digest log x', name: 'x', reading: scanned(Buffer.from(`${lines.join('\n')}\n`)) }], models: [], profiles: [], concerns: true, usesOnnx: true, onnxRuntime: null, asks: null, gpuPresent: null, provider: null, unit: null, outcomes: new Map() })
const of = (...lines: readonly string[]) => verdictOf(signs(...lines))
const state = (id: string, ...lines: readonly string[]) => weighed(signs(...lines)).find((each) => each.id === id)?.state ?? null
const target = { kind: 'shell', files: {} }
const logs = [{ asked: 'x', name: 'x', reading: { known: true, value: {} } }]
const judged = (check: typeof fellBackToCpu | typeof runtimeCpuOnly, ...lines: readonly string[]) => check.run({ target, logs, session: signs(...lines), cpuBuild: null } as never)

describe('one engine on the CPU and another on the GPU', () => {
  it.each([
    ['CTranslate2 on the CPU, ONNX Runtime on CUDA', [ct2('cpu'), placed('CUDA')]],
    ['whisper.cpp without a GPU, ONNX Runtime on CUDA', [ASKED, NONE, placed('CUDA')]],
    ['ONNX Runtime that lacks its libraries, CTranslate2 on CUDA', [UNLOADABLE, ct2('cuda:0')]],
    ['ONNX Runtime on the CPU, CTranslate2 on CUDA', [ct2('cuda:0'), placed('CPU')]],
    ['ONNX Runtime without CUDA, CTranslate2 on CUDA', [ct2('cuda:0'), NO_CUDA]],
  ])('%s: neither yes nor no, in whatever order', (_, lines) => {
    expect(of(...lines)).toMatchObject({ onGpu: null, because: expect.stringContaining('They are two engines, and which of them hears the speech, the log does not tell.') })
    // whisper.cpp’s own lines have an order.
    if (lines[0] !== ASKED) expect(of(...[...lines].reverse()).onGpu).toBeNull()
  })

  it('each alone, or of one engine, is what it was', () => {
    expect(of(ct2('cpu')).onGpu).toBe(false)
    expect(of(placed('CPU')).onGpu).toBe(false)
    expect(of(placed('CUDA')).onGpu).toBe(true)
    expect(of(NO_CUDA).onGpu).toBe(false)
    expect(of(UNLOADABLE, placed('CUDA')).onGpu).toBe(true)
    expect(of(ASKED, NONE).onGpu).toBe(false)
  })

  it('the failure of what may be voice detection is a note, and an error where nothing else has the GPU', () => {
    expect(judged(fellBackToCpu, UNLOADABLE, ct2('cuda:0'))).toMatchObject([{ severity: 'info', confidence: 'possible', cause: expect.stringContaining('another engine has the GPU: CTranslate2 put the model named in the line on the GPU (x, line 2).') }])
    expect(judged(fellBackToCpu, UNLOADABLE, ct2('cpu'))).toMatchObject([{ severity: 'error', confidence: 'certain' }])
    expect(judged(runtimeCpuOnly, ct2('cuda:0'), NO_CUDA)).toMatchObject([{ severity: 'info', confidence: 'possible', fixes: [{ title: 'Where this engine is meant for the GPU as well: install the build with CUDA' }] }])
    expect(judged(runtimeCpuOnly, ct2('cpu'), NO_CUDA)).toMatchObject([{ severity: 'error', confidence: 'certain' }])
  })

  it('refutes nothing of each other', () => {
    expect(state('provider-not-loaded', UNLOADABLE, ct2('cuda:0'))).toBe('undetermined')
    expect(state('library-path-hidden', UNLOADABLE, ct2('cuda:0'))).not.toBe('refuted')
    expect(state('cpu-only-runtime', ASKED, NONE, placed('CUDA'))).not.toBe('refuted')
    expect(state('gpu-unseen', ASKED, NONE, placed('CUDA'))).toBe('confirmed')
    expect(state('provider-not-loaded', UNLOADABLE, placed('CUDA'))).toBe('refuted')
  })
})

describe('a profile of one engine beside the log of another', () => {
  const profile = (provider: string): Signs['profiles'] => [{ asked: 'digest profile p', path: 'p', reading: { source: 'p', sizeBytes: 1, events: 1, truncated: false, providers: [{ provider, nodes: 9, runs: 9, hostUs: 9 }], memcpy: { nodes: 0, runs: 0 }, cpuOps: [], runs: 1, shapes: [], loadUs: null, kernelUs: null } satisfies ProfileReading }]
  it('says neither where they disagree', () => {
    expect(verdictOf({ ...signs(ct2('cuda:0')), profiles: profile('CPUExecutionProvider') })).toMatchObject({ onGpu: null, because: expect.stringMatching(/9 nodes on the CPU.*CTranslate2 put .* on the GPU/) })
    expect(verdictOf({ ...signs(ct2('cpu')), profiles: profile('CUDAExecutionProvider') }).onGpu).toBeNull()
    expect(verdictOf({ ...signs(), profiles: profile('CPUExecutionProvider') }).onGpu).toBe(false)
    expect(verdictOf({ ...signs(placed('CUDA')), profiles: profile('CUDAExecutionProvider') }).onGpu).toBe(true)
  })
})

describe('whisper.cpp on a GPU of another maker', () => {
  it.each(['Vulkan0', 'ROCm0', 'SYCL0', 'Metal', 'MTL0', 'CANN0'])('%s, with its voice detection on the CPU: a GPU part took memory', (name) => {
    const lines = [ASKED, `whisper_backend_init_gpu: using ${name} backend`, NONE]
    expect(of(...lines)).toMatchObject({ onGpu: null, tier: 'T3' })
    expect(state('gpu-unseen', ...lines)).toBe('refuted')
  })
  it('a library for products on the CPU is none', () => {
    expect(of(ASKED, 'whisper_backend_init: using BLAS backend', NONE).onGpu).toBe(false)
    expect(of(ASKED, 'whisper_backend_init_gpu: using Vulkan0 backend', ASKED, NONE).onGpu).toBe(false)
  })
})
