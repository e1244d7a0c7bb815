// npm run bench:harness [rounds]: what the harness adds to the runtime. The same network on the same features, run by the
// benchmark's own child process and by a plain program that calls onnxruntime-node directly, in turn. A round is one run of each,
// one right behind the other, and gives one ratio of their CPU times, so that whatever else the machine does befalls both. Prints
// the median of these ratios with its 95 % interval and whether that lies within ±2 %, the time that a request to the child adds,
// and the memory of both.
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

const ROUNDS = Number(process.argv[2] ?? 100)
const WITHIN = 0.02
const ENTRY = createRequire(import.meta.url).resolve('onnxruntime-node')
const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-harness-'))
// The children end when the channel to this process does.
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
  process.on(signal, () => {
    rmSync(folder, { recursive: true, force: true })
    process.exit(code)
  })
}

// The direct program repeats by hand what the pipeline of the benchmark does, without stopwatch, messages or phases.
const DIRECT = `
import { createRequire } from 'node:module'
const ort = createRequire(import.meta.url)(${JSON.stringify(ENTRY)})
import { fastConformerEncoder, SHAPES } from './src/bench/models/fastconformer.ts'
import { transducerStep } from './src/bench/models/transducer.ts'
import { kaldiFbank } from './src/bench/features/kaldi.ts'
import { openAudio } from './src/bench/audio/load.ts'
import { largest, normalise } from './src/bench/engines/transducer.ts'
const shape = SHAPES['fastconformer-s']
const options = { executionProviders: ['cpu'], intraOpNumThreads: 1 }
const encoder = await ort.InferenceSession.create(fastConformerEncoder(shape).bytes, options)
const decoder = await ort.InferenceSession.create(transducerStep(shape.width).bytes, options)
const opened = openAudio(null)
async function run() {
  const { samples } = opened.decode()
  const { data, frames } = kaldiFbank(samples)
  normalise(data, 80)
  const { encoded } = await encoder.run({ mel: new ort.Tensor('float32', data, [1, frames, 80]) })
  let token = 1024
  let h = new ort.Tensor('float32', new Float32Array(640), [1, 1, 640])
  let c = new ort.Tensor('float32', new Float32Array(640), [1, 1, 640])
  for (let at = 0; at < encoded.data.length; at += 176) {
    const said = await decoder.run({ frame: new ort.Tensor('float32', encoded.data.subarray(at, at + 176), [1, 176]), token: new ort.Tensor('int64', BigInt64Array.of(BigInt(token)), [1, 1]), h, c })
    const best = largest(said.logits.data)
    if (best === 1024) continue
    token = best
    h = said.h_next
    c = said.c_next
  }
}
process.on('message', async () => {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  process.send({ cpuMs: (user + system) / 1000, rss: process.memoryUsage().rss })
})
process.on('disconnect', () => process.exit())
process.send('ready')
`

const clip = JSON.stringify(new URL('../src/bench/audio/clip.ts', import.meta.url).href)
const common = { bundle: true, format: 'esm', platform: 'node', target: 'node20', external: ['onnxruntime-node'], define: { 'import.meta.url': clip }, logLevel: 'error' }
try {
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  await build({ ...common, entryPoints: ['src/bench/worker.ts'], outfile: join(folder, 'worker.js') })
  await build({ ...common, stdin: { contents: DIRECT, resolveDir: process.cwd(), loader: 'ts' }, outfile: join(folder, 'direct.js') })
  await build({ entryPoints: ['src/bench/stats/bootstrap.ts'], outfile: join(folder, 'bootstrap.js'), bundle: true, format: 'esm' })
  await build({ entryPoints: ['src/bench/stats/describe.ts'], outfile: join(folder, 'describe.js'), bundle: true, format: 'esm' })
  const { medianInterval } = await import(join(folder, 'bootstrap.js'))
  const { median } = await import(join(folder, 'describe.js'))

  const start = (file) => {
    const child = fork(join(folder, file), [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' } })
    return { child, next: () => new Promise((resolve) => child.once('message', resolve)), ask: (m) => { const reply = new Promise((resolve) => child.once('message', resolve)); child.send(m); return reply } }
  }
  const harness = start('worker.js')
  const loaded = await harness.ask({ kind: 'load', job: { runtime: ENTRY, network: { kind: 'workload', workload: 'fastconformer-s' }, providers: ['cpu'], threads: 1, audio: null } })
  if (loaded.kind !== 'loaded') throw new Error(JSON.stringify(loaded))
  const direct = start('direct.js')
  await direct.next()
  const ours = []
  const theirs = []
  const overhead = []
  let rss = 0
  for (let i = -3; i < ROUNDS; i++) {
    // Who goes first alternates, so that neither always runs behind the other.
    const turns = [async () => {
      const before = performance.now()
      const { run } = await harness.ask({ kind: 'run' })
      return { cpuMs: run.cpuMs, extraMs: performance.now() - before - run.wallMs }
    }, async () => direct.ask('run')]
    const order = i % 2 === 0 ? [0, 1] : [1, 0]
    const results = []
    for (const who of order) results[who] = await turns[who]()
    if (i < 0) continue
    ours.push(results[0].cpuMs)
    overhead.push(results[0].extraMs * 1000)
    theirs.push(results[1].cpuMs)
    rss = results[1].rss
  }
  const status = await import('node:fs').then(({ readFileSync }) => readFileSync(`/proc/${harness.child.pid}/status`, 'utf8'))
  const ratios = ours.map((ms, i) => ms / theirs[i])
  const { low, high } = medianInterval(ratios)
  const within = low >= 1 - WITHIN && high <= 1 + WITHIN
  console.log(`fastconformer-s, one thread, ${ROUNDS} rounds`)
  console.log(`  CPU time, harness ÷ direct   ${median(ratios).toFixed(4)}  (95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}: ${within ? 'within' : low > 1 + WITHIN || high < 1 - WITHIN ? 'outside' : 'not wholly within'} ±${100 * WITHIN} %)`)
  console.log(`  CPU time                     ${median(ours).toFixed(1)} ms and ${median(theirs).toFixed(1)} ms`)
  console.log(`  asking the child             ${median(overhead).toFixed(0)} µs a run, outside the measured time`)
  console.log(`  memory now                   ${(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024).toFixed(0)} MB (with the yardstick's weights) and ${(rss / 2 ** 20).toFixed(0)} MB`)
  harness.child.kill()
  direct.child.kill()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
