import { spawn } from 'node:child_process'
import { CannotMeasure, Interrupted } from '../../engine.ts'
import type { Agreement } from '../../agreement.ts'
import { readJsonLines } from '../../json-lines.ts'
import { killGroup } from '../../kill-group.ts'
import type { Calibration, Run } from '../../messages.ts'

export interface PythonFailure {
  readonly kind: 'failed'
  /** `runtime`: a library cannot be imported. `missing`: a model is known by name and was never fetched. */
  readonly at: 'runtime' | 'missing' | 'session' | 'run'
  readonly error: string
  /** Names and versions, once they are known. */
  readonly library?: string
  /** The providers built into an onnxruntime. */
  readonly available?: readonly string[]
}

/** `facts` are whatever the script says of itself. */
export type PythonAnswer<Facts> =
  /** `sinceReadyMs`: how long ago it could hear, by its own clock. */
  | { readonly kind: 'loaded'; readonly sinceReadyMs: number; readonly python: string; readonly facts: Facts }
  | { readonly kind: 'ran'; readonly run: Run; readonly facts: Facts }
  | { readonly kind: 'calibrated'; readonly calibration: Calibration }
  /** The runtime's profiles lie in the folder that was named. */
  | { readonly kind: 'placed' }
  | { readonly kind: 'compared'; readonly agreement: Agreement }
  | PythonFailure

export interface PythonProcess<Facts> {
  readonly pid: number | null
  /** When it was started, by `performance.now()`. */
  readonly startedAt: number
  /** What it and the libraries in it printed so far. */
  output(): string
  ask<K extends PythonAnswer<Facts>['kind']>(request: object, kind: K): Promise<Extract<PythonAnswer<Facts>, { kind: K }>>
  stop(): void
}

export interface PythonCall {
  readonly python: string
  readonly script: string
  readonly env?: Readonly<Record<string, string>>
  /** What is to be thrown when the script says that something failed. */
  failed(failure: PythonFailure, output: string): Error
}

const MAX_OUTPUT = 1 << 20
const MAX_LINE = 16 << 20
/** A large model on a slow machine takes minutes; what takes longer than this is hung. */
const LIMIT_MS = 900_000

/** The user's own interpreter, with their environment and their packages: a JSON request a line in, a JSON answer a line out. */
export function startPython<Facts>({ python, script, env = {}, failed }: PythonCall, signal: AbortSignal): PythonProcess<Facts> {
  if (signal.aborted) throw new Interrupted()
  const startedAt = performance.now()
  const child = spawn(python, ['-c', script], { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ...env } })
  let output = ''
  const keep = (text: string) => void (output = (output + text).slice(-MAX_OUTPUT))
  child.stderr.on('data', (chunk: Buffer) => keep(chunk.toString('utf8')))
  child.stdin.on('error', () => {})
  const stop = () => {
    signal.removeEventListener('abort', stop)
    if (child.exitCode === null) killGroup(child)
  }
  signal.addEventListener('abort', stop)
  let take: ((answer: PythonAnswer<Facts>) => void) | null = null
  let tooMuch = false
  readJsonLines(child.stdout, MAX_LINE, {
    answer: (value) => take?.(value as PythonAnswer<Facts>),
    words: keep,
    tooLong: () => {
      tooMuch = true
      stop()
    },
  })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ENOENT' ? 'is not there' : `could not be started (${error.code})`))
    child.once('close', (code, cause) => resolve(tooMuch ? `printed a line of more than ${MAX_LINE >> 20} MiB and was stopped` : cause ? `was ended by ${cause}` : `ended with exit code ${code}`))
  })

  const ask = async (request: object): Promise<PythonAnswer<Facts>> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'gave no answer in time'>((resolve) => (timer = setTimeout(() => resolve('gave no answer in time'), LIMIT_MS)))
    const reply = new Promise<PythonAnswer<Facts>>((resolve) => (take = resolve))
    child.stdin.write(`${JSON.stringify(request)}\n`)
    const answer = await Promise.race([reply, late, ended])
    take = null
    clearTimeout(timer)
    if (signal.aborted) throw new Interrupted()
    if (typeof answer === 'string') {
      stop()
      const last = output.trim().split('\n').at(-1)?.trim()
      throw new CannotMeasure(`${python} ${answer}${last ? `, after saying ${JSON.stringify(last.slice(0, 200))}` : ''}.`)
    }
    if (answer.kind !== 'failed') return answer
    stop()
    // What a library wrote on its way may still be in the pipe.
    await ended
    throw failed(answer, output)
  }
  return {
    pid: child.pid ?? null,
    startedAt,
    output: () => output,
    stop,
    ask: async (request, kind) => {
      const answer = await ask(request)
      if (answer.kind !== kind) throw new CannotMeasure(`${python} answered ${answer.kind} where ${kind} was asked.`)
      return answer as Extract<PythonAnswer<Facts>, { kind: typeof kind }>
    },
  }
}
