import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { findProgram } from '../../host/find-program.ts'
import { exitStatusWords, signalWords } from '../../systemd/exit-status.ts'
import { CannotMeasure, Interrupted } from '../engine.ts'
import { workerPath } from '../engines/worker-child.ts'
import type { Provider } from '../types.ts'
import type { Carried, NotCarried } from './carried.ts'
import type { Answer, Hello, MemoryCounts, Request } from './messages.ts'

/** Where an agent is started: as a child of ours in the shell's own place, or by a service manager with these settings. */
export type Launch =
  | { readonly kind: 'shell'; readonly cwd: string }
  | {
      readonly kind: 'unit'
      /** The service manager: nothing for the system's, `--user` for one's own. */
      readonly manager: readonly string[]
      readonly settings: readonly Carried[]
      readonly slice: string | null
    }

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
/** What no hand ends: the unit's own end, should everything else fail. */
const RUNTIME_MAX = '4h'
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
  let length = 0
  child.stdout.on('data', (chunk: Buffer) => {
    length = chunk.includes(10) ? 0 : length + chunk.length
    if (length > MAX_LINE) endNow(child, launch, unit)
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = parsed(line)
    if (answer === null) return
    if (waiting === null) early.push(answer)
    else waiting(answer)
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
    const unknown = UNKNOWN.map((form) => form.exec(said)?.[1]).find((key) => key !== undefined)
    if (unknown !== undefined) return { unknown, said: lastLine(said) }
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

interface Ended {
  readonly kind: 'ended'
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error: string | null
}

/** The words of systemd-run of v249 to v257 when it does not know a property, or its manager does not. */
const UNKNOWN = [/Unknown assignment: ([A-Za-z]+)=/, /Cannot set property ([A-Za-z]+), or unknown property/, /Failed to parse ([A-Za-z]+)= value/, /Failed to parse ([A-Za-z]+)[= ]/] as const

function commandOf(launch: Launch, unit: string | null): readonly [string, readonly string[]] {
  const agent = [process.execPath, workerPath(), 'agent']
  if (launch.kind === 'shell') return [agent[0]!, agent.slice(1)]
  const systemdRun = findProgram('systemd-run', process.env)
  if (systemdRun === null) throw new CannotMeasure('There is no systemd-run on this machine, which alone can start a process in the place of a service.')
  const settings = [
    ...launch.settings,
    // When the limit ends the worker the agent must live to tell it; and whatever happens, it ends.
    { key: 'OOMPolicy', value: 'continue' }, { key: 'RuntimeMaxSec', value: RUNTIME_MAX }, { key: 'TimeoutStopSec', value: '5' },
  ]
  return [
    systemdRun,
    [
      ...launch.manager, '--no-ask-password', '--wait', '--pipe', '--collect', `--unit=${unit}`, '--description=asr-doctor bench: measures in the place of a service',
      ...(launch.slice === null ? [] : [`--slice=${launch.slice}`]), ...settings.map(({ key, value }) => `--property=${key}=${value}`), '--', ...agent,
    ],
  ]
}

/** Ends the unit and all in it, or the process group. Never waits: what hangs in the kernel must not hang us. */
function endNow(child: ChildProcess, launch: Launch, unit: string | null): void {
  if (launch.kind === 'unit') {
    const systemctl = findProgram('systemctl', process.env)
    if (systemctl !== null) spawn(systemctl, [...launch.manager, '--no-ask-password', 'kill', '--signal=SIGKILL', unit!], { stdio: 'ignore', detached: true }).on('error', () => {}).unref()
    return
  }
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Already gone.
  }
}

function whyNotStarted({ code, signal, error }: Ended, said: string, launch: Launch): string {
  if (error !== null) return `It could not be started (${error}).`
  if (launch.kind === 'shell') return `Our own child process ended at once${code === null ? ` by ${signal}` : ` with exit code ${code}`}: ${lastLine(said)}.`
  if (/Cannot find module|ERR_MODULE_NOT_FOUND|EACCES|ENOENT/.test(said) && code !== 203) return `The service may not read ${workerPath()}, a file of asr-doctor itself: install it where the service can read it, such as /usr/local (npm install --global --prefix /usr/local asr-doctor).`
  if (code === 203) return `The service cannot execute ${process.execPath}, the Node.js that runs asr-doctor (status 203/EXEC): ProtectHome=, its user or a root of its own hide it. Run asr-doctor with a Node.js that lies where the service can see it, such as /usr/bin/node.`
  if (code !== null && code >= 200 && code <= 245) return `The service manager could not prepare the place (status ${code}/${exitStatusWords(code).name ?? '?'}): ${exitStatusWords(code).words}.`
  const killed = killedBy(said)
  if (killed !== null) return `Node.js was ended there by ${killed} before it could do anything.`
  return `The service manager did not start it: ${lastLine(said)}.`
}

function whyEnded({ code, signal }: Ended, said: string): string {
  const killed = killedBy(said)
  if (/result: oom-kill/.test(said)) return 'The kernel ended it because its memory limit was reached (oom-kill).'
  if (killed !== null) return `It was ended there by ${killed}.`
  return `It ended ${code === null ? `by ${signal}` : `with exit code ${code}`}${lastLine(said) === '' ? '' : `: ${lastLine(said)}`}.`
}

/** `Main processes terminated with: code=killed/status=KILL` (run.c); a signal by its name. */
function killedBy(said: string): string | null {
  const name = /terminated with: code=(?:killed|dumped), ?status=(\w+)|code=(?:killed|dumped)\/status=(\w+)/.exec(said)
  const short = name?.[1] ?? name?.[2]
  if (short === undefined) return null
  const number = constants.signals[`SIG${short}` as NodeJS.Signals]
  return number === undefined ? `SIG${short}` : signalWords(number)
}

const OWN_WORDS = /^(Running as unit|Finished with result|Main processes terminated|Service runtime|CPU time consumed|Memory|IO Bytes|IP traffic|Press \^\])/

const lastLine = (said: string): string => said.trim().split('\n').filter((line) => !OWN_WORDS.test(line)).at(-1)?.trim().slice(0, 300).replace(/\.$/, '') ?? ''

function parsed(line: string): Answer | null {
  try {
    return JSON.parse(line) as Answer
  } catch {
    return null
  }
}

async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), limitMs)))
  const first = await Promise.race([promise, late])
  clearTimeout(timer)
  return first
}
