import { base64, staked, write } from '../fix/apply.ts'
import { mainPidOf, runSteps, settled } from '../fix/after.ts'
import { asked, canAsk } from '../fix/ask.ts'
import { codeOf, remains } from '../fix/exit-code.ts'
import { Halfway } from '../fix/halfway.ts'
import { refuseUnwritable } from '../fix/hand.ts'
import { stateFolder, type Part } from '../fix/journal.ts'
import { compared } from '../fix/proof.ts'
import { Refused } from '../fix/refused.ts'
import { fixJson } from '../fix/report.ts'
import { tidied } from '../fix/tidy.ts'
import { about } from '../host/about.ts'
import { clean } from '../report/clean.ts'
import { examined, type Work } from './fix-work.ts'
import { machineOf } from './machine.ts'

/** Writes what is to be written, then restarts; where everything is written already, it only restarts. */
export async function writeOut(work: Work): Promise<number> {
  const { options, io, target, judging, offer, unit, steps, told } = work
  const refused = (error: unknown): number => {
    if (!(error instanceof Refused)) throw error
    if (options.json) io.stdout.write(fixJson(error instanceof Halfway ? told(error.touched, error.runId) : told([], null)))
    io.stderr.write(`asr-doctor: ${clean(error.message)}\n`)
    return 2
  }
  let all
  try {
    await tidied(stateFolder(io.env))
    all = staked(offer.main.changes)
    for (const { place } of all) refuseUnwritable(place)
  } catch (error) {
    return refused(error)
  }
  if (!options.yes) {
    if (!canAsk(io)) return refused(new Refused('Nothing was written: where nobody can be asked, --yes is needed.'))
    const words = all.length === 0 ? `Run ${steps.flatMap(({ command, words }) => (command === null ? [] : [clean(words)])).join('; ')}` : `Write ${all.map(({ place }) => clean(place.real)).join(', ')}`
    if (!(await asked(io, `${words}?`))) return refused(new Refused('Declined; nothing was written.'))
  }
  if (all.length === 0) {
    if (options.json) io.stdout.write(fixJson(told([], null)))
    return lookAgain(work, null)
  }
  let run
  try {
    run = await write({
      folder: stateFolder(io.env), target: unit === null ? target : { kind: 'unit', name: unit.name, scope: unit.scope }, managerUid: unit?.managerUid ?? null,
      checks: offer.main.rows.map(({ wish }) => wish.check), then: steps.map(({ words }) => words), parts: (file) => partsOf(offer, file),
    }, all)
  } catch (error) {
    return refused(error)
  }
  const written = all.map(({ place }) => place.target)
  io.stderr.write(`Written (run ${run.runId}): ${written.map(clean).join(', ')}. To take it back: asr-doctor fix --undo ${run.runId}\n`)
  if (options.json) io.stdout.write(fixJson(told(written, run.runId)))
  if (!options.restart) {
    const commands = steps.filter(({ command }) => command !== null)
    if (commands.length > 0) io.stderr.write(`It takes effect after: ${commands.map(({ words }) => clean(words)).join('; ')} (or the same call with --restart).\n`)
    return codeOf(judging.before, offer, false, null)
  }
  return lookAgain(work, run.runId)
}

/** The fixes that change a file, in their order. */
const partsOf = ({ main }: Work['offer'], file: string): readonly Part[] =>
  main.rows.flatMap(({ wish, changes }) => changes.filter(({ target }) => target === file).map(({ after }) => ({ check: wish.check, safety: wish.fix.safety, after: base64(after) })))

/** The only proof of a running service is the running service. */
async function lookAgain({ options, io, target, judging, unit, steps }: Work, runId: string | null): Promise<number> {
  const { ran, stopped, failed } = await runSteps(steps)
  for (const words of ran) io.stderr.write(`Done: ${clean(words)}\n`)
  for (const words of stopped) io.stderr.write(`${clean(words)}\n`)
  const trouble = failed ?? (unit === null ? null : await settled(unit))
  if (trouble !== null) io.stderr.write(`asr-doctor: ${clean(trouble)}.${runId === null ? '' : ` To take the change back: asr-doctor fix --undo ${runId} --restart`}\n`)
  // The process that was named is gone with the restart; its unit has a new one.
  const present = target.kind === 'pid' && unit !== null ? { kind: 'pid' as const, pid: (await mainPidOf(unit)) ?? target.pid } : target
  const { ask } = await machineOf({ timeout: options.timeout }, io.cwd, (each) => each)
  const { before: now } = await examined(about(present, ask))
  const { gone, stays, appears, lost } = compared(judging.before, now)
  io.stderr.write(stopped.length > 0 ? 'Looked at again:\n' : 'Looked at again as it runs now:\n')
  for (const [label, ids] of [['gone', gone], ['stays', stays], ['appears', appears], ['not to be seen', lost.map(({ check }) => check)]] as const) {
    if (ids.length > 0) io.stderr.write(`  ${label}: ${ids.join(', ')}\n`)
  }
  return trouble !== null || remains(now) ? 1 : 0
}
