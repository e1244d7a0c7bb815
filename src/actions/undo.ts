import { asked, canAsk } from '../fix/ask.ts'
import { shownDiff } from '../fix/discreet.ts'
import { Halfway } from '../fix/halfway.ts'
import { stateFolder, type Entry, type Run } from '../fix/journal.ts'
import { Refused } from '../fix/refused.ts'
import { outlook, undo, type Outlook } from '../fix/take-back.ts'
import { tidied } from '../fix/tidy.ts'
import type { Io } from '../io.ts'
import { clean } from '../report/clean.ts'
import { soberJson } from '../sober.ts'
import { targetName } from '../target-name.ts'
import { takeEffect } from './undo-after.ts'
import { chosenRuns, type Choice } from './undo-choice.ts'

export interface UndoOptions extends Choice {
  readonly yes?: boolean
  readonly restart?: boolean
  readonly json?: boolean
}

/** `fix --undo [RUN]`: everything that was written here and not taken back, or one run of it. */
export async function undoRuns(options: UndoOptions, io: Io): Promise<number> {
  const folder = stateFolder(io.env)
  const named = options.undo !== true
  let which: readonly Run[] = []
  const refused = (words: string, touched: readonly string[] = []): number => {
    if (options.json) io.stdout.write(json(which, touched, null))
    io.stderr.write(`asr-doctor: ${clean(words)}\n`)
    return 2
  }
  const caught = (error: unknown): number => {
    if (!(error instanceof Refused)) throw error
    return refused(error.message, error instanceof Halfway ? error.touched : [])
  }
  try {
    which = chosenRuns(options, folder)
  } catch (error) {
    return caught(error)
  }
  if (which.length === 0) {
    if (options.json) io.stdout.write(json([], [], null))
    else io.stdout.write('Nothing to take back.\n')
    return 0
  }
  if (!options.json) {
    for (const run of [...which].reverse()) io.stdout.write(`Run ${run.runId}, ${run.at}${run.target === null ? '' : `, ${clean(targetName(run.target))}`}: ${run.entries.map(({ target }) => clean(target)).join(', ')}\n`)
  }
  let view: Outlook
  try {
    await tidied(folder)
    view = outlook(folder, which, named)
  } catch (error) {
    return caught(error)
  }
  const { back, gone, stays } = view
  if (back.length + gone.length === 0) {
    for (const { run, because } of stays.slice(0, -1)) io.stderr.write(`${clean(staying(run, because))}\n`)
    const last = stays.at(-1)!
    return refused(`${staying(last.run, last.because)} Nothing was taken back.`)
  }
  for (const { run, because } of stays) io.stderr.write(`${clean(staying(run, because))}\n`)
  if (!options.yes) {
    if (!canAsk(io)) return refused('Nothing was taken back: where nobody can be asked, --yes is needed.')
    if (!(await asked(io, `${question(view)}?`))) return refused('Declined; nothing was taken back.')
  }
  let taken: readonly string[]
  try {
    taken = await undo(folder, back, { gone, named })
  } catch (error) {
    return caught(error)
  }
  if (options.json) io.stdout.write(json([...back].reverse(), taken, options.undo === true ? null : options.undo))
  if (back.length > 0) io.stderr.write(taken.length === 0 ? 'Everything was as before already.\n' : `Taken back: ${taken.map(clean).join(', ')}.\n`)
  for (const run of gone) io.stderr.write(`Run ${run.runId} is struck from the journal: ${targetsOf([run])} was deleted since, and is left so.\n`)
  const code = await takeEffect(back, options.restart === true, io)
  return stays.length > 0 ? 1 : code
}

const targetsOf = (which: readonly Run[]): string => [...new Set(which.flatMap(({ entries }) => [...entries].reverse().map(({ target }) => clean(target))))].join(', ')

const staying = (run: Run, because: string): string => `Run ${run.runId} stays: ${because}`

function question({ back, revived, gone }: Outlook): string {
  const again = revived.length === 0 ? '' : ` (${revived.map(clean).join(', ')} was deleted since; what stood there before is put back)`
  return [...(back.length > 0 ? [`Take back ${targetsOf(back)}${again}`] : []), ...(gone.length > 0 ? [`${back.length > 0 ? 'forget' : 'Forget'} run ${gone.map(({ runId }) => runId).join(', ')}, whose files somebody deleted`] : [])].join(' and ')
}

/** Step by step backwards: the last fix of a file first. */
function json(which: readonly Run[], written: readonly string[], runId: string | null): string {
  const [target = null] = [...new Map(which.map((run) => [JSON.stringify(run.target), run.target])).values()]
  return `${soberJson({
    schemaVersion: 1,
    target: target === null ? null : { kind: target.kind, name: targetName(target), ...(target.kind === 'unit' ? { scope: target.scope } : {}) },
    changes: [...which].reverse().flatMap((run) => [...run.entries].reverse().flatMap((entry) => backwards(entry, run.checks[0] ?? ''))),
    proof: { gone: [], stays: [], appears: [] },
    written,
    runId,
  })}\n`
}

function backwards({ target, before, after, parts }: Entry, check: string) {
  const text = (base64: string | null) => (base64 === null ? null : Buffer.from(base64, 'base64').toString('utf8'))
  const steps = parts.length > 0 ? parts : [{ check, safety: 'safe' as const, after }]
  return steps.map((step, at) => ({ target, diff: shownDiff({ target, before: text(step.after), after: text(at === 0 ? before : steps[at - 1]!.after) }), safety: step.safety, check: step.check })).reverse()
}
