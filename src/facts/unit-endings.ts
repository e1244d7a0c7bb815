import { known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Evidence, Fact, Host } from '../types.ts'
import { unitState, type UnitState } from './unit-state.ts'

/** How a main process ended, as its manager wrote it in the journal: `exited` with a status, or `killed`/`dumped` by a signal. */
export interface Ending {
  readonly code: string
  /** The exit status, or the number of the signal. */
  readonly status: number
  /** The manager calls it killed for want of memory (UNIT_RESULT=oom-kill, which only cgroup v2 tells it). */
  readonly outOfMemory: boolean
}

/** Runs that are over since the last start by hand. The counters of a control group begin anew with each of them. */
export interface UnitEndings {
  readonly endings: readonly Ending[]
  /**
   * Kills that the kernel itself logged for this unit's control group, on either version of it: the limit in bytes that each ran
   * into, null where the log does not hold it. null = there is no kernel log to be read.
   */
  readonly kernelKills: readonly (number | null)[] | null
  /** Nobody else would tell: the manager learns of such kills from cgroup v2 only, and the kernel's log is not to be read. */
  readonly untold: boolean
  readonly evidence: readonly Evidence[]
}

/** MESSAGE_IDs of systemd's catalogue (catalog/systemd.catalog.in): a process exited; a unit failed, with its result. */
const EXITED = '98e322203f7a4ed290d09fe03c09fe15'
const FAILED = 'd9b373ed55a64feb8242e02dbe79a49c'
const SIGKILL = 9
const LIMIT_MS = 3000

/** null = it is no unit, or none of its runs has ended by itself. */
export const unitEndings: Fact<UnitEndings | null> = {
  id: 'unit-endings',
  about: 'how earlier runs of the service ended',
  gather: async (host, use) => {
    const unit = await use(unitState)
    if (unit === null) return null
    // Automatic restarts are counted from the last start by hand; what is down now has ended once more.
    const ended = Number(unit.properties['NRestarts'] ?? 0) + (unit.activeState === 'active' || unit.activeState === 'inactive' ? 0 : 1)
    if (ended === 0) return null
    const { endings, evidence } = await fromJournal(host, unit, ended)
    const killed = endings.filter(({ code, status }) => code === 'killed' && status === SIGKILL).length
    if (killed === 0) return { endings, kernelKills: [], untold: false, evidence }
    const log = await known(fromKernel(host, unit, killed))
    const kills = log.known ? log.value : null
    const legacy = kills === null && !endings.some(({ outOfMemory }) => outOfMemory) && (await host.stat('/sys/fs/cgroup/cgroup.controllers')) === null
    return { endings, kernelKills: kills?.limits ?? null, untold: legacy, evidence: [...evidence, ...(kills === null || kills.limits.length === 0 ? [] : [kills.evidence])] }
  },
}

/** Fields of the manager's own messages within the last day, no more than there were runs. */
async function fromJournal(host: Host, { name, scope, managerUid }: UnitState, runs: number): Promise<Pick<UnitEndings, 'endings' | 'evidence'>> {
  // Fields with an underscore are journald's own; anybody may write the others.
  const whose = scope === 'system' ? [`UNIT=${name}`, '_PID=1'] : [`USER_UNIT=${name}`, `_UID=${managerUid}`, '_COMM=systemd']
  const args = ['--no-pager', '--quiet', '--since=-1d', '--lines=60', '--output=json', '--output-fields=MESSAGE_ID,EXIT_CODE,EXIT_STATUS,UNIT_RESULT', ...whose, `MESSAGE_ID=${EXITED}`, `MESSAGE_ID=${FAILED}`]
  const output = await host.run('journalctl', args, { limitMs: LIMIT_MS })
  const all: Ending[] = []
  for (const line of (output?.stdout ?? '').split('\n')) {
    const entry = fieldsOf(line)
    if (entry['MESSAGE_ID'] === EXITED && entry['EXIT_CODE'] !== undefined) all.push({ code: entry['EXIT_CODE'], status: Number(entry['EXIT_STATUS'] ?? 0), outOfMemory: false })
    // The result comes behind the end that it is of.
    if (entry['MESSAGE_ID'] === FAILED && entry['UNIT_RESULT'] === 'oom-kill' && all.length > 0) all.push({ ...all.pop()!, outOfMemory: true })
  }
  const endings = all.slice(-runs)
  const saw = counted(endings.map(({ code, status, outOfMemory }) => `EXIT_CODE=${code} EXIT_STATUS=${status}${outOfMemory ? ' UNIT_RESULT=oom-kill' : ''}`))
  return { endings, evidence: saw.map((each) => ({ source: question.run('journalctl', args), saw: each })) }
}

/**
 * The kernel prints the limit that was hit (mem_cgroup_print_oom_meminfo) and then names the control group that has it
 * (mem_cgroup_print_oom_context, mm/memcontrol.c). null = there is no log of the kernel here.
 */
async function fromKernel(host: Host, { properties, name, scope }: UnitState, most: number): Promise<{ readonly limits: readonly (number | null)[]; readonly evidence: Evidence } | null> {
  const group = properties['ControlGroup'] ?? ''
  const kernel = (...more: readonly string[]) => ['--no-pager', '--quiet', '--dmesg', '--output=cat', ...more]
  const args = kernel('--since=-1d', '--lines=120', '--grep=oom-kill:constraint=CONSTRAINT_MEMCG|memory: usage [0-9]+kB, limit')
  const output = await host.run('journalctl', args, { limitMs: LIMIT_MS })
  if (output === null || (output.code !== 0 && output.stderr.trim() !== '')) return null
  // A container has a journal and no kernel of its own.
  if (output.stdout.trim() === '' && ((await host.run('journalctl', kernel('--lines=1'), { limitMs: LIMIT_MS }))?.stdout.trim() ?? '') === '') return null
  const limits: (number | null)[] = []
  let limit: number | null = null
  let saw = ''
  for (const line of output.stdout.split('\n')) {
    const printed = /^memory: usage \d+kB, limit (\d+)kB/.exec(line)
    if (printed !== null) limit = Number(printed[1]) * 1024
    const of = /oom_memcg=([^,]*)/.exec(line)?.[1]
    if (of === undefined) continue
    // A unit of that name may run for another user too; between two runs the manager shows no group.
    if (group === '' ? of.endsWith(`/${name}`) && (scope === 'user') === /\/user@\d+\.service\//.test(of) : of === group) {
      limits.push(limit)
      saw = line
    }
    limit = null
  }
  const last = limits.slice(-most)
  return { limits: last, evidence: { source: question.run('journalctl', args), saw: `${saw}${last.length > 1 ? `, and ${last.length - 1} more` : ''}` } }
}

/** The same words once, with how often they were seen. */
const counted = (words: readonly string[]): readonly string[] =>
  [...new Set(words)].map((word) => `${word}, ${words.filter((each) => each === word).length === 1 ? 'once' : `${words.filter((each) => each === word).length} times`}`)

function fieldsOf(line: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(line) as Record<string, string>
  } catch {
    return {}
  }
}
