/** Names of NVIDIA's libraries. Sonames of each CUDA major: NVIDIA's wheels for 11, 12 and 13. */

/** Libraries of the toolkit and of cuDNN. The driver's own (libcuda, libnvidia-ml) are another matter: no toolkit brings them. */
export const isCudaLibrary = (soname: string): boolean => /^lib(?:cublas|cublasLt|cudart|cufft|cufftw|curand|cusolver|cusolverMg|cusparse|cusparseLt|nvrtc|nvrtc-builtins|nvJitLink|nvToolsExt|nccl|cupti|cudnn[a-z_]*)\.so/.test(soname)

export const isDriverLibrary = (soname: string): boolean => /^lib(?:cuda|nvidia-[a-z-]+|nvcuvid)\.so/.test(soname)

export const isCudnn = (soname: string): boolean => /^libcudnn[a-z_]*(?:-[0-9a-f]+)?\.so/.test(soname)

/** `libcublas.so.12` is stem `libcublas`, major 12. null = no number. */
export function partsOf(soname: string): { readonly stem: string; readonly major: number | null } {
  const match = /^(.+?)(?:-[0-9a-f]{6,8})?\.so(?:\.(\d+))?/.exec(soname)
  return { stem: match?.[1] ?? soname, major: match?.[2] === undefined ? null : Number(match[2]) }
}

/** The CUDA major that a set of sonames belongs to. cuFFT, cuRAND and cuDNN count in numbers of their own and say nothing. */
export function cudaMajorOf(sonames: readonly string[]): number | null {
  for (const soname of sonames) {
    const { stem, major } = partsOf(soname)
    if (major !== null && ['libcublas', 'libcublasLt', 'libcudart', 'libnvrtc', 'libnvJitLink'].includes(stem)) return major
  }
  return null
}

/** The libraries cuDNN opens by itself, by major; all of them are needed for a convolution (NVIDIA's own list, wheels of 8.9, 9.1 and 9.24). */
export const CUDNN_PARTS: Readonly<Record<number, readonly string[]>> = {
  8: ['ops_infer', 'cnn_infer', 'adv_infer'].map((part) => `libcudnn_${part}.so.8`),
  9: ['graph', 'ops', 'cnn', 'adv', 'heuristic', 'engines_precompiled', 'engines_runtime_compiled'].map((part) => `libcudnn_${part}.so.9`),
}
