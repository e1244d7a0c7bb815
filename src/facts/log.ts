import { known } from '../cannot-see.ts'
import type { LogReading } from '../log/types.ts'
import { question } from '../question.ts'
import type { Fact, Host, Known } from '../types.ts'
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
    if (given.length > 0) return Promise.all(given.map((file) => read(host, file, file)))
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
      : { known: true, value: answer.value }
  return { asked: question.digest('log', source), name, reading }
}
