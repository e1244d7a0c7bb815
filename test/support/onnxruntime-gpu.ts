import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { madeOnce } from './cache.ts'

export const STANDIN_RIG = fileURLToPath(new URL('../rigs/cuda-standin/', import.meta.url))
export const GPU_VERSION = '1.23.2'

const runs = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0

/** Why the genuine onnxruntime-gpu cannot be run over stand-in CUDA libraries here; null = it can. */
export function onnxruntimeGpuMissing(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86-64'
  if (!runs('gcc', '--version') || !runs('readelf', '--version')) return 'needs gcc and readelf: apt-get install gcc binutils'
  return runs('python3', '-m', 'pip', '--version') ? null : 'needs python3 with pip'
}

/** A site directory with onnxruntime-gpu and numpy from PyPI, for the python3 on PATH. */
export const onnxruntimeGpu = (): string =>
  madeOnce(`site-onnxruntime-gpu-${GPU_VERSION}`, (folder) =>
    execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', folder, `onnxruntime-gpu==${GPU_VERSION}`, 'numpy'], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 }))

/** A folder of libraries with the names and symbols that its CUDA provider links, which do nothing: nodes are placed, none is run. */
export const cudaStandin = (): string =>
  madeOnce(`standin-cuda-${GPU_VERSION}`, (folder) =>
    execFileSync('python3', [join(STANDIN_RIG, 'libraries.py'), join(onnxruntimeGpu(), 'onnxruntime/capi/libonnxruntime_providers_cuda.so'), folder], { stdio: ['ignore', 'ignore', 'inherit'] }))
