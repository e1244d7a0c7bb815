import { known } from '../cannot-see.ts'
import type { Evidence, Fact } from '../types.ts'
import { onThisMachine } from './driver-scope.ts'
import { engines } from './engines.ts'
import { gpuIntent } from './gpu-intent.ts'
import { target } from './target.ts'

/** How firmly the target counts on CUDA. */
export interface GpuWish {
  /**
   * `asked`: words, variables or its memory ask for the GPU. `built`: it has an engine that somebody chose for CUDA (onnxruntime-gpu,
   * a CUDA build of ggml), and nothing says that it is to be used. `none`: neither; wheels that are the same for CPU and GPU, those
   * of CTranslate2 and PyTorch, count for nothing by themselves. `cpu`: it asks for the CPU.
   */
  readonly strength: 'asked' | 'built' | 'none' | 'cpu'
  /** The CUDA majors its engines are built for, and what shows it. */
  readonly majors: readonly { readonly major: number; readonly path: string; readonly evidence: Evidence }[]
  readonly evidence: readonly Evidence[]
}

export const gpuWish: Fact<GpuWish> = {
  id: 'gpu-wish',
  about: 'how firmly the target counts on CUDA',
  gather: async (_host, use) => {
    await onThisMachine(use)
    const [asked, intent, libraries] = await Promise.all([use(target), use(gpuIntent), known(use(engines))])
    const cuda = (libraries.known ? libraries.value : []).filter(({ cudaMajor }) => cudaMajor !== null)
    const majors = cuda.map(({ cudaMajor, path, foundBy }) => ({ major: cudaMajor!, path, evidence: { source: foundBy, saw: path } }))
    const seen = majors.map(({ evidence }) => evidence)
    if (asked.kind === 'library') return { strength: cuda.length > 0 ? 'asked' : 'none', majors, evidence: seen }
    if (intent.asks === 'cpu') return { strength: 'cpu', majors, evidence: intent.evidence }
    if (intent.asks === 'gpu') return { strength: 'asked', majors, evidence: [...intent.evidence, ...seen] }
    const chosen = cuda.some(({ engine }) => engine !== 'ctranslate2' && engine !== 'torch')
    return { strength: chosen ? 'built' : 'none', majors, evidence: chosen ? seen : [] }
  },
}
