import { known } from '../cannot-see.ts'
import { targetPid } from '../facts/target.ts'
import { unitState } from '../facts/unit-state.ts'
import type { Writer } from '../fix/draft.ts'
import { codeOf, remains } from '../fix/exit-code.ts'
import { leftOutWords, strayWords } from '../fix/left-out.ts'
import { wishesOf, type Offer } from '../fix/offer.ts'
import type { Wish } from '../fix/plan.ts'
import type { Judging } from '../fix/proof.ts'
import { fixJson, fixText, type Told } from '../fix/report.ts'
import { stepsOf } from '../fix/steps.ts'
import { unseenWords } from '../fix/unseen.ts'
import { vetted } from '../fix/vetted.ts'
import { gatherer } from '../gather.ts'
import { about } from '../host/about.ts'
import { hostOf } from '../host/host.ts'
import { colourOn, widthOf, type Io } from '../io.ts'
import { allChecks, idsNamed } from '../load.ts'
import { progress } from '../progress.ts'
import { targetArgs, targetName } from '../target-name.ts'
import type { CheckId, Target } from '../types.ts'
import { WrongCall } from '../wrong-call.ts'
import { keep } from './fix-keep.ts'
import { theOneService } from './fix-target.ts'
import { examined, sayBeside, type FixOptions, type Work } from './fix-work.ts'
import { writeOut } from './fix-write.ts'
import { machineOf } from './machine.ts'
import { undoRuns } from './undo.ts'

/** The `fix` command, from options to exit code. */
export async function fix(options: FixOptions, io: Io): Promise<number> {
  const writers = writersOf(options)
  refuseContradictions(options, writers)
  if (options.undo !== undefined) return undoRuns({ ...options, undo: options.undo }, io)
  const named = new Map(options.fix.map((name) => [name, idsNamed('--fix', [name], allChecks())]))
  // What is kept in a file is written by somebody else, who goes by the same rules.
  const meant = writers ?? (keeps(options) ? BOTH : null)
  const line = io.stderr.isTTY ? progress(io.stderr, widthOf(io.stderr)) : null
  try {
    const found = await machineOf(options, io.cwd, line?.watch ?? ((ask) => ask))
    const target = found.target.kind === 'shell' ? await theOneService(found.ask, io, meant !== null) : found.target
    const judging = await examined(about(target, found.ask))
    // What a slow machine was examined in is not taken from the time of the proof: what it could not see would count against the fix.
    found.renew()
    const { offer, unverified } = await vetted(judging, { named: new Set([...named.values()].flatMap((ids) => [...ids])), writers: meant }, Number(options.timeout))
    line?.stop()
    return await carryOut({ options, io, target, judging, offer, writers: meant }, named, unverified)
  } finally {
    line?.stop()
  }
}

function writersOf({ writeUnit, writePath, apply }: FixOptions): ReadonlySet<Writer> | null {
  const unit = writeUnit || apply
  const path = writePath || apply
  return unit || path ? new Set<Writer>([...(unit ? (['unit'] as const) : []), ...(path ? (['path'] as const) : [])]) : null
}

const BOTH: ReadonlySet<Writer> = new Set(['unit', 'path'])

const keeps = ({ output, format }: FixOptions): boolean => output !== undefined || format !== undefined

function refuseContradictions({ undo, output, format, restart, json, fix: named }: FixOptions, writers: ReadonlySet<Writer> | null): void {
  if (undo !== undefined && (writers !== null || output !== undefined || named.length > 0)) throw new WrongCall('--undo takes back and writes nothing new; leave --write-unit, --write-path, --apply, --fix and --output out.')
  if (output !== undefined && writers !== null) throw new WrongCall('--output keeps the change in a file, --write-unit, --write-path and --apply make it; choose one.')
  if (format !== undefined && writers !== null) throw new WrongCall('--format is for showing or keeping the change, not for --write-unit, --write-path or --apply.')
  if (format !== undefined && json && output === undefined) throw new WrongCall('--format and --json both want the standard output; keep one of them in a file with --output.')
  if (restart && undo === undefined && writers === null) throw new WrongCall('--restart goes with --write-unit, --apply or --undo.')
}

async function carryOut(asked: Omit<Work, 'unit' | 'steps' | 'told' | 'beside'>, named: ReadonlyMap<string, ReadonlySet<CheckId>>, unverified: string | null): Promise<number> {
  const { options, io, target, judging, offer, writers } = asked
  const host = hostOf(judging.machine)
  const use = gatherer(host)
  const [state, pid] = await Promise.all([known(use(unitState)), known(use(targetPid))])
  const unit = state.known ? state.value : null
  const rows = writers === null && options.fix.length === 0 ? [...offer.main.rows, ...offer.risky] : offer.main.rows
  // Whatever a fix says of it: a manager that has not read the files again goes by the old ones.
  const reload = unit !== null && rows.some(({ changes }) => changes.some((change) => change.unit !== null)) ? [`systemctl ${unit.scope === 'user' ? '--user ' : ''}daemon-reload`] : []
  const steps = stepsOf([...reload, ...rows.flatMap(({ wish }) => wish.fix.then)], unit)
  const unseen = rows.length > 0 ? null : unseenWords(judging.before, ['asr-doctor', 'check', ...targetArgs(target)].join(' '))
  const leftOut = [...offer.leftOut.filter((row) => !offer.risky.includes(row)), ...(keeps(options) ? offer.shown.filter(({ meant }) => !meant) : [])]
  const notes = [...(unverified === null ? [] : [unverified]), ...leftOutWords(leftOut, writers ?? BOTH), ...strayWords(named, judging.before, offer)]
  const told: Work['told'] = (written, runId) => ({
    target, pid: pid.known && typeof pid.value === 'number' ? pid.value : null, offer, steps, advice: adviceOf(judging, offer), found: remains(judging.before), unseen, notes, written, runId, call: writers === null && rows.length > 0 ? callOf(target, rows.map(({ wish }) => wish)) : null,
  })
  const beside = [...(unseen === null ? [] : [`${targetName(target)}: ${unseen}`]), ...notes]
  const work: Work = { ...asked, unit, steps, told, beside }
  if (keeps(options)) return keep(work)
  if (options.json) sayBeside(work)
  if (!options.json) io.stdout.write(fixText(told([], null), { width: widthOf(io.stdout), colour: colourOn(io.stdout, io.env, options.color) }))
  const waits = offer.main.changes.length === 0 && offer.main.rows.length > 0
  if (writers === null || (offer.main.changes.length === 0 && !(waits && options.restart))) {
    if (options.json) io.stdout.write(fixJson(told([], null)))
    return codeOf(judging.before, offer, rows.length > 0, judging.before)
  }
  return writeOut(work)
}

function adviceOf(judging: Judging, offer: Offer): Told['advice'] {
  const cured = new Set(offer.proof.gone)
  const ruledOut = new Set(offer.rejected.flatMap(({ kind, wish }) => (kind === 'refuted' ? [wish.fix] : [])))
  return wishesOf(judging).filter(({ check, fix }) => !cured.has(check) && !ruledOut.has(fix) && fix.edits.every(({ kind }) => kind === 'snippet')).map(({ check, fix }) => ({ check, fix }))
}

function callOf(target: Target, wishes: readonly Wish[]): string {
  const path = wishes.every(({ fix }) => fix.edits.every(({ kind }) => kind === 'shell-profile' || kind === 'windows-path'))
  const both = !path && wishes.some(({ fix }) => fix.edits.some(({ kind }) => kind === 'shell-profile' || kind === 'windows-path'))
  const risky = [...new Set(wishes.flatMap(({ check, fix }) => (fix.safety === 'risky' ? [check] : [])))].flatMap((id) => ['--fix', id])
  return ['asr-doctor', 'fix', ...targetArgs(target), path ? '--write-path' : both ? '--apply' : '--write-unit', ...risky, ...(path ? [] : ['--restart'])].join(' ')
}

