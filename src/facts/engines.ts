import type { Fact } from '../types.ts'

export type Engine = 'onnxruntime' | 'ctranslate2' | 'ggml' | 'torch' | 'sherpa-onnx' | 'other'

/** One library that decides whether the target's speech engine can use the GPU: an execution provider, or the engine itself. */
export interface EngineLibrary {
  readonly engine: Engine
  /** As the target names it, without a `/proc/PID/root` prefix. */
  readonly path: string
  /** The engine's version where a file name, a symbol version or a dist-info tells it. */
  readonly version: string | null
  /** It stands in /proc/PID/maps now. */
  readonly loaded: boolean
  /** The question that led to it, for evidence. */
  readonly foundBy: string
  /** The CUDA major it is built for, from the sonames it asks for; null = it asks for none (a CPU build). */
  readonly cudaMajor: number | null
  /** What the loader will be asked for, DT_NEEDED and known dlopen(3) calls together. */
  readonly wants: readonly { readonly soname: string; readonly how: 'needed' | 'dlopen'; readonly optional: boolean }[]
}

/** The engine libraries of the target. Empty = none found (which is not yet proof that it uses none). */
export const engines: Fact<readonly EngineLibrary[]> = {
  id: 'engines',
  about: 'the speech runtimes the target loads or lies beside',
  gather: async () => [],
}
