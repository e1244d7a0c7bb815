import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { Halfway } from './halfway.ts'
import { mark, runs, type Entry, type Run } from './journal.ts'
import { statOrNull } from './place.ts'
import { Refused } from './refused.ts'
import { contents, restore } from './restore.ts'
import { guarded } from './tidy.ts'

/** What taking runs back would come to. */
export interface Outlook {
  readonly back: readonly Run[]
  /** Files of theirs that somebody deleted and that are put back all the same, because their run was named. */
  readonly revived: readonly string[]
  /** Somebody deleted all that they wrote, and nothing but our own texts stood there before: there is nothing to take back any more. */
  readonly gone: readonly Run[]
  readonly stays: readonly { readonly run: Run; readonly because: string }[]
}

/**
 * Looks and touches nothing. A run that cannot be taken back holds back those below it that wrote the same files, and no others.
 * `named`: the one run was asked for by its number. Only then does a file come back that somebody deleted: it may have been deleted
 * for good, and it may be missed.
 */
export function outlook(folder: string, which: readonly Run[], named: boolean): Outlook {
  const all = runs(folder)
  let expected: Expected = new Map()
  const held = new Map<string, Run>()
  const [back, gone, stays]: [Run[], Run[], { run: Run; because: string }[]] = [[], [], []]
  for (const run of newestFirst(which)) {
    const next = new Map(expected)
    const over = run.entries.find(({ real }) => held.has(real))
    const because = over === undefined ? reasonOf(() => checkRun(run, next, all.filter(({ runId }) => !gone.some((each) => each.runId === runId)), named)) : writtenAgain(over, held.get(over.real)!)
    if (isGone(run, all, expected)) gone.push(run)
    else if (because === null) {
      back.push(run)
      expected = next
    } else {
      stays.push({ run, because })
      for (const { real } of run.entries) if (!held.has(real)) held.set(real, run)
    }
  }
  return { back, revived: back.flatMap(({ entries }) => entries.filter((entry) => named && revivable(entry)).map(({ target }) => target)), gone, stays }
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

const newestFirst = (which: readonly Run[]): readonly Run[] => [...which].sort((a, b) => Number(b.runId) - Number(a.runId))

/** All its files were deleted, and what stood there before was written by a run that can still be taken back itself. */
const isGone = (run: Run, all: readonly Run[], expected: Expected): boolean =>
  run.entries.some(({ before }) => before !== null) && run.entries.every((entry) => deleted(entry, expected) && (entry.before === null || all.some((older) => older.state !== 'undone' && Number(older.runId) < Number(run.runId) && older.entries.some(({ real, after }) => real === entry.real && after === entry.before))))

/** By somebody, and not with a disk that is not there at the moment. What cannot be looked at is not known to be deleted. */
function deleted({ real, after, folders }: Entry, expected: Expected): boolean {
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

/** Its file is away and its folder is there: the old bytes can be put where they were. */
const revivable = (entry: Entry): boolean => entry.before !== null && entry.after !== null && existsSync(dirname(entry.real)) && !existsSync(entry.real)

/** Takes runs back, the newest first; all of them are looked at before any is touched. Those that are `gone` are only struck from the journal. */
export const undo = (folder: string, which: readonly Run[], { gone = [], named = false }: { readonly gone?: readonly Run[]; readonly named?: boolean } = {}): Promise<readonly string[]> =>
  guarded(folder, () => {
    const newest = newestFirst(which)
    const expected: Expected = new Map()
    const all = runs(folder)
    const others = all.filter(({ runId }) => !gone.some((each) => each.runId === runId))
    for (const run of newest) checkRun(run, expected, others, named)
    const back = new Set<string>()
    for (const run of newest) {
      try {
        for (const entry of [...run.entries].reverse()) if (restore(entry, named)) back.add(entry.target)
        mark(folder, run, 'undone')
      } catch (error) {
        if (back.size === 0) throw error
        throw new Halfway(`${(error as Error).message} Put back before that: ${[...back].join(', ')}. Run ${run.runId} stays in the journal; once that is mended, asr-doctor fix --undo ${run.runId} takes back the rest of it.`, run.runId, [...back], error)
      }
    }
    for (const run of gone) if (isGone(run, all, new Map())) mark(folder, run, 'undone')
    return [...back]
  })

/** What the disk will hold while the runs are taken back one by one. */
type Expected = Map<string, string | null>

function checkRun(run: Run, expected: Expected, all: readonly Run[], named: boolean): void {
  for (const entry of [...run.entries].reverse()) check(entry, run, expected, all, named)
}

const writtenAgain = ({ target }: Entry, { runId }: Run): string => `${target} was written again by run ${runId}; take that one back first.`

function check(entry: Entry, run: Run, expected: Expected, all: readonly Run[], named: boolean): void {
  const { runId } = run
  const mended = `Once it is as it was written, asr-doctor fix --undo ${runId} takes it back.${run.entries.every(({ before }) => before === null) ? ' Or delete what it made: then it is forgotten.' : ''}`
  let now: string | null
  try {
    now = expected.has(entry.real) ? expected.get(entry.real)! : contents(entry)
  } catch (error) {
    throw error instanceof Refused ? new Refused(`${error.message} ${mended}`) : error
  }
  if (now !== entry.after && now !== entry.before) {
    const later = all.find((other) => other.state !== 'undone' && Number(other.runId) > Number(runId) && other.entries.some(({ real }) => real === entry.real))
    if (later) throw new Refused(writtenAgain(entry, later))
    if (now !== null) throw new Refused(`${entry.target} was changed since asr-doctor wrote it (run ${runId}). ${mended}`)
    if (named && revivable(entry)) return
    const puts = `asr-doctor fix --undo ${runId} puts back what stood there before.`
    throw new Refused(`${entry.target} was deleted since asr-doctor wrote it (run ${runId}). ${existsSync(dirname(entry.real)) ? puts : `Once its folder is there again, ${puts}`}`)
  }
  expected.set(entry.real, entry.before)
}
