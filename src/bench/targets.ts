import { createInterface } from 'node:readline/promises'
import type { Io } from '../io.ts'
import { WrongCall } from '../wrong-call.ts'
import type { Prepared } from './audio/prepare.ts'
import type { Subject } from './bench.ts'
import type { BenchOptions } from './command.ts'
import { CannotMeasure, type Engine } from './engine.ts'
import { commandEngine } from './engines/command.ts'
import { embedded, type EmbeddedInstance } from './engines/embedded.ts'
import { urlEngine } from './engines/url.ts'
import { installRuntime } from './install.ts'
import type { Job } from './messages.ts'
import type { WorkloadName } from './names.ts'
import { shortName, tierOf, usedProvider, whyNot } from './providers.ts'
import { cudaCommand, findRuntime, installCommand, runtimeFolder, shellLine, type Runtime } from './runtime.ts'
import type { Provider } from './types.ts'
import { splitWords } from './split-words.ts'
import { defaultWorkload } from './workloads.ts'

/** The built-in network on onnxruntime-node. */
export async function embeddedTarget(options: BenchOptions, io: Io, audio: Prepared, signal: AbortSignal): Promise<Subject> {
  const runtime = await runtimeFor(options, io)
  const asked = options.provider.length === 0 ? ['auto'] : options.provider.map(shortName)
  const providers = asked.flatMap((name) => (name !== 'auto' ? [name] : runtime.hasCuda ? ['cuda', 'cpu'] : ['cpu']))
  let workload = (options.workload ?? defaultWorkload(tierOf(providers[0]!))) as WorkloadName
  const job = (names: readonly string[]): Job => ({ runtime: runtime.entry, workload, providers: names, threads: options.threads ?? null, audio: audio.path })
  let last: EmbeddedInstance | null = null
  let fellBack: Reason | null = null
  const engine: Engine<EmbeddedInstance> = {
    freshEveryRun: false,
    open: async () => {
      try {
        return await embedded(job(fellBack === null ? providers : ['cpu']), signal).open()
      } catch (error) {
        // `auto` names no provider, so the next best is used, and the reason is kept.
        if (asked[0] !== 'auto' || providers[0] === 'cpu' || fellBack !== null || !(error instanceof CannotMeasure) || error.refusal === null) throw error
        fellBack = reason(providers[0]!, error.refusal.error, error.refusal.output, runtime)
        workload = (options.workload ?? defaultWorkload('cpu')) as WorkloadName
        return embedded(job(['cpu']), signal).open()
      }
    },
  }
  return {
    engine,
    plan: { launches: 3, runs: options.runs ?? null, place: true },
    get workload() {
      return workload
    },
    target: () => ({ kind: 'embedded', name: `${workload} (random weights)`, runtime: `onnxruntime-node ${last?.runtimeVersion ?? runtime.version}`, threads: options.threads ?? null }),
    opened: (instance) => (last = instance as EmbeddedInstance),
    provider: ({ placement }) => {
      const used = placement.length === 0 ? null : usedProvider(providers, placement)
      const first = asked[0]!
      const missed = used !== null && first !== 'auto' && used !== first
      return { asked, used, tier: used === null ? null : tierOf(used), ...((missed ? reason(first, null, last?.output() ?? '', runtime) : fellBack) ?? { because: null, how: null }), placement }
    },
    refused: ({ refusal }) => (refusal === null || providers[0] === 'cpu' ? null : { asked, used: null, tier: null, ...reason(providers[0]!, refusal.error, refusal.output, runtime), placement: [] }),
  }
}

type Reason = Pick<Provider, 'because' | 'how'>

function reason(provider: string, error: string | null, output: string, runtime: Runtime): Reason {
  const because = whyNot(provider, error, output, runtime.hasCuda)
  const fetchable = !runtime.hasCuda && (provider === 'cuda' || provider === 'tensorrt') && process.platform === 'linux' && process.arch === 'x64'
  return { because, how: fetchable ? `This fetches them: ${cudaCommand(runtime)}` : null }
}

/** Any program that takes a recording and prints what it heard. */
export function commandTarget(line: string, audio: Prepared, runs: number | null, signal: AbortSignal): Subject {
  const words = splitWords(line)
  if (words === null) throw new WrongCall('--command: a quote is not closed.')
  if (words.length === 0) throw new WrongCall('--command needs a program.')
  if (!words.some((word) => word.includes('{audio}'))) throw new WrongCall('--command needs {audio} where the recording goes, as in --command "whisper-cli -m model.bin -f {audio}".')
  return {
    engine: commandEngine(words, audio.file!, signal),
    plan: { launches: 1, runs, place: false },
    workload: line,
    target: () => ({ kind: 'command', name: words[0]!, runtime: null, threads: null }),
    provider: () => ({ asked: [], used: null, tier: null, because: null, how: null, placement: [] }),
    opened: () => {},
    refused: () => null,
  }
}

/** A server with the transcription interface of OpenAI. */
export function urlTarget(address: string, model: string, audio: Prepared, runs: number | null, signal: AbortSignal): Subject {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) throw new WrongCall(`--url ${address}: that is no address, such as http://localhost:8000/v1/audio/transcriptions.`)
  const url = new URL(address)
  return {
    engine: urlEngine(url, model, audio.file!, signal),
    plan: { launches: 1, runs, place: false },
    workload: model,
    target: () => ({ kind: 'url', name: `${url.origin}${url.pathname}`, runtime: null, threads: null }),
    provider: () => ({ asked: [], used: null, tier: null, because: null, how: null, placement: [] }),
    opened: () => {},
    refused: () => null,
  }
}

/** The runtime, added first where the user wants it. Nothing is installed unasked. */
async function runtimeFor(options: BenchOptions, io: Io): Promise<Runtime> {
  const found = findRuntime()
  if (found !== null) return found
  const command = shellLine(installCommand(runtimeFolder(io.env)))
  const missing = 'The built-in networks run on onnxruntime-node, which is not installed.'
  if (!(options.installRuntime || (await agreed(io, `${missing} Add it to ${runtimeFolder(io.env)} (about 290 MB)?`)))) {
    throw new CannotMeasure(`${missing} This adds it: ${command} (or run bench with --install-runtime). Your own recogniser needs none: --command "… {audio}".`)
  }
  try {
    await installRuntime(io.stderr as NodeJS.WritableStream)
  } catch (error) {
    throw new CannotMeasure(`${(error as Error).message} The command was: ${command}`)
  }
  const added = findRuntime()
  if (added === null) throw new CannotMeasure(`npm ended well, and onnxruntime-node is still not in ${runtimeFolder(io.env)}.`)
  return added
}

async function agreed(io: Io, question: string): Promise<boolean> {
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) return false
  const lines = createInterface({ input: io.stdin, output: io.stderr as NodeJS.WritableStream })
  // Ctrl-C and the end of input are a no.
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  lines.once('SIGINT', () => lines.close())
  try {
    return /^y(es)?$/i.test((await Promise.race([lines.question(`${question} [y/N] `), closed])).trim())
  } finally {
    lines.close()
  }
}
