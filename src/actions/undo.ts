import { known } from '../cannot-see.ts'
import { accountOf } from '../facts/unit-accounts.ts'
import { unitStateOf } from '../facts/unit-state.ts'
import { outlook, tidied, undo, type Outlook } from '../fix/apply.ts'
import { runSteps, settled } from '../fix/after.ts'
import { asked, canAsk } from '../fix/ask.ts'
import { runs, stateFolder, type Run } from '../fix/journal.ts'
import { Refused } from '../fix/refused.ts'
import { stepsOf } from '../fix/steps.ts'
import { hostOf } from '../host/host.ts'
import { realMachine } from '../host/real.ts'
import type { Io } from '../io.ts'
import { sober, soberJson } from '../sober.ts'
import { targetName } from '../target-name.ts'
import { unifiedDiff } from '../fix/diff.ts'
import { WrongCall } from '../wrong-call.ts'

export interface UndoOptions {
  readonly undo: string | true
  readonly unit?: string
  readonly user?: boolean
  readonly yes?: boolean
  readonly restart?: boolean
  readonly json?: boolean
}

/** `fix --undo [RUN]`: everything that was written here and not taken back, or one run of it. */
export async function undoRuns(options: UndoOptions, io: Io): Promise<number> {
  const folder = stateFolder(io.env)
  const which = chosenRuns(options, folder)
  if (which.length === 0) {
    if (options.json) io.stdout.write(json([], [], null))
    else io.stdout.write('Nothing to take back.\n')
    return 0
  }
  if (!options.json) {
    for (const run of [...which].reverse()) io.stdout.write(`Run ${run.runId}, ${run.at}${run.target === null ? '' : `, ${sober(targetName(run.target))}`}: ${run.entries.map(({ target }) => sober(target)).join(', ')}\n`)
  }
  const refused = (words: string): number => {
    if (options.json) io.stdout.write(json(which, [], null))
    io.stderr.write(`asr-doctor: ${sober(words)}\n`)
    return 2
  }
  let view: Outlook
  try {
    await tidied(folder)
    view = outlook(folder, which)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return refused(error.message)
  }
  const { back, gone, stays } = view
  if (back.length + gone.length === 0) {
    for (const { run, because } of stays.slice(0, -1)) io.stderr.write(`${sober(staying(run, because))}\n`)
    const last = stays.at(-1)!
    return refused(`${staying(last.run, last.because)} Nothing was taken back.`)
  }
  for (const { run, because } of stays) io.stderr.write(`${sober(staying(run, because))}\n`)
  if (!options.yes) {
    if (!canAsk(io)) return refused('Nothing was taken back: where nobody can be asked, --yes is needed.')
    if (!(await asked(io, `${question(view)}?`))) return refused('Declined; nothing was taken back.')
  }
  let taken: readonly string[]
  try {
    taken = await undo(folder, back, gone)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return refused(error.message)
  }
  if (options.json) io.stdout.write(json([...back].reverse(), taken, options.undo === true ? null : options.undo))
  if (back.length > 0) io.stderr.write(taken.length === 0 ? 'Everything was as before already.\n' : `Taken back: ${taken.map(sober).join(', ')}.\n`)
  for (const run of gone) io.stderr.write(`Run ${run.runId} is struck from the journal: ${targetsOf([run])} was deleted since, and is left so.\n`)
  const code = await after(back, options, io)
  return stays.length > 0 ? 1 : code
}

const targetsOf = (which: readonly Run[]): string => [...new Set(which.flatMap(({ entries }) => [...entries].reverse().map(({ target }) => sober(target))))].join(', ')

/** Why a run is not taken back, and what can be done about it. */
function staying(run: Run, because: string): string {
  if (/take that one back first/.test(because)) return `Run ${run.runId} stays: ${because}`
  const drop = run.entries.every(({ before }) => before === null) ? ' Or delete what it made: then it is forgotten.' : ''
  return `Run ${run.runId} stays: ${because} Once it is as it was written, asr-doctor fix --undo ${run.runId} takes it back.${drop}`
}

const question = ({ back, gone }: Outlook): string =>
  [...(back.length > 0 ? [`Take back ${targetsOf(back)}`] : []), ...(gone.length > 0 ? [`${back.length > 0 ? 'forget' : 'Forget'} run ${gone.map(({ runId }) => runId).join(', ')}, whose files somebody deleted`] : [])].join(' and ')

function chosenRuns({ undo: which, unit }: UndoOptions, folder: string): readonly Run[] {
  let all: readonly Run[]
  try {
    all = runs(folder)
  } catch (error) {
    throw new WrongCall(`The journal in ${folder} cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}).`)
  }
  const open = all.filter(({ state }) => state !== 'undone')
  if (which !== true) {
    const run = all.find(({ runId }) => runId === which)
    if (run === undefined) throw new WrongCall(`--undo ${which}: there is no such run.${open.length > 0 ? ` There is ${open.map(({ runId }) => runId).join(', ')}.` : ''}`)
    return run.state === 'undone' ? [] : [run]
  }
  if (unit === undefined) return open
  const name = unit.includes('.') ? unit : `${unit}.service`
  return open.filter(({ target }) => target?.kind === 'unit' && (target.name === name || target.name === `${unit}.service`))
}

/** The managers of the units whose files were taken back must read them again. */
async function after(which: readonly Run[], options: UndoOptions, io: Io): Promise<number> {
  const units = which.flatMap(({ target }) => (target?.kind === 'unit' ? [target] : []))
  let code = 0
  for (const unit of new Map(units.map((each) => [`${each.scope} ${each.name}`, each])).values()) {
    const state = await known(unitStateOf(hostOf(realMachine(unit, Date.now() + 10_000)), unit.name, unit.scope, await ownerOf(which)))
    const user = unit.scope === 'user' ? '--user ' : ''
    const steps = stepsOf([`systemctl ${user}daemon-reload`, `systemctl ${user}restart ${unit.name}`], state.known ? state.value : null)
    if (!options.restart) {
      io.stderr.write(`It takes effect after: ${steps.map(({ words }) => words).join('; ')}.\n`)
      continue
    }
    const { failed } = await runSteps(steps)
    const trouble = failed ?? (state.known ? await settled(state.value) : null)
    if (trouble !== null) {
      io.stderr.write(`asr-doctor: ${sober(trouble)}.\n`)
      code = 1
    }
  }
  return code
}

/** Whose user manager it was: the owner of the home that a drop-in was written to. */
async function ownerOf(which: readonly Run[]): Promise<number | null> {
  const home = which.flatMap(({ entries }) => entries).map(({ target }) => /^(\/.+)\/\.config\/systemd\/user\//.exec(target)?.[1]).find(Boolean)
  if (home === undefined) return null
  const host = hostOf(realMachine({ kind: 'shell' }, Date.now() + 5000))
  const passwd = (await host.read('/etc/passwd')) ?? ''
  const name = passwd.split('\n').map((line) => line.split(':')).find((fields) => fields[5] === home)?.[0]
  return name === undefined ? null : ((await accountOf(host, name))?.uid ?? null)
}

function json(which: readonly Run[], written: readonly string[], runId: string | null): string {
  const text = (base64: string | null) => (base64 === null ? null : Buffer.from(base64, 'base64').toString('utf8'))
  const [target = null] = [...new Map(which.map((run) => [JSON.stringify(run.target), run.target])).values()]
  const changes = [...which].reverse().flatMap((run) => run.entries.map((entry) => ({ target: entry.target, diff: unifiedDiff(entry.target, text(entry.after), text(entry.before)), safety: 'safe', check: run.checks[0] ?? '' })))
  return `${soberJson({
    schemaVersion: 1,
    target: target === null ? null : { kind: target.kind, name: targetName(target), ...(target.kind === 'unit' ? { scope: target.scope } : {}) },
    changes,
    proof: { gone: [], stays: [], appears: [] },
    written,
    runId,
  })}\n`
}
