import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { CannotMeasure, type Engine, type Instance, Interrupted } from '../engine.ts'
import type { Calibration, Run } from '../messages.ts'
import { PYTHON_SCRIPT } from './python-script.ts'

/** Files and names for the script. */
export interface PythonJob {
  readonly encoder: string
  readonly decoder: string
  readonly calibration: string
  /** Features, 80 float32 a frame; a file for each piece of the recording. */
  readonly mels: readonly string[]
  /** The runtime's long names. */
  readonly providers: readonly string[]
  readonly threads: number | null
  readonly blank: number
}

export interface PythonInstance extends Instance {
  readonly version: string
  readonly python: string
  /** Providers of the session, the runtime's long names, and those built into the package. */
  readonly used: readonly string[]
  readonly available: readonly string[]
  output(): string
}

type Answer =
  | { readonly kind: 'loaded'; readonly readyAtMs: number; readonly version: string; readonly python: string; readonly used: readonly string[]; readonly available: readonly string[] }
  | { readonly kind: 'ran'; readonly run: Run }
  | { readonly kind: 'calibrated'; readonly calibration: Calibration }
  | { readonly kind: 'failed'; readonly at: 'runtime' | 'session' | 'run'; readonly error: string }

const MAX_OUTPUT = 1 << 20
const LIMIT_MS = 300_000

/** The user's own interpreter with the onnxruntime that it finds: their environment, their packages. */
export const pythonEngine = (python: string, job: PythonJob, signal: AbortSignal): Engine<PythonInstance> => ({ open: () => open(python, job, signal), freshEveryRun: false })

async function open(python: string, job: PythonJob, signal: AbortSignal): Promise<PythonInstance> {
  if (signal.aborted) throw new Interrupted()
  const startedAtMs = Date.now()
  const child = spawn(python, ['-c', PYTHON_SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-MAX_OUTPUT)))
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ENOENT' ? 'is not there' : `could not be started (${error.code})`))
    child.once('close', (code, cause) => resolve(cause ? `was ended by ${cause}` : `ended with exit code ${code}`))
  })
  const stop = () => {
    signal.removeEventListener('abort', stop)
    try {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // Already gone.
    }
  }
  signal.addEventListener('abort', stop)

  const ask = async (request: object): Promise<Answer> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'gave no answer in time'>((resolve) => (timer = setTimeout(() => resolve('gave no answer in time'), LIMIT_MS)))
    const line = new Promise<string>((resolve) => lines.once('line', (text) => resolve(`{${text}`)))
    child.stdin.write(`${JSON.stringify(request)}\n`)
    const answer = await Promise.race([line, late, ended])
    clearTimeout(timer)
    if (signal.aborted) throw new Interrupted()
    if (!answer.startsWith('{')) {
      stop()
      const last = output.trim().split('\n').at(-1)?.trim()
      throw new CannotMeasure(`${python} ${answer}${last ? `, after saying ${JSON.stringify(last.slice(0, 200))}` : ''}.`)
    }
    const parsed = JSON.parse(answer.slice(1)) as Answer
    if (parsed.kind !== 'failed') return parsed
    stop()
    await ended
    if (parsed.at === 'runtime') throw new CannotMeasure(`${python} cannot import onnxruntime (${parsed.error.trim().replace(/\.$/, '')}).`)
    throw new CannotMeasure(`onnxruntime in ${python} failed: ${parsed.error.trim().slice(0, 400).replace(/\.$/, '')}.`, parsed.at === 'session' ? { error: parsed.error, output } : null)
  }
  const wanted = async <K extends Answer['kind']>(request: object, kind: K): Promise<Extract<Answer, { kind: K }>> => {
    const answer = await ask(request)
    if (answer.kind !== kind) throw new CannotMeasure(`${python} answered ${answer.kind} where ${kind} was asked.`)
    return answer as Extract<Answer, { kind: K }>
  }
  const loaded = await wanted(job, 'loaded')
  return {
    ...loaded,
    loadMs: loaded.readyAtMs - startedAtMs,
    output: () => output,
    pids: () => (child.pid === undefined ? [] : [child.pid]),
    run: async () => (await wanted({ kind: 'run' }, 'ran')).run,
    calibrate: async () => (await wanted({ kind: 'calibrate' }, 'calibrated')).calibration,
    placement: async () => [],
    stop,
  }
}
