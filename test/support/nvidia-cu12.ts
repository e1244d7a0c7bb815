import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { madeOnce } from './cache.ts'
import { wheel } from './wheels.ts'

/** What the CUDA provider of onnxruntime-gpu 1.26 asks for. */
export const CU12_WHEELS = [['nvidia-cublas-cu12', '12.8.4.1'], ['nvidia-cuda-runtime-cu12', '12.8.90'], ['nvidia-cudnn-cu12', '9.10.2.21'], ['nvidia-cufft-cu12', '11.3.3.83'], ['nvidia-curand-cu12', '10.3.9.90']] as const

/** One site directory with all of them, as pip makes it. Hard links: the 2 GB are not kept twice. */
export const nvidiaCu12 = (): string =>
  madeOnce('nvidia-cu12', (folder) => {
    mkdirSync(folder)
    for (const [name, version] of CU12_WHEELS) execFileSync('cp', ['-al', `${wheel(name, version)}/.`, folder])
  })
