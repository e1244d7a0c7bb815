import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const RIG = fileURLToPath(new URL('../rigs/systemd-box', import.meta.url))
export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
export const NODE = process.execPath

/** Why a real systemd cannot be booted here; null = it can. */
export function boxMissing(): string | null {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.geteuid?.() !== 0) return 'needs root'
  for (const path of ['/lib/systemd/systemd', '/usr/bin/systemd-run', '/usr/bin/nsenter', '/usr/bin/setpriv', '/usr/bin/dbus-daemon']) {
    if (!existsSync(path)) return `${path} is missing: apt-get install systemd systemd-sysv libpam-systemd dbus dbus-user-session`
  }
  return null
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A disposable machine with a real systemd as PID 1 over a copy-on-write view of this one. */
export interface Box {
  readonly name: string
  run(...command: string[]): Ran
  /** As a user with a full login environment. */
  runAs(user: string, ...command: string[]): Ran
  /** As a user with the empty environment of cron and `su -c`. */
  runBare(user: string, ...command: string[]): Ran
  /** A shell script in the box, as root. Throws with its stderr when it fails. */
  script(text: string): string
  stop(): void
}

/** Guests have folders of their own in these places; a checkout that lies there must be shown to them. */
export const shownBy = (flag: string): readonly string[] => (/^\/(tmp|var\/tmp|run)\//.test(REPOSITORY) ? [flag, REPOSITORY] : [])

export function bootBox(name: string, ...options: string[]): Box {
  const unique = `${name}-${process.pid}`
  const call = (verb: string, args: readonly string[], input?: string): Ran => {
    const ran = spawnSync(RIG, [verb, unique, ...args], { encoding: 'utf8', timeout: 120_000, maxBuffer: 64 << 20, ...(input === undefined ? {} : { input }) })
    return { code: ran.status, stdout: ran.stdout ?? '', stderr: ran.stderr ?? '' }
  }
  execFileSync(RIG, ['start', unique, ...shownBy('--bind'), ...options], { stdio: ['ignore', 'inherit', 'inherit'], timeout: 90_000 })
  return {
    name: unique,
    run: (...command) => call('exec', command),
    runAs: (user, ...command) => call('user', [user, ...command]),
    runBare: (user, ...command) => call('bare', [user, ...command]),
    script: (text) => {
      const ran = call('exec', ['bash', '-euo', 'pipefail', '-s'], text)
      if (ran.code !== 0) throw new Error(`box script failed (${ran.code}):\n${ran.stderr}\n${ran.stdout}`)
      return ran.stdout
    },
    stop: () => void call('stop', []),
  }
}
