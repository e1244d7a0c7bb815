/** What a file is to a speech engine, from its name and its linkage. */
import { basename } from '../paths.ts'
import type { Linkage } from '../types.ts'
import { cudaMajorOf, isCudaLibrary } from './cuda-names.ts'
import type { Engine, EngineLibrary } from './engines.ts'

interface Pattern {
  readonly engine: Engine
  readonly name: RegExp
  /** The engine itself, or the part that does the work on the GPU. */
  readonly part: 'core' | 'gpu'
}

const PATTERNS: readonly Pattern[] = [
  { engine: 'onnxruntime', part: 'gpu', name: /^libonnxruntime_providers_cuda\.so$/ },
  { engine: 'onnxruntime', part: 'core', name: /^(?:libonnxruntime\.so(?:\.[\d.]+)?|onnxruntime_pybind11_state[\w.-]*\.so|onnxruntime_binding\.node)$/ },
  { engine: 'ctranslate2', part: 'gpu', name: /^libctranslate2(?:-[0-9a-f]+)?\.so(?:\.[\d.]+)?$/ },
  { engine: 'ggml', part: 'gpu', name: /^libggml-cuda\.so(?:\.[\d.]+)?$/ },
  { engine: 'ggml', part: 'core', name: /^lib(?:ggml|ggml-base|ggml-cpu|whisper)\.so(?:\.[\d.]+)?$/ },
  { engine: 'torch', part: 'gpu', name: /^libtorch_cuda\.so$/ },
  { engine: 'torch', part: 'core', name: /^libtorch_cpu\.so$/ },
  { engine: 'sherpa-onnx', part: 'core', name: /^(?:libsherpa-onnx-(?:core|c-api|cxx-api)\.so|_sherpa_onnx[\w.-]*\.so)$/ },
]

export const patternOf = (path: string): Pattern | null => PATTERNS.find(({ name }) => name.test(basename(path))) ?? null

/** What the loader will be asked for by this file, in its own order. */
export function wantsOf(path: string, linkage: Linkage & { format: 'elf' }, version: string | null): EngineLibrary['wants'] {
  const needed = linkage.needed.map((soname) => ({ soname, how: 'needed', optional: false }) as const)
  return [...needed, ...openedLater(path, linkage.needed, version)]
}

/**
 * What no DT_NEEDED shows. ONNX Runtime 1.28 and later links neither cuDNN nor cuFFT and opens them when an operator asks
 * (microsoft/onnxruntime#29252). CTranslate2's wheels open cuBLAS at the first use (src/cuda/cublas_stub.cc): libcublas.so.11 in
 * 3.x, libcublas.so.12 from 4.0 on, as their own bytes say (3.24.0, 4.4.0, 4.6.0, 4.6.3, 4.8.1).
 */
function openedLater(path: string, needed: readonly string[], version: string | null): EngineLibrary['wants'] {
  const name = basename(path)
  const major = cudaMajorOf(needed)
  if (name === 'libonnxruntime_providers_cuda.so') {
    // ONNX Runtime loads the bridge from its own folder first, by path (provider_bridge_ort.cc).
    const bridge = { soname: 'libonnxruntime_providers_shared.so', how: 'dlopen', optional: false } as const
    if (major === null || needed.some((soname) => soname.startsWith('libcudnn'))) return [bridge]
    return [bridge, { soname: 'libcudnn.so.9', how: 'dlopen', optional: true }, { soname: major >= 13 ? 'libcufft.so.12' : 'libcufft.so.11', how: 'dlopen', optional: true }]
  }
  const wheel = /^libctranslate2-[0-9a-f]+\.so/.test(name)
  if (wheel && version !== null && !needed.some((soname) => soname.startsWith('libcublas'))) {
    return [{ soname: Number.parseInt(version, 10) >= 4 ? 'libcublas.so.12' : 'libcublas.so.11', how: 'dlopen', optional: false }]
  }
  return []
}

/** The version a file's own name or its symbol versions tell: libonnxruntime.so.1.30.0, VERS_1.30.0. */
export function versionOf(path: string, linkage: Linkage | null): string | null {
  const named = /\.so\.(\d+\.\d+(?:\.\d+)?)$/.exec(basename(path))?.[1]
  if (named !== undefined) return named
  if (linkage?.format !== 'elf') return null
  return linkage.versionsDefined.map((version) => /^VERS_(\d+\.\d+(?:\.\d+)?)$/.exec(version)?.[1]).find((version) => version !== undefined) ?? null
}

export const asksForCuda = (wants: EngineLibrary['wants']): number | null => cudaMajorOf(wants.map(({ soname }) => soname).filter(isCudaLibrary))
