import { resolve } from 'node:path'
import { known } from '../cannot-see.ts'
import { diagnose } from '../diagnose.ts'
import { targetPid } from '../facts/target.ts'
import { unitState, type UnitState } from '../facts/unit-state.ts'
import { staked, tidied, write } from '../fix/apply.ts'
import { mainPidOf, runSteps, settled } from '../fix/after.ts'
import { asked, canAsk } from '../fix/ask.ts'
import { mergedChanges, type PlannedChange, type Writer } from '../fix/draft.ts'
import { codeOf, remains } from '../fix/exit-code.ts'
import { formats, type Format } from '../fix/formats.ts'
import { refuseUnwritable } from '../fix/hand.ts'
import { stateFolder } from '../fix/journal.ts'
import { offerOf, wishesOf, type Offer } from '../fix/offer.ts'
import type { Row, Wish } from '../fix/plan.ts'
import { compared, type Judging } from '../fix/proof.ts'
import { Refused } from '../fix/refused.ts'
import { fixJson, fixText, type Told } from '../fix/report.ts'
import { unitSite, type Site } from '../fix/site.ts'
import { stepsOf, type Step } from '../fix/steps.ts'
import { newComplaints } from '../fix/verify.ts'
import { writeNew } from '../new-file.ts'
import { gatherer } from '../gather.ts'
import { about } from '../host/about.ts'
import { hostOf, type Ask } from '../host/host.ts'
import { colourOn, type Io } from '../io.ts'
import { allChecks, idsNamed } from '../load.ts'
import { neighbours } from '../neighbours.ts'
import { progress } from '../progress.ts'
import { sober } from '../sober.ts'
import { targetArgs } from '../target-name.ts'
import type { CheckId, Fix, Target } from '../types.ts'
import { WrongCall } from '../wrong-call.ts'
import { machineOf, type TargetOptions } from './machine.ts'
import { undoRuns } from './undo.ts'

export interface FixOptions extends TargetOptions {
  readonly writeUnit?: boolean
  readonly writePath?: boolean
  readonly apply?: boolean
  readonly fix: readonly string[]
  readonly yes?: boolean
  readonly restart?: boolean
  readonly undo?: string | true
  readonly output?: string
  readonly format?: Format
  readonly json?: boolean
  readonly color: boolean
}

/** The `fix` command, from options to exit code. */
export async function fix(options: FixOptions, io: Io): Promise<number> {
  const writers = writersOf(options)
  refuseContradictions(options, writers)
  if (options.undo !== undefined) return undoRuns({ ...options, undo: options.undo }, io)
  const named = idsNamed('--fix', options.fix, allChecks())
  const line = io.stderr.isTTY ? progress(io.stderr, io.stderr.columns ?? 80) : null
  try {
    const found = await machineOf(options, io.cwd, line?.watch ?? ((ask) => ask))
    const target = found.target.kind === 'shell' ? await theOneService(found.ask, io) : found.target
    const judging = await examined(about(target, found.ask))
    const offer = await verified(judging, { named, writers }, Number(options.timeout))
    line?.stop()
    return await carryOut({ options, io, target, judging, offer, writers })
  } finally {
    line?.stop()
  }
}

function writersOf({ writeUnit, writePath, apply }: FixOptions): ReadonlySet<Writer> | null {
  const unit = writeUnit || apply
  const path = writePath || apply
  return unit || path ? new Set<Writer>([...(unit ? (['unit'] as const) : []), ...(path ? (['path'] as const) : [])]) : null
}

function refuseContradictions({ undo, output, format, restart, json, fix: named }: FixOptions, writers: ReadonlySet<Writer> | null): void {
  if (undo !== undefined && (writers !== null || output !== undefined || named.length > 0)) throw new WrongCall('--undo takes back and writes nothing new; leave --write-unit, --write-path, --apply, --fix and --output out.')
  if (output !== undefined && writers !== null) throw new WrongCall('--output keeps the change in a file, --write-unit, --write-path and --apply make it; choose one.')
  if (format !== undefined && writers !== null) throw new WrongCall('--format is for showing or keeping the change, not for --write-unit, --write-path or --apply.')
  if (format !== undefined && json && output === undefined) throw new WrongCall('--format and --json both want the standard output; keep one of them in a file with --output.')
  if (restart && undo === undefined && writers === null) throw new WrongCall('--restart goes with --write-unit, --apply or --undo.')
}

/** Without a target: the one speech service of this machine, by name; none = this shell. */
async function theOneService(ask: Ask, io: Io): Promise<Target> {
  const found = await known(neighbours(hostOf(ask)))
  const services = found.known ? found.value.filter(({ target }) => target.kind === 'unit') : []
  if (services.length > 1) throw new WrongCall(`There are ${services.length} speech services; name one: ${services.map(({ args }) => `asr-doctor fix ${args.join(' ')}`).join(', ')}.`)
  if (services.length === 0) return { kind: 'shell' }
  io.stderr.write(`Taken: ${sober(services[0]!.name)}, the one speech service found here.\n`)
  return services[0]!.target
}

async function examined(machine: Ask): Promise<Judging> {
  const checks = allChecks()
  const host = hostOf(machine)
  return { machine, checks, before: await diagnose(host, gatherer(host), checks) }
}

/** What systemd-analyze newly complains of is not offered. */
async function verified(judging: Judging, terms: { readonly named: ReadonlySet<CheckId>; readonly writers: ReadonlySet<Writer> | null }, seconds: number): Promise<Offer> {
  const host = hostOf(judging.machine)
  const site = { host, use: gatherer(host) }
  const barred = new Set<Fix>()
  const complaints: Offer['rejected'][number][] = []
  for (;;) {
    const offer = await offerOf(judging, { ...terms, barred })
    const complaint = await complaintOf([...offer.main.rows, ...offer.risky], site, Math.max(seconds, 10) * 1000)
    if (complaint === null) return { ...offer, rejected: [...offer.rejected, ...complaints] }
    barred.add(complaint.row.wish.fix)
    complaints.push({ wish: complaint.row.wish, kind: 'worse', because: `systemd-analyze verify says: ${complaint.words}` })
  }
}

/** The first fix with which a unit draws a complaint that it did not draw before; null = none does. */
async function complaintOf(rows: readonly Row[], site: Site, limitMs: number): Promise<{ readonly row: Row; readonly words: string } | null> {
  const changes = (of: readonly Row[]) => [...new Map(of.flatMap((row) => row.changes).map((change) => [change.target, change])).values()]
  const state = await known(site.use(unitState))
  for (const unit of new Set(changes(rows).flatMap((change) => change.unit ?? []))) {
    const edit = rows.flatMap(({ wish }) => wish.fix.edits).find((each) => each.kind === 'unit-drop-in' && each.unit === unit)
    const place = await unitSite(site, unit, edit?.kind === 'unit-drop-in' ? edit.scope : state.known && state.value !== null ? state.value.scope : 'system')
    const found = (of: readonly Row[]) => newComplaints(place, changes(of), Date.now() + limitMs)
    if (((await found(rows)) ?? []).length === 0) continue
    for (const [at, row] of rows.entries()) {
      const [words] = (await found(rows.slice(0, at + 1))) ?? []
      if (words !== undefined) return { row, words }
    }
  }
  return null
}

interface Work {
  readonly options: FixOptions
  readonly io: Io
  readonly target: Target
  readonly judging: Judging
  readonly offer: Offer
  readonly writers: ReadonlySet<Writer> | null
}

async function carryOut(work: Work): Promise<number> {
  const { options, io, target, judging, offer, writers } = work
  const host = hostOf(judging.machine)
  const use = gatherer(host)
  const [state, pid] = await Promise.all([known(use(unitState)), known(use(targetPid))])
  const unit = state.known ? state.value : null
  const rows = writers === null && options.fix.length === 0 ? [...offer.main.rows, ...offer.risky] : offer.main.rows
  // Whatever a fix says of it: a manager that has not read the files again goes by the old ones.
  const reload = unit !== null && rows.some(({ changes }) => changes.some((change) => change.unit !== null)) ? [`systemctl ${unit.scope === 'user' ? '--user ' : ''}daemon-reload`] : []
  const steps = stepsOf([...reload, ...rows.flatMap(({ wish }) => wish.fix.then)], unit)
  const told = (written: readonly string[], runId: string | null): Told => ({
    target, pid: pid.known && typeof pid.value === 'number' ? pid.value : null, offer, steps, advice: adviceOf(judging, offer), written, runId, call: writers === null && rows.length > 0 ? callOf(target, rows.map(({ wish }) => wish), offer) : null,
  })
  if (options.output !== undefined || options.format !== undefined) return keep(work, rows.flatMap(({ changes }) => changes), offer.shown.flatMap(({ changes }) => changes), steps, told)
  if (!options.json) io.stdout.write(fixText(told([], null), { width: io.stdout.columns ?? 80, colour: colourOn(io.stdout, io.env, options.color) }))
  const waits = offer.main.changes.length === 0 && offer.main.rows.length > 0
  if (writers === null || (offer.main.changes.length === 0 && !(waits && options.restart))) {
    if (options.json) io.stdout.write(fixJson(told([], null)))
    return codeOf(judging.before, offer, rows.length > 0, judging.before)
  }
  return writeOut(work, unit, steps, told)
}

/** Writes what is to be written, then restarts; where everything is written already, it only restarts. */
async function writeOut({ options, io, target, judging, offer }: Work, unit: UnitState | null, steps: readonly Step[], told: (written: readonly string[], runId: string | null) => Told): Promise<number> {
  const refused = (error: unknown): number => {
    if (!(error instanceof Refused)) throw error
    if (options.json) io.stdout.write(fixJson(told([], null)))
    io.stderr.write(`asr-doctor: ${sober(error.message)}\n`)
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
    const words = all.length === 0 ? `Run ${steps.flatMap(({ command, words }) => (command === null ? [] : [sober(words)])).join('; ')}` : `Write ${all.map(({ place }) => sober(place.real)).join(', ')}`
    if (!(await asked(io, `${words}?`))) return refused(new Refused('Declined; nothing was written.'))
  }
  if (all.length === 0) {
    if (options.json) io.stdout.write(fixJson(told([], null)))
    return lookAgain({ options, io, target, judging, unit, steps, runId: null })
  }
  let run
  try {
    run = await write({ folder: stateFolder(io.env), target: unit === null ? target : { kind: 'unit', name: unit.name, scope: unit.scope }, checks: offer.main.rows.map(({ wish }) => wish.check) }, all)
  } catch (error) {
    return refused(error)
  }
  const written = all.map(({ place }) => place.target)
  io.stderr.write(`Written (run ${run.runId}): ${written.map(sober).join(', ')}. To take it back: asr-doctor fix --undo ${run.runId}\n`)
  if (options.json) io.stdout.write(fixJson(told(written, run.runId)))
  if (!options.restart) {
    const commands = steps.filter(({ command }) => command !== null)
    if (commands.length > 0) io.stderr.write(`It takes effect after: ${commands.map(({ words }) => sober(words)).join('; ')} (or the same call with --restart).\n`)
    return codeOf(judging.before, offer, false, null)
  }
  return lookAgain({ options, io, target, judging, unit, steps, runId: run.runId })
}

interface Restarting {
  readonly options: FixOptions
  readonly io: Io
  readonly target: Target
  readonly judging: Judging
  readonly unit: UnitState | null
  readonly steps: readonly Step[]
  readonly runId: string | null
}

/** The only proof of a running service is the running service. */
async function lookAgain({ options, io, target, judging, unit, steps, runId }: Restarting): Promise<number> {
  const { ran, failed } = await runSteps(steps)
  for (const words of ran) io.stderr.write(`Done: ${sober(words)}\n`)
  const trouble = failed ?? (unit === null ? null : await settled(unit))
  if (trouble !== null) io.stderr.write(`asr-doctor: ${sober(trouble)}.${runId === null ? '' : ` To take the change back: asr-doctor fix --undo ${runId} --restart`}\n`)
  // The process that was named is gone with the restart; its unit has a new one.
  const present = target.kind === 'pid' && unit !== null ? { kind: 'pid' as const, pid: (await mainPidOf(unit)) ?? target.pid } : target
  const { ask } = await machineOf({ timeout: options.timeout }, io.cwd, (each) => each)
  const { before: now } = await examined(about(present, ask))
  const { gone, stays, appears, lost } = compared(judging.before, now)
  io.stderr.write('Looked at again as it runs now:\n')
  for (const [label, ids] of [['gone', gone], ['stays', stays], ['appears', appears], ['not to be seen', lost.map(({ check }) => check)]] as const) {
    if (ids.length > 0) io.stderr.write(`  ${label}: ${ids.join(', ')}\n`)
  }
  return trouble !== null || remains(now) ? 1 : 0
}

async function keep({ options, io, judging, offer }: Work, changes: readonly PlannedChange[], sources: readonly PlannedChange[], steps: readonly Step[], told: (written: readonly string[], runId: string | null) => Told): Promise<number> {
  const format = options.format ?? 'patch'
  const all = mergedChanges([...changes, ...(format === 'patch' || format === 'sh' ? sources : [])])
  if (all.length === 0) {
    io.stderr.write('asr-doctor: there is nothing to keep; no change is offered.\n')
    if (options.json) io.stdout.write(fixJson(told([], null)))
    return codeOf(judging.before, offer, false, null)
  }
  let text
  try {
    text = formats[format]({ changes: all, steps })
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    throw new WrongCall(`--format ${format}: ${error.message}`)
  }
  if (options.output === undefined) io.stdout.write(text)
  else {
    await writeNew(resolve(io.cwd, options.output), text, '--output')
    if (options.json) io.stdout.write(fixJson(told([], null)))
    io.stderr.write(`Kept: ${options.output}.${format === 'patch' ? ` patch -p1 -d / < ${options.output} makes the change.` : ''}\n`)
  }
  return 1
}

function adviceOf(judging: Judging, offer: Offer): Told['advice'] {
  const cured = new Set(offer.proof.gone)
  return wishesOf(judging).filter(({ check, fix }) => !cured.has(check) && fix.edits.length === 0).map(({ check, fix }) => ({ check, fix }))
}

function callOf(target: Target, wishes: readonly Wish[], offer: Offer): string {
  const path = wishes.every(({ fix }) => fix.edits.every(({ kind }) => kind === 'shell-profile' || kind === 'windows-path'))
  const both = !path && wishes.some(({ fix }) => fix.edits.some(({ kind }) => kind === 'shell-profile' || kind === 'windows-path'))
  const risky = [...new Set(offer.risky.map(({ wish }) => wish.check))].flatMap((id) => ['--fix', id])
  return ['asr-doctor', 'fix', ...targetArgs(target), path ? '--write-path' : both ? '--apply' : '--write-unit', ...risky, ...(path ? [] : ['--restart'])].join(' ')
}

