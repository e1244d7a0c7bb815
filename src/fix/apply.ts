import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Change, Target } from '../types.ts'
import { failure } from './failure.ts'
import { removeEmpty, removeTemp, replace, tempName } from './hand.ts'
import { begin, forget, mark, runs, sweepLitter, type Entry, type Run } from './journal.ts'
import { alone } from './lock.ts'
import { placeOf, statOrNull, unchanged, type Place } from './place.ts'
import { Refused } from './refused.ts'
import { asUser } from './rights.ts'

/** A change met on the disk, to be written as it was examined or not at all. */
export interface Staked {
  readonly change: Change
  readonly place: Place
}

/** Looks where each change really lands, and that what lies there is what the plan began from. */
export function staked(changes: readonly Change[]): readonly Staked[] {
  return changes.map((change) => {
    const place = placeOf(change.target)
    const was = change.before === null ? null : Buffer.from(change.before, 'utf8')
    if (place.bytes === null ? was !== null : was === null || !place.bytes.equals(was)) {
      const lossy = place.bytes !== null && place.bytes.toString('utf8') === change.before
      throw new Refused(lossy ? `${change.target} holds bytes that are not UTF-8, so it is left to be changed by hand.` : `${change.target} was changed since it was examined; nothing was written.`)
    }
    return { change, place }
  })
}

/** What killed runs left lying about is swept before anything is looked at: a half-made file has a second name. */
export async function tidied(folder: string): Promise<void> {
  if (runs(folder).length > 0) await guarded(folder, () => undefined)
}

export interface Writing {
  readonly folder: string
  readonly target: Target | null
  readonly checks: readonly string[]
}

/** Writes all changes or none, and a journal of them first. Throws Refused with the reason; the disk is then as before. */
export const write = ({ folder, target, checks }: Writing, all: readonly Staked[]): Promise<Run> =>
  guarded(folder, () => {
    for (const { place } of all) unchanged(place)
    const entries = all.map(({ change, place }): Entry => ({
      target: place.target, real: place.real, before: place.bytes?.toString('base64') ?? null, after: change.after === null ? null : Buffer.from(change.after, 'utf8').toString('base64'),
      mode: place.stat === null ? null : place.stat.mode & 0o7777, temp: tempName(place.real), folders: place.folders,
    }))
    const run = begin(folder, { at: new Date().toISOString(), target, checks, entries })
    const done: Entry[] = []
    try {
      for (const [at, { place }] of all.entries()) {
        replace(place, bytesOf(entries[at]!.after), entries[at]!.temp)
        done.push(entries[at]!)
      }
    } catch (error) {
      if (done.reverse().every(restored)) forget(folder, run)
      throw error
    }
    try {
      return mark(folder, run, 'done')
    } catch {
      // The journal as begun says all that undoing needs.
      return run
    }
  })

/** What taking runs back would come to. */
export interface Outlook {
  readonly back: readonly Run[]
  /** Somebody deleted all that they wrote: there is nothing to take back any more. */
  readonly gone: readonly Run[]
  readonly stays: readonly { readonly run: Run; readonly because: string }[]
}

/** Looks and touches nothing. A run that cannot be taken back holds back those below it that wrote the same files, and no others. */
export function outlook(folder: string, which: readonly Run[]): Outlook {
  let expected: Expected = new Map()
  const held = new Map<string, Run>()
  const [back, gone, stays]: [Run[], Run[], { run: Run; because: string }[]] = [[], [], []]
  for (const run of newestFirst(which)) {
    const next = new Map(expected)
    const over = run.entries.find(({ real }) => held.has(real))
    const because = over === undefined ? reasonOf(() => checkRun(run, next, folder)) : writtenAgain(over, held.get(over.real)!)
    if (because === null) {
      back.push(run)
      expected = next
    } else if (run.entries.every((entry) => deleted(entry, expected))) gone.push(run)
    else {
      stays.push({ run, because })
      for (const { real } of run.entries) if (!held.has(real)) held.set(real, run)
    }
  }
  return { back, gone, stays }
}

function reasonOf(work: () => void): string | null {
  try {
    work()
    return null
  } catch (error) {
    if (error instanceof Refused) return error.message
    throw error
  }
}

/** By somebody, and not with a disk that is not there at the moment. What cannot be looked at is not known to be deleted. */
function deleted({ real, after, folders }: Entry, expected: Expected = new Map()): boolean {
  if (after === null) return false
  if (expected.has(real)) return expected.get(real) === null
  let there: boolean
  try {
    there = statOrNull(real) !== null
  } catch {
    return false
  }
  return !there && existsSync(dirname(folders[0] ?? dirname(real)))
}

const newestFirst = (which: readonly Run[]): readonly Run[] => [...which].sort((a, b) => Number(b.runId) - Number(a.runId))

/** Takes runs back, the newest first; all of them are looked at before any is touched. Those that are `gone` are only struck from the journal. */
export const undo = (folder: string, which: readonly Run[], gone: readonly Run[] = []): Promise<readonly string[]> =>
  guarded(folder, () => {
    const newest = newestFirst(which)
    const expected: Expected = new Map()
    for (const run of newest) checkRun(run, expected, folder)
    const back = new Set<string>()
    for (const run of newest) {
      for (const entry of [...run.entries].reverse()) if (restore(entry)) back.add(entry.target)
      mark(folder, run, 'undone')
    }
    for (const run of gone) if (run.entries.every((entry) => deleted(entry))) mark(folder, run, 'undone')
    return [...back]
  })

/** What the disk will hold while the runs are taken back one by one. */
type Expected = Map<string, string | null>

function checkRun(run: Run, expected: Expected, folder: string): void {
  for (const entry of [...run.entries].reverse()) check(entry, run, expected, folder)
}

const writtenAgain = ({ target }: Entry, { runId }: Run): string => `${target} was written again by run ${runId}; take that one back first.`

function check(entry: Entry, run: Run, expected: Expected, folder: string): void {
  const now = expected.has(entry.real) ? expected.get(entry.real)! : contents(entry)
  if (now !== entry.after && now !== entry.before) {
    const later = runs(folder).find((other) => other.state !== 'undone' && Number(other.runId) > Number(run.runId) && other.entries.some(({ real }) => real === entry.real))
    throw new Refused(later ? writtenAgain(entry, later) : `${entry.target} was ${now === null ? 'deleted' : 'changed'} since asr-doctor wrote it (run ${run.runId}).`)
  }
  expected.set(entry.real, entry.before)
}

const contents = (entry: Entry): string | null => placeOf(entry.target).bytes?.toString('base64') ?? null

/** The bytes of before; true = they were not there already. */
function restore(entry: Entry): boolean {
  const place = placeOf(entry.target)
  if (place.real !== entry.real) throw new Refused(`${entry.target} leads to ${place.real} now and led to ${entry.real} when it was written.`)
  const now = place.bytes?.toString('base64') ?? null
  const changed = now !== entry.before
  if (changed && now !== entry.after) throw new Refused(`${entry.target} was changed since asr-doctor wrote it; it is left as it is.`)
  if (changed) replace(place, bytesOf(entry.before), tempName(place.real), entry.mode ?? undefined)
  asUser(place.owner, () => {
    for (const made of [...entry.folders].reverse()) removeEmpty(made)
  })
  return changed
}

/** Best effort, after something else went wrong: what cannot be put back stays in the journal. */
function restored(entry: Entry): boolean {
  try {
    restore(entry)
    return true
  } catch {
    return false
  }
}

const bytesOf = (base64: string | null): Buffer | null => (base64 === null ? null : Buffer.from(base64, 'base64'))

async function guarded<T>(folder: string, work: () => T): Promise<T> {
  try {
    return await alone(folder, () => {
      sweepLitter(folder, removeTemp)
      return work()
    })
  } catch (error) {
    throw error instanceof Refused ? error : failure(error, folder, 'written')
  }
}
