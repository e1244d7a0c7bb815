// Reads a model of 4 GB, its weights inlined in one tensor and in 2000, and prints the time and the memory of each.
//   node scripts/bench-model.mjs [GB]
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

const gigabytes = Number(process.argv[2] ?? 4)
const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-bench-model-'))
const varint = (value) => (value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))])
const int = (number, value) => [...varint(number * 8), ...varint(value)]
const head = (number, length) => [...varint(number * 8 + 2), ...varint(length)]
try {
  await build({ entryPoints: ['src/onnx/model-file.ts'], bundle: true, format: 'esm', platform: 'node', target: 'node20', outfile: join(folder, 'model-file.mjs'), logLevel: 'error' })
  writeFileSync(
    join(folder, 'child.mjs'),
    `import { open } from 'node:fs/promises'
import { modelFileOf } from './model-file.mjs'
const file = await open(process.argv[2])
const started = performance.now()
const { nodes } = await modelFileOf(async (offset, length) => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
  return buffer.subarray(0, bytesRead)
}, (await file.stat()).size)
console.log(JSON.stringify({ nodes, ms: performance.now() - started, megabytesRss: process.resourceUsage().maxRSS / 1024 }))`,
  )
  const graph = readFileSync('fixtures/models/encoder.onnx')
  for (const tensors of [1, 2000]) {
    const path = join(folder, 'large.onnx')
    const raw = Math.floor((gigabytes * 1024 ** 3) / tensors)
    const weights = Array.from({ length: tensors }, (_, n) => {
      const told = [...int(1, Math.floor(raw / 4)), ...int(2, 1), ...head(8, 5), ...Buffer.from(`w${String(n).padStart(4, '0')}`), ...head(9, raw)]
      return Buffer.from([...head(5, told.length + raw), ...told])
    })
    // Sparse: the disk holds the heads only. A field that stands twice is merged, so that the graph may come last.
    const file = openSync(path, 'w')
    let at = writeSync(file, Buffer.from([...int(1, 8), ...head(7, weights.reduce((sum, { length }) => sum + length + raw, 0))]))
    for (const each of weights) {
      at += writeSync(file, each, 0, each.length, at) + raw
      ftruncateSync(file, at)
    }
    writeSync(file, graph, 0, graph.length, at)
    closeSync(file)
    const rounds = Array.from({ length: 5 }, () => JSON.parse(execFileSync(process.execPath, [join(folder, 'child.mjs'), path], { encoding: 'utf8' }))).sort((a, b) => a.ms - b.ms)
    console.log(`${gigabytes} GB in ${tensors} tensors: ${rounds[2].ms.toFixed(0)} ms, ${rounds[2].megabytesRss.toFixed(0)} MB resident, ${rounds[2].nodes} nodes`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
