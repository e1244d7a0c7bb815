import { accessSync, constants } from 'node:fs'
import { execa } from 'execa'
import { CannotSee } from '../cannot-see.ts'
import { findProgram, SYSTEM_PATH } from './find-program.ts'
import { isSecretName } from '../secrets.ts'
import type { Env, Identity, Output, RunOptions } from '../types.ts'

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024
/**
 * Runs one program, never through a shell, in a process group of its own that is killed whole when time is up.
 * A program stuck in the kernel (state D) is left behind unwaited: nothing can end it, and nobody should wait for it.
 */
export async function runBounded(command: readonly string[], options: RunOptions, deadline: number): Promise<Output | null> {
  const [name, ...args] = command
  // Inside another root a path means another file; there, exec itself says whether it exists.
  const elsewhere = options.as !== undefined && options.as.namespaceOf !== null && name!.startsWith('/')
  const program = elsewhere ? name! : findProgram(name!, process.env)
  if (program === null) return null
  const [file, argv, spawn] = await placed(program, args, options.as)
  const limitMs = Math.max(1, Math.min(deadline - Date.now(), options.limitMs ?? Number.POSITIVE_INFINITY))
  const child = execa(file, argv, {
    ...(spawn.cwd === undefined && !standable() ? { cwd: '/' } : {}),
    ...spawn,
    ...(options.input ? { input: options.input.text } : { stdin: 'ignore' as const }),
    reject: false,
    detached: true,
    cleanup: true,
    stripFinalNewline: false,
    maxBuffer: MAX_OUTPUT_BYTES,
    extendEnv: false,
  })
  if (child.pid !== undefined) running.add(child.pid)
  // A program that ends without reading its input is not an error of ours.
  child.stdin?.on('error', () => {})
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), limitMs)
  })
  const result = await Promise.race([child, late])
  clearTimeout(timer)
  if (child.pid !== undefined) killGroup(child.pid)
  if (result === 'late') {
    child.stdout?.destroy()
    child.stderr?.destroy()
    child.unref()
    child.catch(() => {})
    throw new CannotSee(`${name} gave no answer within ${(limitMs / 1000).toFixed(limitMs < 10_000 ? 1 : 0)} s.`, 'Give it longer with --timeout SECONDS.')
  }
  if (result.isMaxBuffer) throw new CannotSee(`${name} printed more than 16 MiB and was stopped.`)
  if (result.exitCode === undefined && result.signal === undefined) {
    if (result.code === 'ENOENT') return null
    throw new CannotSee(`${name} could not be started (${result.code ?? result.shortMessage}).`)
  }
  return { code: result.exitCode ?? null, signal: result.signal ?? null, stdout: String(result.stdout ?? ''), stderr: String(result.stderr ?? '') }
}

/** A folder that we stand in and may not enter is no place to start a program from: it would fail with EACCES. */
function standable(): boolean {
  try {
    accessSync(process.cwd(), constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The groups that are running now: whatever ends the doctor ends them too. */
const running = new Set<number>()
const endAll = (): void => [...running].forEach(killGroup)
process.on('exit', endAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  const end = () => {
    endAll()
    process.removeListener(signal, end)
    // With no other listener the signal does what it always does, and the caller sees it.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  process.on(signal, end)
}

/** Ties a process group that runs on beside us to the end of the doctor; the answer ends it before. */
export function leashed(pid: number | undefined): () => void {
  if (pid === undefined) return () => {}
  running.add(pid)
  return () => {
    if (running.has(pid)) killGroup(pid)
  }
}

function killGroup(pid: number): void {
  running.delete(pid)
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Already gone, which is what was wanted.
  }
}

type Placed = readonly [file: string, args: readonly string[], options: { env: NodeJS.ProcessEnv; cwd?: string }]

/**
 * Puts a program in the service's place. In the doctor's own mount namespace root takes the credentials with setpriv(1); for
 * another one nsenter(1) enters it and drops to the user before anything of that root is executed, since whoever owns the
 * service may have written it. Another user than root may ask only in his own name.
 */
async function placed(program: string, args: readonly string[], as: Identity | undefined): Promise<Placed> {
  if (as === undefined) return [program, args, { env: { ...process.env, LC_ALL: 'C', LANGUAGE: '' } }]
  const env: NodeJS.ProcessEnv = { ...as.env, LC_ALL: 'C' }
  const root = process.geteuid?.() === 0
  const other = as.uid !== process.geteuid?.() || as.namespaceOf !== null
  if (!other) return [program, args, { env, ...(as.cwd ? { cwd: as.cwd } : {}) }]
  if (!root) throw new CannotSee(`Only root may ask ${program} in the place of ${as.name} (uid ${as.uid}).`, 'Run the same command as root (sudo).')
  // What that root calls /usr/bin/env is its owner's, and would run with all our rights.
  if (as.uid === 0 && as.namespaceOf !== null) throw new CannotSee(`${program} is not asked in the place of ${as.name}: it is root in a file system of its own, and what lies there would run with the rights of this machine.`)
  const clean = { env: { PATH: SYSTEM_PATH.join(':'), LC_ALL: 'C' } }
  // The variables come after the credentials are dropped: LD_PRELOAD must never act as root. On a command line anybody can
  // read them, so secrets stay behind; no loader and no import looks at those.
  const settings = ['-i', ...Object.entries(env as Env).flatMap(([name, value]) => (isSecretName(name) ? [] : [`${name}=${value}`]))]
  // Whoever owns the service may have written what is asked: it gains no rights by it.
  const drop = tool('setpriv', program, as)
  if (as.namespaceOf !== null) {
    const place = `/proc/${as.namespaceOf}`
    const line = ['--no-new-privs', '--', tool('nsenter', program, as), `--net=${place}/ns/net`, `--mount=${place}/ns/mnt`, `--root=${place}/root`, `--wd=${place}/root${as.cwd ?? '/'}`, `--setgid=${as.gid}`, `--setuid=${as.uid}`, '--', '/usr/bin/env', ...settings, program, ...args]
    return [drop, line, clean]
  }
  const groups = as.groups.length > 0 ? ['--groups', as.groups.join(',')] : ['--clear-groups']
  const line = ['--reuid', String(as.uid), '--regid', String(as.gid), ...groups, '--no-new-privs', '--inh-caps=-all', '--', tool('env', program, as), ...settings, program, ...args]
  return [drop, line, { ...clean, ...(as.cwd ? { cwd: as.cwd } : {}) }]
}

function tool(name: string, program: string, as: Identity): string {
  const found = findProgram(name, { PATH: '' })
  if (found === null) throw new CannotSee(`${program} cannot be asked in the place of ${as.name}: there is no ${name}.`, 'Install util-linux and coreutils.')
  return found
}
