import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CannotMeasure, Interrupted } from '../engine.ts'
import type { Answer, Request } from '../messages.ts'

const MAX_OUTPUT = 1 << 20
/** Even the largest network loads and runs within this on a slow machine; what hangs longer is hung. */
const LIMIT_MS = 300_000

/** The one program of ours beside the command itself. */
export const workerPath = (): string => fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../../dist/bench-worker.js' : './bench-worker.js', import.meta.url))

export interface WorkerChild {
  readonly pid: number | null
  /** What it and the libraries in it printed so far. */
  output(): string
  ask<K extends Answer['kind']>(request: Request, kind: K): Promise<Extract<Answer, { kind: K }>>
  stop(): void
}

/** Starts the child process that answers requests. It ends when it is stopped, when the benchmark is, or when that dies. */
export function startWorker(signal: AbortSignal, env: Readonly<Record<string, string>> = {}): WorkerChild {
  if (signal.aborted) throw new Interrupted()
  // A group of its own: Ctrl-C on the terminal is for the benchmark, which then ends the child itself.
  // Telemetry of the runtime would write a data base into the home folder and call out.
  const child = fork(workerPath(), [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true, env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ...env }, execArgv: [] })
  let output = ''
  const keep = (chunk: Buffer) => void (output = (output + chunk.toString('utf8')).slice(-MAX_OUTPUT))
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started (${error.message})`))
    child.once('close', (code, cause) => resolve(cause ? `was ended by ${cause}` : `ended with exit code ${code}`))
  })
  const stop = () => {
    signal.removeEventListener('abort', stop)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  }
  signal.addEventListener('abort', stop)

  const answerTo = async (request: Request): Promise<Answer> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), LIMIT_MS)))
    const reply = new Promise<Answer>((resolve) => child.once('message', (message) => resolve(message as Answer)))
    if (child.connected) child.send(request, () => {})
    const answer = await Promise.race([reply, late, ended])
    clearTimeout(timer)
    child.removeAllListeners('message')
    if (signal.aborted) throw new Interrupted()
    if (answer === 'late') {
      stop()
      throw new CannotMeasure(`The runtime gave no answer within ${LIMIT_MS / 1000} s.`)
    }
    if (typeof answer === 'string') throw new CannotMeasure(`The process that holds the runtime ${answer}${lastWords(output)}.`)
    if (answer.kind !== 'failed') return answer
    stop()
    // What the runtime wrote on its way may still be in the pipe.
    await ended
    if (answer.at === 'audio' || answer.at === 'model') throw new CannotMeasure(answer.error)
    const because = `${FAILED_AT[answer.at]}: ${answer.error.trim().replace(/\.$/, '')}.`
    throw new CannotMeasure(because, answer.at === 'session' ? { error: answer.error, output } : null)
  }
  return {
    pid: child.pid ?? null,
    output: () => output,
    stop,
    ask: async (request, kind) => {
      const answer = await answerTo(request)
      if (answer.kind !== kind) throw new CannotMeasure(`The child process answered ${answer.kind} where ${kind} was asked.`)
      return answer as Extract<Answer, { kind: typeof kind }>
    },
  }
}

const FAILED_AT = {
  runtime: 'onnxruntime-node could not be loaded',
  session: 'The model could not be loaded',
  run: 'The model could not be run',
} as const

function lastWords(output: string): string {
  const last = output.replace(/\x1b\[[0-9;]*m/g, '').trim().split('\n').at(-1)?.trim()
  return last ? `, after saying ${JSON.stringify(last.slice(0, 200))}` : ''
}
