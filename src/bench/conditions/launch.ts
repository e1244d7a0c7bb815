import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { findProgram } from '../../host/find-program.ts'
import { exitStatusWords, signalWords } from '../../systemd/exit-status.ts'
import { CannotMeasure } from '../engine.ts'
import { workerPath } from '../engines/worker-child.ts'
import { killGroup } from '../kill-group.ts'
import type { Carried } from './carried.ts'

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

/** What no hand ends: the unit's own end, should everything else fail. */
const RUNTIME_MAX = '4h'

/** How the process that was started ended, or did not even start. */
export interface Ended {
  readonly kind: 'ended'
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error: string | null
}

/** The words of systemd-run of v249 to v257 when it does not know a property, or its manager does not. */
const UNKNOWN = [/Unknown assignment: ([A-Za-z]+)=/, /Cannot set property ([A-Za-z]+), or unknown property/, /Failed to parse ([A-Za-z]+)= value/, /Failed to parse ([A-Za-z]+)[= ]/] as const

/** The setting that it does not know; null = something else is wrong. */
export const unknownSetting = (said: string): string | null => UNKNOWN.map((form) => form.exec(said)?.[1]).find((key) => key !== undefined) ?? null

export function commandOf(launch: Launch, unit: string | null): readonly [string, readonly string[]] {
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
export function endNow(child: ChildProcess, launch: Launch, unit: string | null): void {
  if (launch.kind === 'unit') {
    const systemctl = findProgram('systemctl', process.env)
    if (systemctl !== null) spawn(systemctl, [...launch.manager, '--no-ask-password', 'kill', '--signal=SIGKILL', unit!], { stdio: 'ignore', detached: true }).on('error', () => {}).unref()
    return
  }
  killGroup(child)
}

export function whyNotStarted({ code, signal, error }: Ended, said: string, launch: Launch): string {
  if (error !== null) return `It could not be started (${error}).`
  if (launch.kind === 'shell') return `Our own child process ended at once${code === null ? ` by ${signal}` : ` with exit code ${code}`}: ${lastLine(said)}.`
  if (/Cannot find module|ERR_MODULE_NOT_FOUND|EACCES|ENOENT/.test(said) && code !== 203) return `The service may not read ${workerPath()}, a file of asr-doctor itself: install it where the service can read it, such as /usr/local (npm install --global --prefix /usr/local asr-doctor).`
  if (code === 203) return `The service cannot execute ${process.execPath}, the Node.js that runs asr-doctor (status 203/EXEC): ProtectHome=, its user or a root of its own hide it. Run asr-doctor with a Node.js that lies where the service can see it, such as /usr/bin/node.`
  if (code !== null && code >= 200 && code <= 245) return `The service manager could not prepare the place (status ${code}/${exitStatusWords(code).name ?? '?'}): ${exitStatusWords(code).words}.`
  const killed = killedBy(said)
  if (killed !== null) return `Node.js was ended there by ${killed} before it could do anything.`
  return `The service manager did not start it: ${lastLine(said)}.`
}

export function whyEnded({ code, signal }: Ended, said: string): string {
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

export const lastLine = (said: string): string => said.trim().split('\n').filter((line) => !OWN_WORDS.test(line)).at(-1)?.trim().slice(0, 300).replace(/\.$/, '') ?? ''
