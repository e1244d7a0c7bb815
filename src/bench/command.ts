import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Io } from '../io.ts'
import { PYTHON_ENGINE_NAMES, WORKLOAD_NAMES, type PythonEngineName } from './names.ts'
import { FACTORS, type FactorName } from './types.ts'

export interface BenchOptions {
  readonly workload?: string
  readonly model?: string
  readonly command?: string
  readonly python?: string
  readonly engine?: PythonEngineName
  readonly url?: string
  readonly urlModel?: string
  readonly concurrency?: readonly number[]
  readonly audio?: string
  readonly reference?: string
  readonly provider: readonly string[]
  readonly threads?: number
  readonly runs?: number
  readonly maxRtf?: number
  readonly minRtfx?: number
  readonly maxFirstMs?: number
  readonly maxWer?: number
  readonly baseline?: string
  readonly maxRegression?: number
  readonly saveBaseline?: string
  readonly json?: boolean
  readonly installRuntime?: boolean
  readonly unit?: string
  readonly user?: boolean
  readonly system?: boolean
  readonly vary?: readonly FactorName[]
  readonly crossMachine?: boolean
  /** Where onnxruntime-node was found already; no option of the command line. */
  readonly runtimeAt?: string
}

export function addBench(program: Command, io: Io, done: (code: number) => void, version: string): void {
  program
    .command('bench')
    .description('Measure how fast speech recognition runs here, where the time goes and on what hardware, and judge it for CI.')
    .addOption(new Option('--workload <name>', 'a built-in network of real shape with seeded weights').choices(WORKLOAD_NAMES).conflicts('command'))
    .addOption(new Option('--model <path>', 'your own model: a folder or file of Whisper, a transducer, CTC or Silero VAD in ONNX; with --python, one of its library').conflicts(['command', 'url', 'workload']))
    .addOption(new Option('--python <path>', 'this Python: its onnxruntime with a built-in network, or with --model the library that the model is for').conflicts('command'))
    .addOption(new Option('--engine <name>', 'that library, where the model does not tell').choices(PYTHON_ENGINE_NAMES).conflicts(['command', 'url', 'workload']))
    .option('--command <words>', 'your own recogniser, with {audio} where the recording goes; its standard output is the text')
    .addOption(new Option('--url <address>', 'your own server, with the transcription interface of OpenAI').conflicts(['command', 'python', 'workload', 'provider', 'threads']))
    .option('--url-model <name>', 'the model to name to that server (default: whisper-1)')
    .addOption(new Option('--concurrency <n>', 'then so many requests at once, such as 1,4,8: throughput, waiting and errors (with --url)').argParser(levels))
    .option('--audio <file>', 'the recording: WAV, or what ffmpeg or audio-decode reads (default: the built-in clip of 57 s)')
    .option('--reference <file>', 'what is said in the recording, for the word error rate')
    .addOption(new Option('--provider <name>', 'auto, cpu, cuda, tensorrt, webgpu, …; repeat it to give more, best first').argParser(gathered).default([], 'auto').conflicts('command'))
    .addOption(new Option('--threads <n>', 'threads of the runtime for one operator').argParser(whole).conflicts('command'))
    .addOption(new Option('--runs <n>', 'exactly so many timed runs').argParser(whole))
    .addOption(new Option('--max-rtf <x>', 'fail when the real-time factor is above this').argParser(positive).conflicts('minRtfx'))
    .addOption(new Option('--min-rtfx <x>', 'fail when RTFx, the inverse, is below this').argParser(positive))
    .addOption(new Option('--max-first-ms <ms>', 'fail when the first run of a fresh process takes longer').argParser(positive))
    .addOption(new Option('--max-wer <part>', 'fail when the word error rate is above this: 0.25 or 25%').argParser(part))
    .option('--save-baseline <file>', 'keep this measurement to compare later ones with')
    .option('--baseline <file>', 'compare with a kept measurement')
    .addOption(new Option('--max-regression <part>', 'fail when it became slower than the baseline by more than this (default: 10%)').argParser(part))
    .option('--cross-machine', 'the baseline is from another machine: only calibrated times count, and the limit is 20%')
    .addOption(new Option('-u, --unit <name>', 'measure in the place of this systemd service, turn by turn with this shell (system services: as root)').conflicts('url'))
    .option('--user', 'the unit is one of your user manager')
    .option('--system', 'the unit is one of the system manager')
    .addOption(new Option('--vary <names>', `also change one thing at a time and say what it is worth: ${FACTORS.join(', ')}`).argParser(factors))
    .option('--json', 'everything that was measured, as JSON (schema/bench-1.json)')
    .option('--install-runtime', 'add onnxruntime-node to the tool’s data folder first, when it is missing')
    .addHelpText('after', HELP)
    .action(async (options: BenchOptions) => {
      const { bench } = await import('./bench.ts')
      done(await bench(options, io, version))
    })
}

const HELP = `
RTF  = processing time ÷ audio length: lower is better, below 1 keeps up with
       speech.
RTFx = audio length ÷ processing time = 1 ÷ RTF: higher is better.
Both are taken from the wall time of warm runs; the cold start and the first run
are shown apart. The interval holds the median with 95 % confidence.

Without --model, --command or --url a built-in network runs on onnxruntime-node,
or with --python on the onnxruntime of that Python. Its weights are random: it
takes the time that a model of that shape takes and understands nothing.

With --python and --model, a folder of CTranslate2 runs in faster-whisper (or
ctranslate2 alone), one of transformers in transformers, a .pt in
openai-whisper, a .nemo in NeMo, each with its own defaults. A model known by
name needs --engine and must have been fetched before: nothing is downloaded.

Examples:
  asr-doctor bench                    how fast is this machine
  asr-doctor bench --provider cuda    is the GPU really used (exit 5 when not)
  asr-doctor bench --max-rtf 0.3      for CI
  asr-doctor bench --model models/parakeet-tdt --provider cuda
  asr-doctor bench --python .venv/bin/python --provider cuda
  asr-doctor bench --python .venv/bin/python --model models/fw-base
  asr-doctor bench --command "whisper-cli -m base.bin -nt -f {audio}"
  asr-doctor bench --url http://localhost:8000/v1/audio/transcriptions \\
      --concurrency 1,4,8
  sudo asr-doctor bench --unit asr --vary env,quota,memory
  asr-doctor bench --save-baseline main.json
  asr-doctor bench --baseline main.json --max-regression 10%

Exit codes: 0 pass, 1 fail, 2 wrong call, 3 inconclusive (too noisy to tell),
4 could not measure, 5 the provider named first was not used, 130 interrupted.`

const gathered = (value: string, before: readonly string[]): readonly string[] => [...before, ...value.split(',').map((name) => name.trim()).filter(Boolean)]

function factors(value: string, before: readonly FactorName[] = []): readonly FactorName[] {
  const names = gathered(value, before)
  const wrong = names.find((name) => !(FACTORS as readonly string[]).includes(name))
  if (wrong !== undefined || names.length === 0) throw new InvalidArgumentError(`It takes ${FACTORS.join(', ')}.`)
  return [...new Set(names)] as FactorName[]
}

/** Each of these is a connection, and a recording in the server's memory. */
const MOST_AT_ONCE = 256

function levels(value: string, before: readonly number[] = []): readonly number[] {
  const found = value.split(',').map(whole)
  if (found.some((level) => level > MOST_AT_ONCE)) throw new InvalidArgumentError(`At most ${MOST_AT_ONCE} requests at once.`)
  return [...new Set([...before, ...found])].sort((a, b) => a - b)
}

function positive(value: string): number {
  const number = Number(value)
  if (value.trim() === '' || !Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('A number above 0 is needed.')
  return number
}

function whole(value: string): number {
  const number = positive(value)
  if (!Number.isInteger(number) || number > 10_000) throw new InvalidArgumentError('A whole number from 1 to 10000 is needed.')
  return number
}

function part(value: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(value.trim())
  if (!match) throw new InvalidArgumentError('A part is needed, such as 10% or 0.1.')
  return Number(match[1]) / (match[2] ? 100 : 1)
}
