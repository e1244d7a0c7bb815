import { CannotMeasure, type Engine, type Instance } from '../../engine.ts'
import type { PythonEngineName } from '../../names.ts'
import { refusesDevice } from '../refused.ts'
import { startWorker } from '../worker-child.ts'
import { CTRANSLATE2 } from './ctranslate2.ts'
import { FASTER_WHISPER } from './faster-whisper.ts'
import { NEMO } from './nemo.ts'
import { OPENAI_WHISPER } from './openai-whisper.ts'
import { startPython, type PythonFailure } from './process.ts'
import { pythonScript } from './script.ts'
import { TRANSFORMERS } from './transformers.ts'

export interface LibraryJob {
  /** A folder or file; or a name that the library knows. */
  readonly model: string
  readonly named: boolean
  readonly device: 'auto' | 'cpu' | 'cuda'
  readonly threads: number | null
  /** The recording as float32, one channel, 16 kHz. */
  readonly samples: string
  /** Whisper features of it, a file for each window; empty where the library makes its own. */
  readonly windows: readonly string[]
}

/** Read from the model itself, after each run anew. */
interface Facts {
  readonly library: string
  readonly device: string
  readonly precision: string | null
}

export interface PythonLibrary extends Instance {
  readonly python: string
  facts(): Facts
}

/** What an engine needs said of it. */
interface Library {
  readonly script: string
  readonly module: string
  /** Python that fetches a model by its name, once and on purpose. */
  fetch(name: string): string
}

const LIBRARIES: Readonly<Record<PythonEngineName, Library>> = {
  'faster-whisper': { script: FASTER_WHISPER, module: 'faster_whisper', fetch: (name) => `import faster_whisper; faster_whisper.download_model(${name})` },
  ctranslate2: { script: CTRANSLATE2, module: 'ctranslate2', fetch: (name) => `from huggingface_hub import snapshot_download; snapshot_download(${name})` },
  'openai-whisper': { script: OPENAI_WHISPER, module: 'whisper', fetch: (name) => `import whisper; whisper.load_model(${name}, 'cpu')` },
  transformers: { script: TRANSFORMERS, module: 'transformers', fetch: (name) => `import transformers; transformers.pipeline('automatic-speech-recognition', ${name})` },
  nemo: { script: NEMO, module: 'nemo.collections.asr', fetch: (name) => `from huggingface_hub import snapshot_download; snapshot_download(${name})` },
}

/** Nothing is fetched unasked, and nobody is told. */
const OFFLINE = { HF_HUB_OFFLINE: '1', TRANSFORMERS_OFFLINE: '1', HF_DATASETS_OFFLINE: '1', HF_HUB_DISABLE_TELEMETRY: '1' } as const

/** A library that recognises speech in the user's own Python, with the user's own model. */
export const pythonLibrary = (python: string, name: PythonEngineName, job: LibraryJob, signal: AbortSignal): Engine<PythonLibrary> => ({ open: () => open(python, name, job, signal), freshEveryRun: false })

/** The library is not there at all, which is another thing than one that does not load. */
export class NotInstalled extends CannotMeasure {}

async function open(python: string, name: PythonEngineName, job: LibraryJob, signal: AbortSignal): Promise<PythonLibrary> {
  const { script } = LIBRARIES[name]
  const child = startPython<Facts>({ python, script: pythonScript(script), env: OFFLINE, failed: (failure, output) => failed(python, name, job, failure, output) }, signal)
  let { facts, sinceReadyMs, python: release } = await child.ask(job, 'loaded')
  // Another process: a yardstick inside this one would wake the threads of another library in the middle of it.
  const yardstick = facts.device === 'cpu' ? startWorker(signal) : null
  return {
    python: release,
    loadMs: performance.now() - child.startedAt - sinceReadyMs,
    facts: () => facts,
    pids: () => [child.pid, yardstick?.pid ?? null].filter((pid) => pid !== null),
    run: async () => {
      const ran = await child.ask({ kind: 'run' }, 'ran')
      facts = ran.facts
      return ran.run
    },
    calibrate: async () => (yardstick === null ? null : (await yardstick.ask({ kind: 'calibrate' }, 'calibrated')).calibration),
    placement: async () => [],
    stop: () => {
      child.stop()
      yardstick?.stop()
    },
  }
}

function failed(python: string, name: PythonEngineName, { model, device }: LibraryJob, { at, error, library }: PythonFailure, output: string): CannotMeasure {
  const said = error.replace(/\s+/g, ' ').trim().slice(0, 400).replace(/\.$/, '')
  const { module, fetch } = LIBRARIES[name]
  if (at === 'runtime') {
    const absent = said === `ModuleNotFoundError: No module named '${module.split('.')[0]}'`
    const because = `${python} cannot import ${module} (${said}).`
    return absent ? new NotInstalled(because) : new CannotMeasure(because)
  }
  if (at === 'missing') return new CannotMeasure(`${model} is not among the models that ${name} has fetched, and nothing is downloaded unasked. This fetches it: ${python} -c "${fetch(`'${model}'`)}"`)
  const refused = device === 'cuda' && refusesDevice(error) ? { error: `${library ?? name} refused it: ${said.replace(/^\w+: /, '')}.`, output } : null
  return new CannotMeasure(`${library ?? name} in ${python} failed: ${said}.`, refused)
}
