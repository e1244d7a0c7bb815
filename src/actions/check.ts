import { readFile, stat } from 'node:fs/promises'
import { assess, type Terms } from '../assess.ts'
import { known } from '../cannot-see.ts'
import { caseOf, NotACase } from '../host/case.ts'
import { hostOf, type Ask } from '../host/host.ts'
import { replayed } from '../host/replay.ts'
import { colourOn, widthOf, type Io } from '../io.ts'
import { allChecks, idsNamed } from '../load.ts'
import { neighbours } from '../neighbours.ts'
import { progress } from '../progress.ts'
import { mergedSummary, type FailOn } from '../summary.ts'
import type { Neighbour, Report, Target } from '../types.ts'
import { WrongCall } from '../wrong-call.ts'
import { machineOf, type TargetOptions } from './machine.ts'

export interface CheckOptions extends TargetOptions {
  readonly replay?: string
  readonly all?: boolean
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly allow?: readonly string[]
  readonly failOn: FailOn
  readonly json?: boolean
  readonly verbose?: boolean
  readonly quiet?: boolean
  readonly color: boolean
}

/** The `check` command, from options to exit code. */
export async function check(options: CheckOptions, io: Io, version: string): Promise<number> {
  const terms = termsOf(options)
  if (options.verbose && options.quiet) throw new WrongCall('--verbose and --quiet exclude each other.')
  const targeted = options.unit ?? options.pid ?? options.python ?? options.library ?? options.log ?? options.profile ?? options.model
  if (options.replay !== undefined && (targeted !== undefined || options.all)) throw new WrongCall('--replay judges what the case recorded; leave the other target out.')
  if (options.probe && options.replay !== undefined) throw new WrongCall('--replay judges what the case recorded, a probe with it where record had --probe; leave --probe out.')
  if (options.probe && options.all) throw new WrongCall('--probe runs the engine of one service: name it with --unit or --pid instead of --all.')
  if (options.all && targeted !== undefined) throw new WrongCall('--all examines every target found; leave the other target out.')
  const line = io.stderr.isTTY && !options.quiet ? progress(io.stderr, widthOf(io.stderr)) : null
  try {
    const reports = options.replay === undefined ? await examined(options, terms, io, line?.watch ?? ((ask) => ask)) : [await judgedCase(options.replay, terms)]
    line?.stop()
    await print(reports, options, io, version)
    return mergedSummary(reports.map(({ summary }) => summary)).exitCode
  } finally {
    line?.stop()
  }
}

function termsOf(options: CheckOptions): Terms {
  const every = allChecks()
  const only = idsNamed('--only', options.only ?? [], every)
  const skip = idsNamed('--skip', options.skip ?? [], every)
  const checks = every.filter(({ id }) => (only.size === 0 || only.has(id)) && !skip.has(id))
  if (checks.length === 0) throw new WrongCall('--only and --skip together leave no check.')
  return { checks, allowed: idsNamed('--allow', options.allow ?? [], every), failOn: options.failOn }
}

/** This machine's target; for the shell also whom else one could examine, and with --all them too. */
async function examined(options: CheckOptions, terms: Terms, io: Io, watch: (ask: Ask) => Ask): Promise<readonly Report[]> {
  const { ask, target } = await machineOf(options, io.cwd, watch)
  const { about } = await import('../host/about.ts')
  const report = (of: Target, near: readonly Neighbour[] = []) => assess(hostOf(about(of, ask)), terms, near)
  if (target.kind !== 'shell' || target.files !== undefined || target.probe !== undefined) return [await report(target)]
  const found = await known(neighbours(hostOf(ask)))
  const near = found.known ? found.value : []
  const shell = report(target, options.all ? [] : near)
  return options.all ? worstReportFirst(await Promise.all([shell, ...near.map((each) => report(each.target))])) : [await shell]
}

/** Of several targets the one in the deepest trouble comes first. */
const worstReportFirst = (reports: readonly Report[]): readonly Report[] => [...reports].sort((a, b) => b.summary.errors - a.summary.errors || b.summary.warnings - a.summary.warnings)

/** A file that has the form of a case and answers of the wrong kind is a wrong call, not a fault of ours. */
async function judgedCase(file: string, terms: Terms): Promise<Report> {
  const host = await replayHost(file)
  try {
    return await assess(host, terms)
  } catch (error) {
    throw new WrongCall(`--replay ${file} is not a whole case: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const MAX_CASE_BYTES = 64 * 1024 * 1024

async function replayHost(file: string) {
  const size = await stat(file).then((s) => (s.isFile() ? s.size : -1), () => null)
  if (size === null) throw new WrongCall(`--replay ${file}: there is no such file. asr-doctor record --output FILE makes one.`)
  if (size < 0 || size > MAX_CASE_BYTES) throw new WrongCall(`--replay ${file}: that is no case file (a regular file of at most 64 MiB).`)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new WrongCall(`--replay ${file}: it could not be read (${error.code}).`)
  })
  try {
    return hostOf(replayed(caseOf(text).answers))
  } catch (error) {
    if (error instanceof NotACase) throw new WrongCall(`--replay ${file} is not a case: ${error.message}. asr-doctor record --output FILE makes one.`)
    throw error
  }
}

async function print(reports: readonly Report[], options: CheckOptions, io: Io, version: string): Promise<void> {
  if (options.json) {
    const { jsonReport, jsonReports } = await import('../report/json.ts')
    const summary = mergedSummary(reports.map((each) => each.summary))
    io.stdout.write(options.all ? jsonReports(reports, summary, version) : jsonReport(reports[0]!, version))
    return
  }
  const { textReport } = await import('../report/text.ts')
  const looks = {
    width: widthOf(io.stdout),
    colour: colourOn(io.stdout, io.env, options.color),
    detail: options.quiet ? 'quiet' : options.verbose ? 'verbose' : 'normal',
    ...(options.all ? { named: true } : {}),
  } as const
  io.stdout.write(reports.map((each) => textReport(each, looks)).join(options.quiet ? '' : '\n'))
}
