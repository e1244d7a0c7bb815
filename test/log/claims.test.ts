import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import gpuError from '../../checks/log/gpu-error.ts'
import gpuIdle from '../../checks/log/gpu-idle.ts'
import type { Signs } from '../../src/verdict/signs.ts'
import { verdictOf } from '../../src/verdict/verdict.ts'
import { weighed } from '../../src/verdict/weigh.ts'
import { scanned } from './scanned.ts'

const genuine = (name: string) => readFileSync(new URL(`../../fixtures/logs/${name}.txt`, import.meta.url), 'utf8')
const signs = (text: string): Signs => ({ logs: [{ asked: 'digest log x', name: 'x', reading: scanned(Buffer.from(text)) }], models: [], profiles: [], concerns: true, usesOnnx: true, onnxRuntime: null, asks: null, gpuPresent: null, provider: null, unit: null, outcomes: new Map() })
const confirmed = (text: string) => weighed(signs(text)).filter(({ state }) => state === 'confirmed').map(({ id }) => id)
const ids = (text: string) => Object.keys(scanned(Buffer.from(text)).counts)

describe('no line claims more than it says', () => {
  it('a node that failed while it ran is no provider that could not be loaded', () => {
    expect(confirmed(genuine('onnxruntime-gpu-1.23.2-failed-while-running'))).toEqual(['cuda-call-failed'])
    expect(confirmed(genuine('onnxruntime-gpu-1.23.2-no-driver'))).toContain('provider-not-loaded')
  })

  it('a retry on the CPU behind want of memory is want of memory', () => {
    expect(confirmed('RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB.\nRetrying with CPU mode')).toEqual(['gpu-out-of-memory'])
  })

  // The words are those of dll_load_error.cc and provider_bridge_ort.cc, with the name of the other provider.
  it.each(['LoadLibrary failed with error 126 "The specified module could not be found." when trying to load "C:\\Python\\Python39\\lib\\site-packages\\onnxruntime\\capi\\onnxruntime_providers_tensorrt.dll"', 'Error loading "C:\\venv\\onnxruntime\\capi\\onnxruntime_providers_tensorrt.dll" which depends on "nvinfer_10.dll" which is missing.'])('a DLL of TensorRT is not CUDA: %s', (line) => {
    expect(confirmed(line)).toEqual([])
    expect(confirmed(line.replace('tensorrt', 'cuda'))).toEqual(['provider-not-loaded'])
  })

  it('a retry on the CPU that is not made is none', () => {
    expect(ids('WARN not retrying on CPU: GPU memory is free again')).toEqual([])
    expect(ids('WARN out of memory, retrying on CPU')).toEqual(['cpu-retry'])
  })

  it('a code in the address of a request is none with which a process ended', () => {
    expect(ids('10.0.0.1 - - "GET /docs?q=exit status 137 HTTP/1.1" 200')).toEqual([])
    expect(ids('worker 7: exit status 137')).toEqual(['exit-code'])
  })

  // k2-fsa/sherpa-onnx csrc/session.cc: the branch of XNNPACK has the same last words.
  it('sherpa-onnx without another accelerator is not without CUDA', () => {
    expect(ids('/p/sherpa-onnx/csrc/session.cc:GetSessionOptionsImpl:437 Available providers: CPUExecutionProvider, . Fallback to cpu!')).toEqual([])
    expect(confirmed(genuine('sherpa-onnx-2.0.1-cuda-asked-of-cpu-wheel'))).toEqual(['cpu-only-runtime'])
  })

  it('torch without a driver is no error where another engine does the speech, and one where none does', () => {
    const judged = (text: string) => gpuError.run({ target: { kind: 'pid', pid: 7 }, logs: [{ asked: 'x', name: 'x', reading: { known: true, value: {} } }], session: signs(text) } as never)
    const torch = genuine('torch-1.12.1-no-driver')
    expect(judged(`${torch}\n[ctranslate2] [thread 1] [info] Loaded model /m on device cpu\n`)).toMatchObject([{ severity: 'info' }])
    expect(judged(torch)).toMatchObject([{ severity: 'error' }])
  })

  it('another provider that onnxruntime-node does without is not CUDA', () => {
    expect(confirmed('removing requested execution provider "webgpu" from session options because it is not available: backend not found.')).toEqual([])
    expect(confirmed(genuine('onnxruntime-web-1.22.0-cuda'))).toEqual(['cpu-only-runtime'])
  })

  it.each(['Troubleshooting: if torch says "No CUDA GPUs are available", restart.', '    raise AssertionError("Torch not compiled with CUDA enabled")', 'Hint: “Found no NVIDIA driver on your system” means that …', 'whisper: the docs say Torch not compiled with CUDA enabled'])('words that are only quoted are no failure: %s', (line) => expect(ids(line)).toEqual([]))

  it('a factor that sherpa-onnx printed proves no right text, and no GPU', () => {
    expect(verdictOf(signs('Real time factor (RTF): 0.325 / 4.352 = 0.075'))).toMatchObject({ onGpu: null, tier: null })
  })

  it('a result that merely follows a stop is no crash', () => {
    expect(ids("asr.service: Failed with result 'exit-code'.")).toEqual([])
    expect(ids("asr.service: Failed with result 'oom-kill'.")).toEqual(['systemd-result'])
  })
})

describe('log/gpu-error', () => {
  const causes = (text: string) => {
    const { outcomes: _, ...session } = signs(text)
    const found = gpuError.run({ target: { kind: 'shell', files: { logs: ['x'], profiles: [], models: [] } }, logs: [{ asked: 'digest log x', name: 'x', reading: { known: true, value: session.logs[0]!.reading } }], session } as never)
    return (found as readonly { readonly cause: string }[]).map(({ cause }) => cause)
  }

  it('says of a driver that does not start which of the three it is', () => {
    expect(causes(genuine('ctranslate2-4.6.0-driver-not-started'))).toEqual([
      'CUDA error 802: the driver is not ready; on a machine with NVSwitch its fabric manager does not run.',
      'CUDA error 803: libcuda.so.1 and the kernel module of the driver are of two versions.',
      'CUDA error 804: the libcuda.so.1 that is found is one for forward compatibility, which only cards for data centres take; that of the driver must come first.',
    ])
  })
})

describe('log/gpu-idle', () => {
  const run = (text: string) => gpuIdle.run({ target: { kind: 'shell', files: { logs: ['x'], profiles: [], models: [] } }, logs: [{ asked: 'digest log x', name: 'x', reading: { known: true, value: signs(text).logs[0]!.reading } }], session: signs(text) } as never)

  it('is silent where one moment was busy, and where no memory is taken', () => {
    expect(run('SM=2% 💾 VRAM=69.5%\nSM=88% 💾 VRAM=69.5%\nSM=1% 💾 VRAM=69.5%')).toEqual([])
    expect(run('SM=0% 💾 VRAM=1.5%')).toEqual([])
    expect(run('SM=2% 💾 VRAM=69.5%\nSM=3% 💾 VRAM=69.5%')).toMatchObject([{ severity: 'info' }])
  })
})

describe('what is summed is summed over all lines', () => {
  const placed = (nodes: number) => `2026-11-21 07:38:44 [V:onnxruntime:, session_state.cc:1299 VerifyEachNodeIsAssignedToAnEp]  All nodes placed on [CUDAExecutionProvider]. Number of nodes: ${nodes}\n`

  it('eight graphs of ten nodes are eighty', () => {
    expect(verdictOf(signs(placed(10).repeat(8)))).toMatchObject({ onGpu: true, because: 'The log places 80 nodes on CUDA and none on the CPU.' })
  })
})

describe('engines at work on a GPU, as others have published them', () => {
  const FOLDER = new URL('../../fixtures/incidents/', import.meta.url)

  it.each(readdirSync(FOLDER).filter((file) => file.startsWith('healthy-')))('%s: no fault is seen', (file) => {
    const text = readFileSync(new URL(file, FOLDER), 'utf8')
    expect(weighed(signs(text)).filter(({ state }) => state !== 'refuted')).toEqual([])
    expect(verdictOf(signs(text)).onGpu).not.toBe(false)
  })
})
