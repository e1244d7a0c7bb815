import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gatherer } from '../../src/gather.ts'
import type { Fact, Target } from '../../src/types.ts'
import { hostHere } from '../support/diagnose.ts'

const folders: string[] = []
const children: ChildProcess[] = []

/** A temporary folder with these files; a script (`#!`) is executable. */
export function folder(files: Readonly<Record<string, string>> = {}): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'asr-doctor-python-')))
  folders.push(path)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 })
  }
  return path
}

/** Starts a program and waits until `sign` (a file in its folder) says that it is up. */
export async function started(cwd: string, env: Readonly<Record<string, string>>, program: string, ...args: readonly string[]): Promise<number> {
  const child = spawn(program, args, { cwd, env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', ...env }, stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  children.push(child)
  let words = ''
  child.stderr!.on('data', (chunk: Buffer) => (words += chunk.toString()))
  for (let waited = 0; waited < 10_000; waited += 20) {
    if (existsSync(join(cwd, 'up'))) return child.pid!
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${words}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${program} did not come up: ${words}`)
}

/** A program that says it is up and waits. */
export const WAITING = 'import time\nopen("up", "w").close()\ntime.sleep(120)\n'

export const ask = <T>(target: Target, fact: Fact<T>, limitMs = 20_000): Promise<T> => gatherer(hostHere(target, limitMs))(fact)

export function clean(): void {
  for (const child of children.splice(0)) {
    try {
      // The whole group: a wrapper script has a child of its own.
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // Ended before.
    }
  }
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true })
}

export const exeOf = (pid: number): string => readlinkSync(`/proc/${pid}/exe`)
export const argvOf = (pid: number): readonly string[] => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
