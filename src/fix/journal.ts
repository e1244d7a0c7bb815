import { closeSync, constants, existsSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { bringUnder, makeFolders, removeTemp, syncFolder } from './disk.ts'
import { failure } from './failure.ts'
import { Refused } from './refused.ts'
import type { Fix, Target } from '../types.ts'

/** One target of a run. What lies there now tells how far the run came: the bytes of `before` or those of `after`. */
export interface Entry {
  readonly target: string
  readonly real: string
  /** base64; null = there was no file. */
  readonly before: string | null
  readonly after: string | null
  readonly mode: number | null
  readonly owner: { readonly uid: number; readonly gid: number } | null
  readonly temp: string
  readonly folders: readonly string[]
  /** The fixes that changed it, in their order, each with the text it led to (base64). */
  readonly parts: readonly Part[]
}

export interface Part {
  readonly check: string
  readonly safety: Fix['safety']
  readonly after: string | null
}

export interface Run {
  readonly version: 1
  readonly runId: string
  readonly at: string
  readonly target: Target | null
  /** Of a unit: whose manager it belongs to. null = no unit. */
  readonly managerUid: number | null
  readonly checks: readonly string[]
  /** The steps that were told or run after it. */
  readonly then: readonly string[]
  readonly state: 'begun' | 'done' | 'undone'
  readonly entries: readonly Entry[]
}

/** XDG Base Directory: state that should outlive a restart; for root beside the state of the machine's services. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  if (process.geteuid?.() === 0) return '/var/lib/asr-doctor'
  const state = env['XDG_STATE_HOME']
  return join(state?.startsWith('/') ? state : join(env['HOME'] || homedir(), '.local', 'state'), 'asr-doctor')
}

export const runsOf = (folder: string): string => join(folder, 'runs')

/** All runs, the oldest first. Numbers count, not clocks: a clock may jump. */
export function runs(folder: string): readonly Run[] {
  let names: readonly string[]
  try {
    names = readdirSync(runsOf(folder))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw failure(error, runsOf(folder), 'read')
  }
  return names
    .filter((name) => /^\d+\.json$/.test(name))
    .sort((a, b) => Number.parseInt(a) - Number.parseInt(b))
    .map((name) => runIn(join(runsOf(folder), name), name.replace('.json', '')))
}

/** A journal that is not understood stops everything: what it says of the same files nobody would know. */
function runIn(file: string, runId: string): Run {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw failure(error, file, 'read')
  }
  const aside = `Nothing was touched. To go on without it, move it away (mv ${file} ${file}.aside): the other runs can be taken back then; the bytes that it keeps stay in it, in base64.`
  let run: Partial<Run> | null
  try {
    run = JSON.parse(text) as Partial<Run> | null
  } catch {
    throw new Refused(`The journal of run ${runId}, ${file}, is damaged: it is no whole JSON. ${aside}`)
  }
  if (run?.version !== undefined && (run.version as number) !== 1) throw new Refused(`The journal of run ${runId}, ${file}, is of version ${JSON.stringify(run.version)}, and this asr-doctor knows version 1 only. Nothing was touched; take that run back with the asr-doctor that wrote it.`)
  if (run?.version !== 1 || run.runId !== runId || !['begun', 'done', 'undone'].includes(run.state ?? '') || !Array.isArray(run.entries) || !run.entries.every(isEntry)) throw new Refused(`The journal of run ${runId}, ${file}, is damaged: it is not what asr-doctor writes. ${aside}`)
  return run as Run
}

const isEntry = (entry: Partial<Entry> | null): boolean =>
  typeof entry?.target === 'string' && typeof entry.real === 'string' && [entry.before, entry.after].every((text) => text === null || typeof text === 'string') && Array.isArray(entry.folders) && Array.isArray(entry.parts)

/** A new run under the next free number; on the disk before anything else is. */
export function begin(folder: string, run: Omit<Run, 'version' | 'runId' | 'state'>): Run {
  makeFolders(runsOf(folder), 0o700)
  for (let number = runs(folder).reduce((most, { runId }) => Math.max(most, Number(runId)), 0) + 1; ; number++) {
    const begun: Run = { version: 1, runId: String(number), state: 'begun', ...run }
    // Only one run at a time comes here, so a look is enough where there are no links.
    if (existsSync(fileOf(folder, begun))) continue
    const temp = written(folder, begun)
    try {
      bringUnder(temp, fileOf(folder, begun), () => undefined)
      syncFolder(runsOf(folder))
      return begun
    } catch (error) {
      removeTemp(temp)
      throw error
    }
  }
}

/** A run that was taken back keeps its names and loses its texts: nobody needs them any more, and they may be private. */
export function mark(folder: string, run: Run, state: 'done' | 'undone'): Run {
  const marked = { ...run, state, ...(state === 'undone' ? { entries: run.entries.map((entry) => ({ ...entry, before: null, after: null, parts: [] })) } : {}) }
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
