import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { cudaStandin, GPU_VERSION as VERSION, onnxruntimeGpu, onnxruntimeGpuMissing, STANDIN_RIG } from '../support/onnxruntime-gpu.ts'
import { describeWith } from '../support/rig.ts'
import { MODELS } from './read.ts'

/** The recorded placements again, by the genuine wheel: what the other tests are measured by is itself what ONNX Runtime does. */
describeWith('onnxruntime-gpu over stand-in CUDA libraries', onnxruntimeGpuMissing(), () => {
  it(`${VERSION} assigns the nodes as recorded`, () => {
    const [site, libraries] = [onnxruntimeGpu(), cudaStandin()]
    const place = (folder: string, recordedIn: URL): void => {
      const models = readdirSync(folder).filter((file) => file.endsWith('.onnx'))
      const ran = spawnSync('python3', [join(STANDIN_RIG, 'place.py'), 'off', ...models], { cwd: folder, env: { ...process.env, PYTHONPATH: site, LD_LIBRARY_PATH: libraries }, encoding: 'utf8', maxBuffer: 256 << 20 })
      expect(ran.status, ran.stderr.slice(-2000)).toBe(0)
      const recorded = JSON.parse(readFileSync(recordedIn, 'utf8')) as Record<string, Record<string, object>>
      const told = placements(ran.stderr)
      for (const model of Object.keys(recorded)) expect(told[model], model).toEqual(recorded[model]![`${VERSION} off`])
    }
    place(fileURLToPath(MODELS), new URL('placements.json', MODELS))
    const field = new URL('field/', MODELS)
    const unpacked = mkdtempSync(join(tmpdir(), 'asr-doctor-field-'))
    try {
      for (const file of readdirSync(field).filter((each) => each.endsWith('.gz'))) writeFileSync(join(unpacked, file.slice(0, -3)), gunzipSync(readFileSync(new URL(file, field))))
      place(unpacked, new URL('placements.json', field))
    } finally {
      rmSync(unpacked, { recursive: true })
    }
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
