/**
 * Where the providers of ONNX Runtime do their work, by the names that it gives them (onnxruntime/core/graph/constants.h). DirectML,
 * WebGPU, OpenVINO and CoreML take a GPU or another device, by what they find, so that the name alone tells nothing.
 */
const GPU = /^(?:CUDA|Tensorrt|NvTensorRTRTX|ROCM|MIGraphX)ExecutionProvider$/
const CPU = /^(?:CPU|Dnnl|XNNPACK)ExecutionProvider$/

export const sideOf = (provider: string): 'gpu' | 'cpu' | 'untold' => (GPU.test(provider) ? 'gpu' : CPU.test(provider) ? 'cpu' : 'untold')
export const onGpu = (provider: string): boolean => sideOf(provider) === 'gpu'

/** The files in which those for a GPU lie. */
export const isGpuProviderFile = (path: string): boolean => /\/libonnxruntime_providers_(?:cuda|tensorrt|nv_tensorrt_rtx|rocm|migraphx)\.so/.test(path)
