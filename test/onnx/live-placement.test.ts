import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { describeWith } from '../support/rig.ts'
import { CACHE } from '../support/wheels.ts'
import { MODELS } from './read.ts'

const RIG = fileURLToPath(new URL('../rigs/cuda-standin/', import.meta.url))
const VERSION = '1.23.2'
const SITE = join(CACHE, `onnxruntime-gpu-${VERSION}`)

const runs = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0
const missing = !runs('gcc', '--version') || !runs('readelf', '--version') ? 'needs gcc and readelf: apt-get install gcc binutils' : !runs('python3', '-m', 'pip', '--version') ? 'needs python3 with pip' : process.platform !== 'linux' || process.arch !== 'x64' ? 'needs Linux on x86-64' : null

/** The recorded placements again, by the genuine wheel: what the other tests are measured by is itself what ONNX Runtime does. */
describeWith('onnxruntime-gpu over stand-in CUDA libraries', missing, () => {
  it(`${VERSION} assigns the nodes as recorded`, () => {
    if (!existsSync(join(SITE, 'onnxruntime'))) {
      mkdirSync(CACHE, { recursive: true })
      execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', SITE, `onnxruntime-gpu==${VERSION}`, 'numpy'], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 })
    }
    const libraries = join(CACHE, `cuda-standin-${VERSION}`)
    execFileSync('python3', [join(RIG, 'libraries.py'), join(SITE, 'onnxruntime/capi/libonnxruntime_providers_cuda.so'), libraries], { stdio: ['ignore', 'ignore', 'inherit'] })
    const models = readdirSync(MODELS).filter((file) => file.endsWith('.onnx'))
    const ran = spawnSync('python3', [join(RIG, 'place.py'), 'off', ...models], { cwd: fileURLToPath(MODELS), env: { ...process.env, PYTHONPATH: SITE, LD_LIBRARY_PATH: libraries }, encoding: 'utf8', maxBuffer: 256 << 20 })
    expect(ran.status, ran.stderr.slice(-2000)).toBe(0)
    const recorded = JSON.parse(readFileSync(new URL('placements.json', MODELS), 'utf8')) as Record<string, Record<string, object>>
    const told = placements(ran.stderr)
    for (const model of Object.keys(recorded)) expect(told[model], model).toEqual(recorded[model]![`${VERSION} off`])
  }, 600_000)
})

/** `Node(s) placed on [X]. Number of nodes: N` and the operators under it, for each model of the log. */
function placements(log: string): Record<string, { nodes: number; cpu: Record<string, number>; copies: number }> {
  const all: Record<string, { nodes: number; cpu: Record<string, number>; copies: number }> = {}
  for (const part of log.split('=== ').slice(1)) {
    const model = part.slice(0, part.indexOf('\n')).trim()
    const told = { nodes: 0, cpu: {} as Record<string, number>, copies: 0 }
    let provider = ''
    for (const line of part.split('\n')) {
      const placed = /(?:nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/.exec(line)
      if (placed) {
        provider = placed[1]!
        told.nodes += Number(placed[2])
        continue
      }
      const op = /VerifyEachNodeIsAssignedToAnEp\] {3}(\w+) \(/.exec(line)?.[1]
      if (op === undefined) continue
      if (op.startsWith('Memcpy')) told.copies++
      else if (provider === 'CPUExecutionProvider') told.cpu[op] = (told.cpu[op] ?? 0) + 1
    }
    all[model] = { ...told, nodes: told.nodes - told.copies }
  }
  return all
}
