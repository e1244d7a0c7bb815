import { loadFailure, removedProvider } from '../native-stderr.ts'
import { longName, whyNot, whyNotPython } from '../providers.ts'

/**
 * Whether an error says that the device or a library of its own cannot be used at all, and not that the model is wrong or too
 * large for it. The words of CTranslate2, PyTorch, ONNX Runtime, CUDA (cudaGetErrorString) and cuDNN.
 */
export const refusesDevice = (error: string): boolean =>
  /not compiled with CUDA|CUDA driver version is insufficient|no CUDA-capable device|CUDA-capable device\(s\) is\/are busy or unavailable|Found no NVIDIA driver|NVIDIA driver on your system is too old|No CUDA GPUs are available|no kernel image is available|unsupported display driver \/ cuda driver combination|forward compatibility was attempted on non supported HW|system not yet initialized|invalid device ordinal|Library \S+ is not found or cannot be loaded|Unable to load any of \{libcudnn|lib(cu|nv)\S*: cannot open shared object file|CUDA unknown error/.test(error)

/** The same of a provider of ONNX Runtime, from its error and what it printed: the provider is not there, or its device is not. */
export const refusesProvider = (provider: string, error: string, output: string): boolean =>
  loadFailure(output) !== null || removedProvider(output) === provider || refusesDevice(error) ||
  // onnxruntime-node: a provider that cannot even be named to the session, one that it does not know, one without an adapter.
  /^OrtSessionOptionsAppendExecutionProvider_|\bbackend not found\b|Failed to get a WebGPU adapter/.test(error)

/** An error of ONNX Runtime without its place in the source; of a device's (CudaCall of providers/cuda/cuda_call.cc), only what that said. */
export const plainError = (error: string): string =>
  /\b(?:CUDA|CUDNN|CUBLAS|CUFFT|CURAND) failure \d+: [^;]*[^;\s]/.exec(error)?.[0] ??
  error.replace(/\s+/g, ' ').replace(/^.*?\/onnxruntime_src\/\S+:\d+ [^()]*\((?:[^()]|\([^()]*\))*\)(?: const)?(?: \[with [^\]]*\])? /, '').trim()

/** Python's onnxruntime catches an error of a GPU's provider, prints it, and goes on with the CPU (onnxruntime_inference_collection.py). */
export const caughtError = (output: string): string | null => /^EP Error (.*?) (?:when )?using \[/ms.exec(output)?.[1] ?? null

/** Why the onnxruntime of a Python did not take a provider. `error`: what it threw, where it threw. A whole sentence. */
export function whyPythonDidNot(provider: string, { available, version, output, error }: { readonly available: readonly string[]; readonly version: string; readonly output: string; readonly error: string | null }): string {
  const thrown = caughtError(output) ?? error
  if (!available.includes(longName(provider)) || thrown === null) return whyNotPython(provider, { available, version, output: () => output })
  return whyNot(provider, plainError(thrown), output, true)
}
