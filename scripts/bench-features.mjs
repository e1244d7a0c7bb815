// npm run bench:features: our log-mel features against numpy's (rfft and a matrix product) on the same 57 s, in turn, in one
// process each. Prints the median of the CPU time of both and the ratio with its 95 % interval; it judges nothing. Needs numpy:
// ASR_DOCTOR_PYTHON=/path/to/python, or python3.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'

const ROUNDS = Number(process.argv[2] ?? 25)

const REFERENCE = `
import sys, time, json, numpy as np
x = np.frombuffer(open(sys.argv[1], 'rb').read(), dtype=np.float32)
def slaney(mels, size, rate):
    to_hz = lambda m: np.where(m < 15, 200.0 / 3 * m, 1000.0 * np.exp(np.log(6.4) / 27 * (m - 15)))
    edges = to_hz(np.linspace(0, 15 + np.log(rate / 2000) / (np.log(6.4) / 27), mels + 2))
    bins = np.arange(size // 2 + 1) * rate / size
    return np.stack([np.maximum(0, np.minimum((bins - edges[m]) / (edges[m+1] - edges[m]), (edges[m+2] - bins) / (edges[m+2] - edges[m+1]))) * 2 / (edges[m+2] - edges[m]) for m in range(mels)])
bank, window = slaney(80, 400, 16000), 0.5 * (1 - np.cos(2 * np.pi * np.arange(400) / 400))
def features():
    y = np.pad(x.astype(np.float64), 200, mode='reflect')
    frames = np.lib.stride_tricks.sliding_window_view(y, 400)[::160][:-1] * window
    log = np.log10(np.maximum(bank @ (np.abs(np.fft.rfft(frames, axis=1)) ** 2).T, 1e-10))
    return (np.maximum(log, log.max() - 8) + 4) / 4
out = features()
print(json.dumps({'numpy': np.__version__, 'mean': float(out.mean()), 'shape': out.shape}), flush=True)
for line in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    features()
    print(json.dumps({'cpuMs': (time.process_time() - cpu) * 1e3, 'wallMs': (time.perf_counter() - wall) * 1e3}), flush=True)
`

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-features-'))
try {
  const entry = "export * from './src/bench/features/whisper.ts'; export * from './src/bench/audio/load.ts'; export * from './src/bench/stats/bootstrap.ts'; export * from './src/bench/stats/describe.ts'"
  await build({ stdin: { contents: entry, resolveDir: process.cwd() }, outfile: join(folder, 'src/bench/audio/features.mjs'), bundle: true, format: 'esm', platform: 'node', define: { 'import.meta.url': JSON.stringify(new URL('../src/bench/audio/clip.ts', import.meta.url).href) } })
  const { whisperLogMel, openAudio, ratioInterval, median } = await import(join(folder, 'src/bench/audio/features.mjs'))
  const { samples } = openAudio(null).decode()
  writeFileSync(join(folder, 'clip.f32'), Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength))
  // One thread for both.
  const python = spawn(process.env.ASR_DOCTOR_PYTHON ?? 'python3', ['-c', REFERENCE, join(folder, 'clip.f32')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' },
  })
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('Python ended; it needs numpy (set ASR_DOCTOR_PYTHON).')
    return JSON.parse(value)
  }
  const reference = await next()
  for (let i = 0; i < 5; i++) whisperLogMel(samples, 80)
  const data = whisperLogMel(samples, 80).data
  const mean = data.reduce((a, b) => a + b, 0) / data.length
  if (Math.abs(mean - reference.mean) > 1e-5) throw new Error(`the two compute different things: mean ${mean} and ${reference.mean}`)
  const ours = []
  const theirs = []
  for (let i = 0; i < ROUNDS; i++) {
    const before = process.cpuUsage()
    whisperLogMel(samples, 80)
    const { user, system } = process.cpuUsage(before)
    ours.push((user + system) / 1000)
    python.stdin.write('\n')
    theirs.push((await next()).cpuMs)
  }
  python.stdin.end()
  const { low, high } = ratioInterval(theirs, ours)
  const ratio = median(theirs) / median(ours)
  console.log(`Whisper log-mel, 80 × ${data.length / 80} frames, CPU time, one thread, ${ROUNDS} runs each in turn`)
  console.log(`  ours, Node ${process.version}        ${median(ours).toFixed(1)} ms`)
  console.log(`  numpy ${reference.numpy}               ${median(theirs).toFixed(1)} ms`)
  console.log(`  numpy ÷ ours  ${ratio.toFixed(2)}  (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)})`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
