import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { CannotMeasure, Interrupted } from '../../engine.ts'
import type { Calibration, Run } from '../../messages.ts'

export interface PythonFailure {
  readonly kind: 'failed'
  /** `runtime`: a library cannot be imported. `missing`: a model is known by name and was never fetched. */
  readonly at: 'runtime' | 'missing' | 'session' | 'run'
  readonly error: string
  /** Names and versions, once they are known. */
  readonly library?: string
}

/** `facts` are whatever the script says of itself. */
export type PythonAnswer<Facts> =
  | { readonly kind: 'loaded'; readonly readyAtMs: number; readonly python: string; readonly facts: Facts }
  | { readonly kind: 'ran'; readonly run: Run; readonly facts: Facts }
  | { readonly kind: 'calibrated'; readonly calibration: Calibration }
  | PythonFailure

export interface PythonProcess<Facts> {
  readonly pid: number | null
  readonly startedAtMs: number
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
/** A large model on a slow machine takes minutes; what takes longer than this is hung. */
const LIMIT_MS = 900_000

/** The user's own interpreter, with their environment and their packages: a JSON request a line in, a JSON answer a line out. */
export function startPython<Facts>({ python, script, env = {}, failed }: PythonCall, signal: AbortSignal): PythonProcess<Facts> {
  if (signal.aborted) throw new Interrupted()
  const startedAtMs = Date.now()
  const child = spawn(python, ['-c', script], { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ...env } })
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

  const ask = async (request: object): Promise<PythonAnswer<Facts>> => {
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
    const parsed = JSON.parse(answer.slice(1)) as PythonAnswer<Facts>
    if (parsed.kind !== 'failed') return parsed
    stop()
    // What a library wrote on its way may still be in the pipe.
    await ended
    throw failed(parsed, output)
  }
  return {
    pid: child.pid ?? null,
    startedAtMs,
    output: () => output,
    stop,
    ask: async (request, kind) => {
      const answer = await ask(request)
      if (answer.kind !== kind) throw new CannotMeasure(`${python} answered ${answer.kind} where ${kind} was asked.`)
      return answer as Extract<PythonAnswer<Facts>, { kind: typeof kind }>
    },
  }
}
