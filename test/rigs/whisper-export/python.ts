import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE } from '../../support/wheels.ts'

/** What Optimum needs, from PyPI, without what it only needs for other things. PyTorch is Debian's: PyPI's drags in CUDA, several GB of it. */
const PACKAGES = [
  'transformers==4.44.2', 'optimum==1.22.0', 'tokenizers==0.19.1', 'huggingface-hub==0.24.7', 'safetensors==0.4.5', 'numpy==1.26.4', 'onnx==1.16.2', 'onnxruntime==1.19.2', 'protobuf==4.25.8', 'regex==2024.9.11', 'PyYAML==6.0.3',
  'packaging==24.1', 'filelock==3.16.1', 'tqdm==4.66.5', 'fsspec==2024.9.0', 'requests==2.32.3', 'typing_extensions==4.12.2', 'sympy==1.13.3', 'mpmath==1.3.0', 'coloredlogs==15.0.1', 'humanfriendly==10.0', 'flatbuffers==24.3.25',
  'idna==3.10', 'charset-normalizer==3.3.2', 'urllib3==2.2.3', 'certifi==2024.8.30',
]
const TORCH = '1.13.1+dfsg'

/** null = it can be had here. */
export function exporterMissing(): string | null {
  const version = spawnSync('python3', ['-c', 'import sys;print("%d.%d"%sys.version_info[:2])'], { encoding: 'utf8' }).stdout?.trim()
  if (version !== '3.11' || spawnSync('python3', ['-m', 'pip', '--version']).status !== 0) return 'needs python3 3.11 with pip'
  const found = spawnSync('apt-cache', ['policy', 'python3-torch'], { encoding: 'utf8' }).stdout ?? ''
  return found.includes(`Candidate: ${TORCH}`) && spawnSync('dpkg', ['--version']).status === 0 ? null : `needs Debian 12 with its package lists, for python3-torch ${TORCH} (apt-get update)`
}

/** The environment in which python3 has Optimum and PyTorch; both are fetched once, into the cache, and nothing is installed. */
export function exporterEnv(): NodeJS.ProcessEnv {
  const folder = join(CACHE, 'optimum-1.22.0-torch-1.13.1')
  if (!existsSync(folder)) {
    const part = `${folder}.${process.pid}.part`
    mkdirSync(join(part, 'debs'), { recursive: true })
    // The package with all that it needs and the machine has not.
    const uris = execFileSync('apt-get', ['-o', 'Debug::NoLocking=1', 'install', '--no-install-recommends', '--print-uris', '-qq', '-y', 'python3-torch'], { encoding: 'utf8' })
    const names = [...uris.matchAll(/^'[^']+' ([^_\s]+)_/gm)].map(([, name]) => name!)
    execFileSync('apt-get', ['download', '-qq', ...names], { cwd: join(part, 'debs'), stdio: ['ignore', 'ignore', 'ignore'], timeout: 300_000 })
    for (const file of execFileSync('ls', [join(part, 'debs')], { encoding: 'utf8' }).trim().split('\n')) execFileSync('dpkg', ['-x', join(part, 'debs', file), join(part, 'torch')])
    execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--root-user-action=ignore', '--no-deps', '--only-binary=:all:', '--target', join(part, 'site'), ...PACKAGES], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 })
    rmSync(join(part, 'debs'), { recursive: true })
    if (existsSync(folder)) rmSync(part, { recursive: true })
    else renameSync(part, folder)
  }
  const lib = join(folder, 'torch/usr/lib')
  const triple = join(lib, 'x86_64-linux-gnu')
  return {
    ...process.env,
    LD_LIBRARY_PATH: [lib, triple, join(lib, 'ogdi/4.1'), join(triple, 'blas'), join(triple, 'lapack'), join(triple, 'openblas-pthread')].join(':'),
    PYTHONPATH: [join(folder, 'site'), join(lib, 'python3/dist-packages')].join(':'),
    HF_HUB_OFFLINE: '1', USE_TF: '0', USE_FLAX: '0',
  }
}
