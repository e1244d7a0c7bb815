// npm run bench:features [rounds]: our log-mel features against those that people run in numpy, on the same 57 s, in turn, each in
// a process of its own with one thread: the extractor of faster-whisper, that of transformers where it has no torch, and, as the
// most that numpy can do, one written for this comparison (rfft and one matrix product). Prints the median CPU time of each and its
// ratio to ours with the 95 % interval over the rounds; it judges nothing. ASR_DOCTOR_PYTHON=/path/to/python (or python3) must
// have numpy; extractors that it has not are left out, and named.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'

const ROUNDS = Number(process.argv[2] ?? 25)

const COMMON = `
import sys, time, json, importlib.util, os, numpy as np
x = np.frombuffer(open(sys.argv[1], 'rb').read(), dtype=np.float32)
`
const FRONT_ENDS = {
  // The file alone: the package around it wants CTranslate2, which this needs not.
  'faster-whisper': `
path = os.path.join(os.path.dirname(importlib.util.find_spec('faster_whisper').origin), 'feature_extractor.py')
spec = importlib.util.spec_from_file_location('feature_extractor', path)
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
extractor = module.FeatureExtractor()
features = lambda: extractor(x, padding=0)
`,
  transformers: `
os.environ['USE_TORCH'] = '0'
import transformers
extractor = transformers.WhisperFeatureExtractor()
assert not transformers.is_torch_available()
features = lambda: extractor._np_extract_fbank_features(x[None], 'cpu')[0]
`,
  'numpy at its best': `
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
`,
}
const TURNS = `
out = features()
print(json.dumps({'numpy': np.__version__, 'mean': float(np.mean(out, dtype=np.float64)), 'shape': list(out.shape)}), flush=True)
for line in sys.stdin:
    cpu = time.process_time()
    features()
    print(json.dumps({'cpuMs': (time.process_time() - cpu) * 1e3}), flush=True)
`

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-features-'))
const children = []
try {
  const entry = "export * from './src/bench/features/whisper.ts'; export * from './src/bench/audio/load.ts'; export * from './src/bench/stats/bootstrap.ts'; export * from './src/bench/stats/describe.ts'"
  await build({ stdin: { contents: entry, resolveDir: process.cwd() }, outfile: join(folder, 'features.mjs'), bundle: true, format: 'esm', platform: 'node', define: { 'import.meta.url': JSON.stringify(new URL('../src/bench/audio/clip.ts', import.meta.url).href) } })
  const { whisperLogMel, openAudio, medianInterval, median } = await import(join(folder, 'features.mjs'))
  const { samples } = openAudio(null).decode()
  writeFileSync(join(folder, 'clip.f32'), Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength))

  /** null = this Python does not have it. */
  const start = async (name, code) => {
    const child = spawn(process.env.ASR_DOCTOR_PYTHON ?? 'python3', ['-c', COMMON + code + TURNS, join(folder, 'clip.f32')], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' },
    })
    children.push(child)
    let errors = ''
    child.stderr.on('data', (chunk) => (errors += chunk))
    child.stdin.on('error', () => {})
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const next = async () => JSON.parse((await lines.next()).value ?? 'null')
    const first = await next()
    if (first === null) return void console.log(`  left out: ${name} (${errors.trim().split('\n').at(-1)})`) ?? null
    return { name, first, run: async () => (child.stdin.write('\n'), (await next()).cpuMs), times: [] }
  }
  console.log(`Whisper log-mel of ${(samples.length / 16000).toFixed(0)} s, 80 channels, CPU time, one thread, ${ROUNDS} rounds in turn`)
  const theirs = []
  for (const [name, code] of Object.entries(FRONT_ENDS)) theirs.push(await start(name, code))
  const running = theirs.filter((each) => each !== null)
  if (running.length === 0) throw new Error('no Python with numpy was found (set ASR_DOCTOR_PYTHON)')
  for (let i = 0; i < 5; i++) whisperLogMel(samples, 80)
  const { data } = whisperLogMel(samples, 80)
  const mean = data.reduce((a, b) => a + b, 0) / data.length
  for (const { name, first } of running) if (Math.abs(mean - first.mean) > 1e-4) throw new Error(`${name} computes something else: mean ${first.mean}, and ours ${mean}`)
  const ours = []
  for (let i = 0; i < ROUNDS; i++) {
    const before = process.cpuUsage()
    whisperLogMel(samples, 80)
    const { user, system } = process.cpuUsage(before)
    ours.push((user + system) / 1000)
    for (const each of running) each.times.push(await each.run())
  }
  console.log(`  ${'ours'.padEnd(18)} ${median(ours).toFixed(1).padStart(8)} ms  Node ${process.version}`)
  for (const { name, first, times } of running) {
    const ratios = times.map((time, i) => time / ours[i])
    const { low, high } = medianInterval(ratios)
    console.log(`  ${name.padEnd(18)} ${median(times).toFixed(1).padStart(8)} ms  ${median(ratios).toFixed(2)} times ours (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}), numpy ${first.numpy}`)
  }
} finally {
  for (const child of children) child.kill()
  rmSync(folder, { recursive: true, force: true })
}
