import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { assess } from '../../src/assess.ts'
import { allChecks } from '../../src/load.ts'
import { hostHere } from '../support/diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const RIG = at('../rigs/healthy/')
const MODELS = at('../../fixtures/models/')
const ORT = at('../../node_modules/onnxruntime-node/')
const FLOAT = ['encoder', 'joiner', 'decoder', 'encoder.static-qdq-int8.int8', 'joiner.dynamic-u8.int8'].map((name) => `${MODELS}${name}.onnx`)

/** Sessions made and run, one after another, with everything that ONNX Runtime has to say of them. */
const NODE_PROGRAM = `
const [ort, times, ...models] = [require(process.argv[1]), ...process.argv.slice(2)]
ort.env.logLevel = 'verbose'
const main = async () => {
  for (let n = 0; n < Number(times); n++) {
    const session = await ort.InferenceSession.create(models[n % models.length], { logSeverityLevel: 0, interOpNumThreads: 1, intraOpNumThreads: 1 })
    const floats = (...dims) => new ort.Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims)
    const name = session.inputNames[0]
    await session.run(name === 'x' ? { x: floats(1, 16, 40) } : name === 'enc' ? { enc: floats(4, 8), dec: floats(4, 8) } : { tok: new ort.Tensor('int64', new BigInt64Array(5), [1, 5]) })
    await session.release()
  }
}
main()
`

interface Engine {
  readonly name: string
  readonly lines: number
  readonly program: string
  readonly args: () => readonly string[]
  readonly env?: () => Record<string, string>
  readonly onCpu: boolean
  /** Why it runs there, where it says so itself: true of it, and no fault. */
  readonly because?: string
  /** How the program ends when it is ended by its time. */
  readonly status?: number
}

const numpy = () => wheel('numpy', '2.2.6')
const sites = (...folders: string[]) => ({ PYTHONPATH: folders.join(':') })
const python = (name: string, lines: number, onCpu: boolean, args: () => readonly string[], env: () => Record<string, string>): Engine => ({ name, lines, program: 'python3', args: () => ['-S', ...args()], env, onCpu })

const ENGINES: readonly Engine[] = [
  { name: 'onnxruntime-node', lines: 40_000, program: process.execPath, args: () => ['-e', NODE_PROGRAM, ORT, '250', ...FLOAT], onCpu: true },
  python('onnxruntime 1.23.2', 30_000, true, () => [`${RIG}ort.py`, '300', ...FLOAT.slice(0, 4)], () => sites(wheel('onnxruntime', '1.23.2'), numpy())),
  python('onnxruntime 1.30.0', 28_000, true, () => [`${RIG}ort.py`, '150', ...FLOAT.slice(0, 4)], () => sites(wheel('onnxruntime', '1.30.0'), numpy())),
  python('sherpa-onnx 2.0.1', 400, false, () => [`${RIG}sherpa.py`, `${RIG}sherpa-ctc`, '60'], () => ({ ...sites(wheel('sherpa-onnx', '2.0.1'), numpy()), LD_LIBRARY_PATH: join(wheel('sherpa-onnx-core', '2.0.1'), 'sherpa_onnx/lib') })),
  python('CTranslate2 4.6.0', 1_000, true, () => [`${RIG}ct2.py`, `${RIG}ct2-whisper`, '200'], () => ({ ...sites(wheel('ctranslate2', '4.6.0'), numpy(), wheel('PyYAML', '6.0.2', 'yaml/.*\\.py$')), CT2_VERBOSE: '3' })),
  { name: 'whisper.cpp 1.8.5', lines: 500, program: 'sh', args: () => ['-c', `python3 '${at('../rigs/genuine-logs/')}ggml-model.py' tiny.bin && exec python3 -S '${RIG}whisper-cpp.py' tiny.bin 20`], env: () => sites(wheel('pywhispercpp', '1.5.1')), onCpu: true, because: 'gpu-unseen' },
  { name: 'PocketSphinx', lines: 800, program: 'sh', args: () => ['-c', `for n in 1 2 3 4 5; do pocketsphinx_continuous -infile '${RIG}silence.wav' || exit 1; done`], onCpu: false },
  { name: 'PulseAudio', lines: 50, program: 'timeout', args: () => ['5', 'pulseaudio', '-n', '-vvvv', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=1', '-L', 'module-null-sink'], status: 124, onCpu: false },
]

const runs = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).error === undefined
const python311 = spawnSync('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' }).stdout?.trim() === '3.11'
const missing = !existsSync(ORT) ? 'needs the optional package onnxruntime-node' : !python311 ? 'needs python3 of version 3.11' : !runs('pocketsphinx_continuous', '-h') || !runs('pulseaudio', '--version') ? 'needs PocketSphinx and PulseAudio: apt-get install pocketsphinx pocketsphinx-en-us pulseaudio' : process.platform !== 'linux' || process.arch !== 'x64' ? 'needs Linux on x86-64' : null

describeWith('engines, healthy and talkative', missing, () => {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-healthy-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  let total = 0

  it.each(ENGINES.map((each) => [each.name, each] as const))('%s: nothing is found in what it says', async (_, { lines: wanted, program, args, env, onCpu, because, status }) => {
    const path = join(folder, 'healthy.log')
    const file = openSync(path, 'w')
    const ran = spawnSync(program, args(), { cwd: folder, stdio: ['ignore', file, file], timeout: 120_000, env: { ...process.env, PULSE_RUNTIME_PATH: folder, LD_LIBRARY_PATH: '', ...env?.() } })
    closeSync(file)
    const text = readFileSync(path)
    expect([0, status ?? 0], text.subarray(-500).toString()).toContain(ran.status)
    const lines = text.reduce((n, byte) => n + (byte === 10 ? 1 : 0), 0)
    expect(lines).toBeGreaterThan(wanted)
    total += lines
    const report = await assess(hostHere({ kind: 'shell', files: { logs: [path], profiles: [], models: [] } }), { checks: allChecks(), allowed: new Set(), failOn: 'info' })
    expect([...report.outcomes].filter(([, { status: outcome }]) => outcome !== 'passed' && outcome !== 'not-applicable')).toEqual([])
    expect(report.summary.exitCode).toBe(0)
    // Where it says that it runs on the CPU, so does the report; nobody asked for anything else.
    if (onCpu) expect(report.verdict.onGpu).toBe(false)
    else expect(report.verdict.onGpu).not.toBe(true)
    expect(report.hypotheses.filter(({ state }) => state === 'confirmed').map(({ id }) => id)).toEqual(because === undefined ? [] : [because])
  }, 150_000)

  it('is more than 100 000 lines of them together', () => expect(total).toBeGreaterThan(100_000))
})
