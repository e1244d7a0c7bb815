import type { Change, Target } from '../types.ts'
import { Halfway } from './halfway.ts'
import { replace, tempName } from './hand.ts'
import { begin, forget, mark, type Entry, type Part, type Run } from './journal.ts'
import { placeOf, unchanged, type Place } from './place.ts'
import { Refused } from './refused.ts'
import { bytesOf, contents, restore } from './restore.ts'
import { guarded } from './tidy.ts'

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

/** What the journal is told beside the bytes. */
export interface Writing {
  readonly folder: string
  readonly target: Target | null
  readonly managerUid?: number | null
  readonly checks: readonly string[]
  readonly then?: readonly string[]
  /** The fixes that change a target, in their order. */
  readonly parts?: (target: string) => readonly Part[]
}

/** Writes all changes or none, and a journal of them first. Throws Refused with the reason; the disk is then as before, or the words name what is not. */
export const write = ({ folder, target, managerUid = null, checks, then = [], parts = () => [] }: Writing, all: readonly Staked[]): Promise<Run> =>
  guarded(folder, () => {
    for (const { place } of all) unchanged(place)
    const entries = all.map(({ change, place }): Entry => ({
      target: place.target, real: place.real, before: place.bytes?.toString('base64') ?? null, after: base64(change.after),
      mode: place.stat === null ? null : place.stat.mode & 0o7777, owner: place.stat === null ? null : { uid: place.stat.uid, gid: place.stat.gid },
      temp: tempName(place.real), folders: place.folders, parts: parts(change.target),
    }))
    const run = begin(folder, { at: new Date().toISOString(), target, managerUid, checks, then, entries })
    let begun = 0
    try {
      for (const { place } of all) {
        const { after, temp } = entries[begun++]!
        replace(place, bytesOf(after), temp)
      }
    } catch (error) {
      throw rolledBack(folder, run, begun, error)
    }
    try {
      return mark(folder, run, 'done')
    } catch {
      // The journal as begun says all that undoing needs.
      return run
    }
  })

export const base64 = (text: string | null): string | null => (text === null ? null : Buffer.from(text, 'utf8').toString('base64'))

/** Takes back what a failed run has done, as far as it goes, and says what stays. The last one begun may or may not be done. */
function rolledBack(folder: string, run: Run, begun: number, error: unknown): unknown {
  const left = run.entries.slice(0, begun).flatMap((entry, at) => {
    const because = whyLeft(entry, at === begun - 1)
    return because === null ? [] : [{ target: entry.target, because }]
  })
  if (left.length === 0) {
    try {
      forget(folder, run)
    } catch {
      // The run stays in the journal, and taking it back finds everything as before.
    }
    return error
  }
  const words = [(error as Error).message, ...left.map(({ target, because }) => `${target} is written and could not be put back: ${because}`), `Run ${run.runId} stays in the journal; once that is mended, asr-doctor fix --undo ${run.runId} puts it back.`]
  return new Halfway(words.join(' '), run.runId, left.map(({ target }) => target), error)
}

/** null = it is as before. */
function whyLeft(entry: Entry, last: boolean): string | null {
  try {
    restore(entry)
    return null
  } catch (error) {
    let now: string | null
    try {
      now = contents(entry)
    } catch {
      return (error as Error).message
    }
    // Put back and only not synced; or somebody else's bytes, on which ours never fell.
    return now === entry.before || (last && now !== entry.after) ? null : (error as Error).message
  }
}
