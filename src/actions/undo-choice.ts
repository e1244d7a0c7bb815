import { runs, type Run } from '../fix/journal.ts'
import type { Asked } from '../resolve-target.ts'
import { targetName } from '../target-name.ts'
import { WrongCall } from '../wrong-call.ts'

export interface Choice extends Omit<Asked, 'timeout'> {
  readonly undo: string | true
}

/** The runs that a call of `fix --undo` means. What cannot narrow it down is a wrong call: it would take back more than was meant. */
export function chosenRuns(choice: Choice, folder: string): readonly Run[] {
  const { undo: which, unit, user, system } = choice
  for (const option of ['pid', 'python', 'library', 'log', 'profile', 'model'] as const) {
    if (choice[option] !== undefined) throw new WrongCall(`--undo takes the number of a run, or --unit NAME; leave --${option} out.`)
  }
  if (user && system) throw new WrongCall('--user and --system exclude each other; name one.')
  if ((user || system) && unit === undefined) throw new WrongCall(`--${user ? 'user' : 'system'} goes with --unit NAME.`)
  const all = runs(folder)
  const open = all.filter(({ state }) => state !== 'undone')
  const meant = ({ target }: Run): boolean =>
    unit === undefined || (target?.kind === 'unit' && (target.name === unit || target.name === `${unit}.service`) && (!user || target.scope === 'user') && (!system || target.scope === 'system'))
  if (which !== true) {
    const run = all.find(({ runId }) => runId === which)
    if (run === undefined) throw new WrongCall(`--undo ${which}: there is no such run.${open.length > 0 ? ` There is ${open.map(({ runId }) => runId).join(', ')}.` : ''}`)
    if (!meant(run)) throw new WrongCall(`--undo ${which}: that run is of ${nameOf(run)}; leave --unit out, or name another run.`)
    return run.state === 'undone' ? [] : [run]
  }
  const found = open.filter(meant)
  if (unit !== undefined && new Set(found.map(nameOf)).size > 1) {
    throw new WrongCall(`There are several units called ${unit}: ${found.map((run) => `run ${run.runId} is of ${nameOf(run)}`).join(', ')}. Say which: --system, --user or the number of a run.`)
  }
  return found
}

function nameOf({ target, managerUid }: Run): string {
  if (target?.kind !== 'unit') return target === null ? 'no unit' : targetName(target)
  return `${target.name} (${target.scope === 'system' ? 'system unit' : `user unit${managerUid === null ? '' : ` of uid ${managerUid}`}`})`
}
