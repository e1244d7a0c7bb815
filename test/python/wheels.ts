import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { wheel } from '../support/wheels.ts'

/** Every CPython from 3.6 on at hand, oldest first: of pyenv one of each minor version, and the distribution's. */
export const pythons: readonly { readonly path: string; readonly minor: number }[] = (() => {
  const pyenv = process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv')
  const versions = existsSync(join(pyenv, 'versions')) ? readdirSync(join(pyenv, 'versions')) : []
  const candidates = [...versions.map((version) => join(pyenv, 'versions', version, 'bin/python')), '/usr/local/bin/python3', '/usr/bin/python3']
  const found: { path: string; minor: number }[] = []
  for (const path of candidates.filter((candidate) => existsSync(candidate))) {
    const [major, minor] = execFileSync(path, ['-c', 'import sys; sys.stdout.write("%d %d" % sys.version_info[:2])'], { encoding: 'utf8' }).split(' ').map(Number)
    // The distribution's own differs from a plain build of the same version: it has dist-packages.
    if (major === 3 && minor! >= 6 && (path === '/usr/bin/python3' || !found.some((one) => one.minor === minor))) found.push({ path, minor: minor! })
  }
  return found.sort((a, b) => a.minor - b.minor)
})()

export const newest = pythons.at(-1)?.path ?? 'python3'

export function pythonMissing(): string | null {
  if (process.platform !== 'linux') return 'needs Linux'
  return pythons.length === 0 ? 'no Python 3: apt-get install python3 python3-pip python3-venv' : null
}

/** Genuine NVIDIA wheels, the small ones. The file lists were read with `unzip -l`. */
export const WHEELS = {
  /** CUDA 12.9.0: the last of this wheel with nvidia/__init__.py, nvidia/cuda_runtime/__init__.py and nvidia/cuda_runtime/lib/__init__.py. */
  runtimeWithInit: 'nvidia-cuda-runtime-cu12==12.9.37',
  /** CUDA 12.9.1: the next, without any. (cuBLAS dropped them one release earlier, in 12.9.0.13.) */
  runtimeWithoutInit: 'nvidia-cuda-runtime-cu12==12.9.79',
  nvtxWithInit: 'nvidia-nvtx-cu12==12.8.90',
  nvtxWithoutInit: 'nvidia-nvtx-cu12==12.9.79',
  /** CUDA 13: nvidia/cu13/lib. */
  runtime13: 'nvidia-cuda-runtime==13.0.96',
} as const

/** The unpacked wheel in the cache of the tests. */
export const unpacked = (requirement: string, keep?: string): string => {
  const [name, version] = requirement.split('==') as [string, string]
  return wheel(name, version, keep)
}

/** Puts wheels into a site directory as an installer would: a wheel of one platform is its site directory, zipped (PEP 427). */
export function install(site: string, ...requirements: readonly string[]): void {
  mkdirSync(site, { recursive: true })
  for (const requirement of requirements) cpSync(unpacked(requirement), site, { recursive: true })
}

export function wheelsMissing(requirements: readonly string[] = Object.values(WHEELS)): string | null {
  const python = pythonMissing()
  if (python !== null) return python
  try {
    for (const requirement of requirements) unpacked(requirement)
    return null
  } catch (error) {
    return `wheels could not be downloaded from the package index: ${String(error).split('\n')[0]}`
  }
}
