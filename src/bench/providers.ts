import type { Placement } from './messages.ts'
import { loadFailure, removedProvider } from './native-stderr.ts'
import type { Provider } from './types.ts'

/** The runtime's long names, and the short ones of its JavaScript face. */
const LONG: Readonly<Record<string, string>> = {
  CPUExecutionProvider: 'cpu', CUDAExecutionProvider: 'cuda', TensorrtExecutionProvider: 'tensorrt', NvTensorRTRTXExecutionProvider: 'nv_tensorrt_rtx', WebGpuExecutionProvider: 'webgpu', DmlExecutionProvider: 'dml',
  CoreMLExecutionProvider: 'coreml', OpenVINOExecutionProvider: 'openvino', ROCMExecutionProvider: 'rocm', MIGraphXExecutionProvider: 'migraphx', XnnpackExecutionProvider: 'xnnpack', DnnlExecutionProvider: 'dnnl', QNNExecutionProvider: 'qnn',
}

export const shortName = (provider: string): string => LONG[provider] ?? Object.entries(LONG).find(([long]) => long.toLowerCase() === provider.toLowerCase())?.[1] ?? provider.toLowerCase()

/** Short or long, in any case; a long one that is not known here may be a plugin's. */
export const isProvider = (name: string): boolean => name === 'auto' || /ExecutionProvider$/i.test(name) || Object.entries(LONG).some(([long, short]) => short === name.toLowerCase() || long.toLowerCase() === name.toLowerCase())
export const PROVIDERS: readonly string[] = ['auto', ...Object.values(LONG)]

export const longName = (provider: string): string => Object.entries(LONG).find(([, short]) => short === provider)?.[0] ?? provider

/** Providers that run on the processor itself. */
const ON_CPU = new Set(['cpu', 'xnnpack', 'dnnl', 'openvino'])
export const tierOf = (provider: string): 'cpu' | 'gpu' => (ON_CPU.has(provider) ? 'cpu' : 'gpu')

/** The provider that did the work: the first of those asked for that nodes were placed on, else whichever has most. */
export function usedProvider(asked: readonly string[], placement: readonly Placement[]): string | null {
  const placed = placement.map(({ provider, nodes }) => ({ provider: shortName(provider), nodes })).filter(({ nodes }) => nodes > 0)
  const first = asked.find((name) => name !== 'cpu' && placed.some(({ provider }) => provider === name))
  return first ?? [...placed].sort((a, b) => b.nodes - a.nodes)[0]?.provider ?? null
}

/** Whether the provider that was named first was not used, be it that another one was or that none ran. */
export function missedProvider({ asked: [first], used, because }: Pick<Provider, 'asked' | 'used' | 'because'>): boolean {
  return first !== undefined && first !== 'auto' && (used === null ? because !== null : used !== first)
}

/** An error of the runtime without the place in its source. */
const plain = (error: string): string => error.replace(/^.*\/onnxruntime_src\/.* was false\. /s, '').replace(/\s+/g, ' ').trim().slice(0, 300).replace(/\.$/, '')

/** Why the provider named first was not used, from the error and the output of the process. A whole sentence. */
export function whyNot(provider: string, error: string | null, output: string, hasCudaProvider: boolean): string {
  const failure = loadFailure(output)
  if (failure !== null) {
    const file = failure.library.replace(/^.*[/\\]/, '')
    if (failure.missing !== null && failure.missing !== file) return `${file} could not be loaded because ${failure.missing} was not found.`
    if (failure.missing !== null && /providers_(shared|cuda|tensorrt)/.test(file) && !hasCudaProvider) {
      return `${file} was not found: this onnxruntime-node was installed without its CUDA libraries, so it can only use the CPU.`
    }
    if (failure.missing !== null) return `${file} was not found beside the runtime.`
    return `${file} could not be loaded: ${failure.reason.replace(/\.$/, '')}.`
  }
  if (removedProvider(output) === provider) return `This build of onnxruntime-node does not contain the provider ${provider}, so the runtime left it out.`
  if (error !== null) return `The runtime refused it: ${plain(error)}.`
  return `No node of the model was placed on ${provider}.`
}

/** The same for onnxruntime in Python, which falls back without an error. */
export function whyNotPython(provider: string, { available, version, output }: { readonly available: readonly string[]; readonly version: string; output(): string }): string {
  if (!available.includes(longName(provider))) {
    const gpu = provider === 'cuda' || provider === 'tensorrt' ? ': it is the package for the CPU (onnxruntime), not onnxruntime-gpu' : ''
    return `The onnxruntime ${version} of this Python has no ${longName(provider)} built in${gpu}.`
  }
  return whyNot(provider, null, output(), true)
}
