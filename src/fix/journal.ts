import { closeSync, constants, fsyncSync, linkSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from './hand.ts'
import type { Target } from '../types.ts'

/** One target of a run. What lies there now tells how far the run came: the bytes of `before` or those of `after`. */
export interface Entry {
  readonly target: string
  readonly real: string
  /** base64; null = there was no file. */
  readonly before: string | null
  readonly after: string | null
  readonly mode: number | null
  readonly temp: string
  readonly folders: readonly string[]
}

export interface Run {
  readonly version: 1
  readonly runId: string
  readonly at: string
  readonly target: Target | null
  readonly checks: readonly string[]
  readonly state: 'begun' | 'done' | 'undone'
  readonly entries: readonly Entry[]
}

/** XDG Base Directory: state that should outlive a restart; for root beside the state of the machine's services. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  if (process.geteuid?.() === 0) return '/var/lib/asr-doctor'
  const state = env['XDG_STATE_HOME']
  return join(state?.startsWith('/') ? state : join(env['HOME'] || homedir(), '.local', 'state'), 'asr-doctor')
}

const runsOf = (folder: string): string => join(folder, 'runs')

/** All runs, the oldest first. Numbers count, not clocks: a clock may jump. */
export function runs(folder: string): readonly Run[] {
  let names: readonly string[]
  try {
    names = readdirSync(runsOf(folder))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return names
    .filter((name) => /^\d+\.json$/.test(name))
    .sort((a, b) => Number.parseInt(a) - Number.parseInt(b))
    .map((name) => JSON.parse(readFileSync(join(runsOf(folder), name), 'utf8')) as Run)
}

/** A new run under the next free number; on the disk before anything else is. */
export function begin(folder: string, run: Omit<Run, 'version' | 'runId' | 'state'>): Run {
  mkdirSync(runsOf(folder), { recursive: true, mode: 0o700 })
  for (let number = runs(folder).reduce((most, { runId }) => Math.max(most, Number(runId)), 0) + 1; ; number++) {
    const begun: Run = { version: 1, runId: String(number), state: 'begun', ...run }
    const temp = written(folder, begun)
    try {
      linkSync(temp, fileOf(folder, begun))
      unlinkSync(temp)
      syncFolder(runsOf(folder))
      return begun
    } catch (error) {
      unlinkSync(temp)
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** A run that was taken back keeps its names and loses its texts: nobody needs them any more, and they may be private. */
export function mark(folder: string, run: Run, state: 'done' | 'undone'): Run {
  const marked = { ...run, state, ...(state === 'undone' ? { entries: run.entries.map((entry) => ({ ...entry, before: null, after: null })) } : {}) }
  renameSync(written(folder, marked), fileOf(folder, run))
  syncFolder(runsOf(folder))
  return marked
}

export function forget(folder: string, run: Run): void {
  unlinkSync(fileOf(folder, run))
  syncFolder(runsOf(folder))
}

const fileOf = (folder: string, { runId }: Run): string => join(runsOf(folder), `${runId}.json`)

/** It holds what stood in the files before, so it is for its owner's eyes. */
function written(folder: string, run: Run): string {
  const temp = join(runsOf(folder), `.${run.runId}.${randomBytes(6).toString('hex')}`)
  const file = openSync(temp, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  try {
    const bytes = Buffer.from(JSON.stringify(run))
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } catch (error) {
    unlinkSync(temp)
    throw error
  } finally {
    closeSync(file)
  }
  return temp
}

/** Half-written journals and temporary files that killed runs left. */
export function sweepLitter(folder: string, removeTemp: (path: string) => void): void {
  let names: readonly string[] = []
  try {
    names = readdirSync(runsOf(folder))
  } catch {
    return
  }
  for (const name of names) if (/^\.\d+\.[0-9a-f]{12}$/.test(name)) removeTemp(join(runsOf(folder), name))
  for (const { real } of runs(folder).flatMap(({ state, entries }) => (state === 'undone' ? [] : entries))) {
    for (const name of namesIn(dirname(real))) if (name.startsWith(`.${basename(real).slice(0, 200)}.asr-doctor-`) && /-[0-9a-f]{12}$/.test(name)) removeTemp(join(dirname(real), name))
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
