import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import * as ort from 'onnxruntime-node'
import { clipWav } from '../../src/bench/audio/clip.ts'
import { inMemory } from '../../src/bench/audio/source.ts'
import { readWav } from '../../src/bench/audio/wav.ts'
import type { Opened } from '../../src/bench/audio/load.ts'
import { recognised } from '../../src/bench/recogniser/recognise.ts'
import { REPOSITORY } from '../support/box.ts'
import { wheel } from '../support/wheels.ts'

export const SPEECH = readWav(inMemory(clipWav())).samples
/** The 11 s that the weights of the tiny models were chosen on (test/rigs/speech-exports). */
export const CLIP = SPEECH.slice(16_000, 12 * 16_000)

const PACKED = join(REPOSITORY, 'fixtures/models/speech')
/** sherpa-onnx's and onnx-asr's layouts have these graphs in common; only their metadata is sherpa-onnx's. */
const SAME = { 'onnx-asr-rnnt/encoder-model.onnx': 'nemo-rnnt/encoder.onnx', 'onnx-asr-tdt/encoder-model.onnx': 'nemo-tdt/encoder.onnx', 'onnx-asr-ctc/model.onnx': 'nemo-ctc/model.onnx' }

/** The tiny models as their users have them, each in a folder of its own. */
export function unpackModels(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-models-'))
  for (const name of readdirSync(PACKED)) {
    mkdirSync(join(folder, name))
    for (const file of readdirSync(join(PACKED, name))) {
      if (file.endsWith('.br')) writeFileSync(join(folder, name, file.slice(0, -3)), brotliDecompressSync(readFileSync(join(PACKED, name, file))))
      else copyFileSync(join(PACKED, name, file), join(folder, name, file))
    }
  }
  for (const [to, from] of Object.entries(SAME)) copyFileSync(join(folder, from), join(folder, to))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** One run of a model on samples, with the runtime that the tests have. */
export async function heardBy(path: string, samples: Float32Array) {
  const network = await recognised(path)
  const sessions: Record<string, ort.InferenceSession> = {}
  for (const [part, graph] of Object.entries(network.graphs)) sessions[part] = await ort.InferenceSession.create(graph as string)
  const run = await network.pipeline(ort, sessions)({ decode: () => ({ samples }) } as unknown as Opened)
  for (const session of Object.values(sessions)) await session.release()
  return run
}

export const python = spawnSync('python3', ['-c', 'import sys;print("%d.%d"%sys.version_info[:2])'], { encoding: 'utf8' }).stdout?.trim() ?? ''
export const noPython = ['3.10', '3.11', '3.12', '3.13'].includes(python) && spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ? null : 'needs python3 from 3.10 to 3.13 with pip'

/** Runs Python with genuine wheels and nothing else. The last line of its output is JSON. */
export function byPython(code: string, wheels: readonly (readonly [name: string, version: string, keep?: string])[], ...args: readonly string[]): any {
  const folders = wheels.map(([name, version, keep]) => wheel(name, version, keep, python))
  // sherpa-onnx's libraries are in a wheel of their own and expect to lie in one folder with it.
  const libraries = folders.map((folder) => join(folder, 'sherpa_onnx', 'lib')).join(':')
  const ran = spawnSync('python3', ['-c', code, ...args], { encoding: 'utf8', env: { ...process.env, PYTHONPATH: folders.join(':'), LD_LIBRARY_PATH: libraries }, timeout: 300_000, maxBuffer: 64 << 20 })
  if (ran.status !== 0) throw new Error(`python ended with ${ran.status ?? ran.signal}: ${ran.stderr.slice(-2000)}`)
  return JSON.parse(ran.stdout.trim().split('\n').at(-1)!)
}

export const NUMPY = ['numpy', '2.2.6'] as const
export const ONNXRUNTIME = ['onnxruntime', '1.23.2'] as const
