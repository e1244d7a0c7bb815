import { known } from '../cannot-see.ts'
import { ownOf, type Whose } from '../log/own.ts'
import { lastRunOf } from '../log/runs.ts'
import type { LogReading } from '../log/types.ts'
import { question } from '../question.ts'
import { basename } from '../paths.ts'
import type { Fact, Host, Known, Use } from '../types.ts'
import { process_ } from './process.ts'
import { execStartOf } from './python-command.ts'
import { target } from './target.ts'
import { unitState } from './unit-state.ts'

export interface Log {
  /** The question behind the reading, for evidence: its lines are `asked:LINE`. */
  readonly asked: string
  /** The file, or the unit whose journal it is. */
  readonly name: string
  readonly reading: Known<LogReading>
}

/**
 * What the target wrote: the files given with it, else the journal of its unit since its main process started. Empty = there
 * is no log to look at.
 */
export const logs: Fact<readonly Log[]> = {
  id: 'logs',
  about: 'lines of the logs that mean something',
  gather: async (host, use) => {
    const asked = await use(target)
    const given = asked.files?.logs ?? []
    if (given.length > 0) return Promise.all(given.map(async (file) => ofTarget(await read(host, file, file), asked.kind === 'unit' || asked.kind === 'pid' ? () => whoseOf(use) : null)))
    if (asked.kind !== 'unit' && asked.kind !== 'pid') return []
    const unit = await known(use(unitState))
    if (!unit.known) return [{ asked: question.target(), name: 'the journal', reading: unit }]
    if (unit.value === null || unit.value.loadState === 'not-found') return []
    const { name, scope, managerUid, properties } = unit.value
    return [await read(host, `journal:${scope}:${managerUid}:${name}:${properties['ExecMainStartTimestamp'] ?? ''}`, `the journal of ${name}`)]
  },
}

async function read(host: Host, source: string, name: string): Promise<Log> {
  const answer = await known(host.digest('log', source) as unknown as Promise<LogReading | null>)
  const reading: Known<LogReading> = !answer.known
    ? answer
    : answer.value === null
      ? { known: false, because: source.startsWith('journal:') ? 'There is no journal on this machine.' : `There is no file ${source}.`, how: 'Give the log as a file: --log FILE.' }
      : answer.value.sizeBytes === 0 && !source.startsWith('journal:')
      ? { known: false, because: `${name} is empty.`, how: 'Give a log that the service has written to: --log FILE.' }
      : { known: true, value: answer.value }
  return { asked: question.digest('log', source), name, reading }
}

/** What the last run of the target wrote. */
async function ofTarget(log: Log, whose: (() => Promise<Whose>) | null): Promise<Log> {
  const own = await ownLinesOf(log, whose)
  return own.reading.known ? { ...own, reading: { known: true, value: lastRunOf(own.reading.value) } } : own
}

/** Of a file that many write into, only what is of the target. Who that is, is asked where somebody is named in it. */
async function ownLinesOf(log: Log, whose: (() => Promise<Whose>) | null): Promise<Log> {
  if (!log.reading.known || (log.reading.value.owners === undefined && log.reading.value.programs === undefined)) return log
  const target = whose === null ? null : await whose()
  const own = ownOf(log.reading.value, target)
  if (own !== null) return { ...log, reading: { known: true, value: own } }
  const name = target?.unit ?? 'the process'
  return { ...log, reading: { known: false, because: `${log.name} holds lines of many programs, and none that is known to be of ${name}.`, how: target?.unit == null ? 'Give a log of it alone: --log FILE.' : `Leave out --log to have the journal of ${name} read, or give its lines alone.` } }
}

async function whoseOf(use: Use): Promise<Whose> {
  const [unit, running] = [await known(use(unitState)), await known(use(process_))]
  const state = unit.known ? unit.value : null
  const process = running.known ? running.value : null
  const commands = execStartOf(state?.properties['ExecStart'] ?? '').flatMap(({ path, argv }) => [path, ...argv.slice(0, 1)])
  return { unit: state?.name ?? null, programs: [...commands, ...(process?.exe == null ? [] : [process.exe]), ...(process?.argv.slice(0, 1) ?? [])].map(basename) }
}
