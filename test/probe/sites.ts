import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gatherer } from '../../src/gather.ts'
import { probe, type Probe } from '../../src/facts/probe.ts'
import type { Env, Target } from '../../src/types.ts'
import { hostHere } from '../support/diagnose.ts'
import { pythons } from '../python/wheels.ts'
import { madeOnce } from '../support/cache.ts'
import { onnxruntimeGpu, STANDIN_RIG } from '../support/onnxruntime-gpu.ts'
import { wheel } from '../support/wheels.ts'

const RIGS = fileURLToPath(new URL('../rigs/', import.meta.url))

/** The wheels are for CPython 3.11. */
export const PYTHON = pythons.find(({ minor }) => minor === 11)?.path ?? null

export function probingMissing(): string | null {
  const runs = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86-64'
  if (PYTHON === null) return 'needs CPython 3.11 with venv: apt-get install python3 python3-venv'
  return runs('gcc', '--version') && runs('readelf', '--version') && runs('python3', '-m', 'pip', '--version') ? null : 'needs gcc, readelf and python3 with pip: apt-get install gcc binutils python3-pip'
}

export const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-probe-'))

/** Genuine wheels, each unpacked as site-packages. */
export const SITES = {
  numpy: () => wheel('numpy', '2.2.6'),
  onnxruntime: () => wheel('onnxruntime', '1.30.0'),
  onnxruntimeGpu,
  onnxruntimeGpu22: () => wheel('onnxruntime-gpu', '1.22.0'),
  ctranslate2: () => merged('ctranslate2-4.6.0', wheel('ctranslate2', '4.6.0'), wheel('pyyaml', '6.0.2')),
  sherpa: () => wheel('sherpa-onnx', '2.0.1'),
  sherpaCore: () => wheel('sherpa-onnx-core', '2.0.1'),
  whisperCpp: () => wheel('pywhispercpp', '1.5.1'),
} as const

let made = 0

/** A virtual environment over these site directories, the first before the others. */
export function venv(...sites: readonly string[]): string {
  const place = join(folder, `venv${made++}`)
  execFileSync(PYTHON!, ['-m', 'venv', '--without-pip', place])
  // sherpa-onnx looks for its core library beside itself, so wheels that belong together lie in one folder.
  writeFileSync(join(place, 'lib/python3.11/site-packages/sites.pth'), `${sites.join('\n')}\n`)
  return join(place, 'bin/python')
}

/** Two wheels in one site directory, by hard links. */
export const merged = (name: string, ...sites: readonly string[]): string =>
  madeOnce(join('sites', name), (folder) => {
    mkdirSync(folder)
    for (const each of sites) execFileSync('cp', ['-alf', `${each}/.`, folder])
  })

/** A package that does as it is told when it is imported. */
export function pretending(name: string, text: string): string {
  const site = join(folder, `site${made++}`)
  mkdirSync(join(site, name), { recursive: true })
  writeFileSync(join(site, name, '__init__.py'), text)
  return site
}

/** Libraries in place of CUDA's, as a provider asks for them (test/rigs/cuda-standin), but for those left out. */
export function standIns(provider: string, name: string, ...leftOut: readonly string[]): string {
  return madeOnce(`standin-probe-${name}`, (folder) => {
    execFileSync('python3', [join(STANDIN_RIG, 'libraries.py'), provider, folder], { stdio: ['ignore', 'ignore', 'inherit'] })
    for (const each of leftOut) rmSync(join(folder, each))
  })
}

export function nvml(): string {
  const place = join(folder, 'nvml')
  if (!existsSync(place)) {
    mkdirSync(place)
    execFileSync('gcc', ['-shared', '-fPIC', '-o', join(place, 'libnvidia-ml.so.1'), join(RIGS, 'nvml/nvml.c')])
  }
  return place
}

/** An interpreter that sets variables for itself and nobody else, as a unit's Environment= would. */
export function withEnv(python: string, env: Env): string {
  const at = join(folder, `python${made++}`)
  writeFileSync(at, `#!/bin/sh\n${Object.entries(env).map(([name, value]) => `export ${name}='${value}'`).join('\n')}\nexec '${python}' "$@"\n`)
  chmodSync(at, 0o755)
  return at
}

export const target = (python: string, seconds = 60): Target => ({ kind: 'python', path: python, probe: { seconds } })

/** The fact, on this machine. */
export const probed = (python: string, seconds = 60): Promise<Probe> => gatherer(hostHere(target(python, seconds), 90_000))(probe)
