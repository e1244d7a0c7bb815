import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { CannotMeasure, Interrupted } from '../engine.ts'
import { readJsonLines } from '../json-lines.ts'
import type { Provider } from '../types.ts'
import type { NotCarried } from './carried.ts'
import { commandOf, endNow, lastLine, unknownSetting, whyEnded, whyNotStarted, type Ended, type Launch } from './launch.ts'
import type { Answer, Hello, MemoryCounts, Request } from './messages.ts'

export interface Agent {
  readonly hello: Hello
  /** Settings that this systemd did not take after all. */
  readonly refusedSettings: readonly NotCarried[]
  ask<K extends Answer['kind']>(request: Request, kind: K): Promise<Extract<Answer, { kind: K }>>
  close(): Promise<void>
}

/** The runtime in the place refused to start, or the work could not be done there. */
export class FailedThere extends CannotMeasure {
  readonly provider: Provider | null
  readonly memory: MemoryCounts | null
  constructor(because: string, provider: Provider | null, memory: MemoryCounts | null) {
    super(because)
    this.provider = provider
    this.memory = memory
  }
}

/** A manager that has not started it by then asks somebody for permission, or hangs. */
const HELLO_MS = 60_000
/** Longer than any engine allows itself for one run. */
const ANSWER_MS = 1_000_000
const CLOSE_MS = 3_000
const MAX_LINE = 32 << 20
const MAX_WORDS = 64 << 10
const MOST_REFUSED = 16

/** Starts an agent. Settings that this version of systemd-run does not know are left out one by one, and named. */
export async function startAgent(launch: Launch, signal: AbortSignal): Promise<Agent> {
  const refused: NotCarried[] = []
  for (let left = launch; ; ) {
    const outcome = await tryAgent(left, refused, signal)
    if (!('unknown' in outcome)) return outcome
    if (left.kind === 'shell' || refused.length >= MOST_REFUSED) throw new CannotMeasure(outcome.said)
    const key = outcome.unknown
    refused.push({ key, because: `systemd-run does not take it (${outcome.said})` })
    left = { ...left, settings: left.settings.filter((each) => each.key !== key) }
  }
}

async function tryAgent(launch: Launch, refused: readonly NotCarried[], signal: AbortSignal): Promise<Agent | { readonly unknown: string; readonly said: string }> {
  if (signal.aborted) throw new Interrupted()
  const unit = launch.kind === 'unit' ? `asr-doctor-bench-${process.pid}-${randomBytes(4).toString('hex')}.service` : null
  const [program, args] = commandOf(launch, unit)
  // A group of its own: Ctrl-C on the terminal is for the benchmark, which then ends all it started.
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, ...(launch.kind === 'shell' ? { cwd: launch.cwd } : { env: { ...process.env, LC_ALL: 'C' } }) })
  child.stdin.on('error', () => {})
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-MAX_WORDS)))
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve({ kind: 'ended', code: null, signal: null, error: error.code ?? error.message }))
    child.once('close', (code, cause) => resolve({ kind: 'ended', code, signal: cause, error: null }))
  })
  let waiting: ((answer: Answer) => void) | null = null
  const early: Answer[] = []
  readJsonLines(child.stdout, MAX_LINE, {
    answer: (value) => {
      const answer = value as Answer
      if (waiting === null) early.push(answer)
      else waiting(answer)
    },
    words: () => {},
    tooLong: () => endNow(child, launch, unit),
  })
  const next = () => {
    const first = early.shift()
    if (first !== undefined) return Promise.resolve(first)
    return new Promise<Answer>((resolve) => {
      waiting = (answer) => {
        waiting = null
        resolve(answer)
      }
    })
  }
  let closed: Promise<void> | null = null
  const onAbort = () => void close()
  signal.addEventListener('abort', onAbort)
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      signal.removeEventListener('abort', onAbort)
      // The agent ends itself and all it started when nobody asks any more.
      child.stdin.end()
      if ((await within(ended, CLOSE_MS)) === 'late') endNow(child, launch, unit)
      await within(ended, CLOSE_MS)
    })())
  const answerWithin = async (limitMs: number): Promise<Answer | Ended> => {
    const answer = await within(Promise.race([next(), ended]), limitMs)
    if (signal.aborted) {
      await close()
      throw new Interrupted()
    }
    if (answer !== 'late') return answer
    endNow(child, launch, unit)
    await close()
    throw new FailedThere(`There was no answer from ${launch.kind === 'shell' ? 'the child process' : 'the service manager'} within ${limitMs / 1000} s.`, null, null)
  }

  const hello = await answerWithin(HELLO_MS)
  if (hello.kind === 'ended') {
    await close()
    const unknown = unknownSetting(said)
    if (unknown !== null) return { unknown, said: lastLine(said) }
    throw new FailedThere(whyNotStarted(hello, said, launch), null, null)
  }
  if (hello.kind !== 'hello') throw new CannotMeasure('The agent spoke before it was there.')
  return {
    hello,
    refusedSettings: refused,
    close,
    ask: async (request, kind) => {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      const answer = await answerWithin(ANSWER_MS)
      if (answer.kind === 'ended') {
        await close()
        throw new FailedThere(whyEnded(answer, said), null, null)
      }
      if (answer.kind === 'failed') throw new FailedThere(answer.error, answer.refused, answer.memory)
      if (answer.kind !== kind) throw new CannotMeasure(`The agent answered ${answer.kind} where ${kind} was asked.`)
      return answer as Extract<Answer, { kind: typeof kind }>
    },
  }
}

async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), limitMs)))
  const first = await Promise.race([promise, late])
  clearTimeout(timer)
  return first
}
