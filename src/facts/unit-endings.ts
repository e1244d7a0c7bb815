import { known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Evidence, Fact, Host } from '../types.ts'
import { unitState, type UnitState } from './unit-state.ts'

/** How a main process ended, as its manager wrote it in the journal: `exited` with a status, or `killed`/`dumped` by a signal. */
export interface Ending {
  readonly code: string
  /** The exit status, or the number of the signal. */
  readonly status: number
}

/** What the journal of the last day says of runs that are over. The counters of a control group begin anew with each run. */
export interface UnitEndings {
  readonly endings: readonly Ending[]
  /** Runs that the manager calls killed for want of memory (UNIT_RESULT=oom-kill, told by cgroup v2 only). */
  readonly outOfMemory: number
  /**
   * Kills that the kernel itself logged for this unit's control group, on either version: the limit in bytes that each ran into,
   * null where the log does not hold it. null = its log cannot be read.
   */
  readonly kernelKills: readonly (number | null)[] | null
  readonly evidence: readonly Evidence[]
}

/** MESSAGE_IDs of systemd's catalogue (catalog/systemd.catalog.in): a process exited; a unit failed, with its result; memory ran out. */
const EXITED = '98e322203f7a4ed290d09fe03c09fe15'
const FAILED = 'd9b373ed55a64feb8242e02dbe79a49c'
const OUT_OF_MEMORY = 'fe6faa94e7774663a0da52717891d8ef'
const LIMIT_MS = 3000

/** null = it is no unit, or none of its runs has ended by itself. */
export const unitEndings: Fact<UnitEndings | null> = {
  id: 'unit-endings',
  about: 'how earlier runs of the service ended',
  gather: async (host, use) => {
    const unit = await use(unitState)
    if (unit === null || (Number(unit.properties['NRestarts'] ?? 0) === 0 && unit.activeState !== 'failed')) return null
    const [journal, kernel] = await Promise.all([fromJournal(host, unit), known(fromKernel(host, unit))])
    const kills = kernel.known ? kernel.value : null
    return { ...journal, kernelKills: kills?.limits ?? null, evidence: [...journal.evidence, ...(kills === null || kills.limits.length === 0 ? [] : [kills.evidence])] }
  },
}

/** Fields of the manager's own messages, the last 60 of the day. */
async function fromJournal(host: Host, { name, scope, managerUid }: UnitState): Promise<Omit<UnitEndings, 'kernelKills'>> {
  const whose = scope === 'system' ? [`UNIT=${name}`] : [`USER_UNIT=${name}`, `_UID=${managerUid}`]
  const args = ['--no-pager', '--quiet', '--since=-1d', '--lines=60', '--output=json', '--output-fields=MESSAGE_ID,EXIT_CODE,EXIT_STATUS,UNIT_RESULT', ...whose, ...[EXITED, FAILED, OUT_OF_MEMORY].map((id) => `MESSAGE_ID=${id}`)]
  const output = await host.run('journalctl', args, { limitMs: LIMIT_MS })
  const endings: Ending[] = []
  let outOfMemory = 0
  for (const line of (output?.stdout ?? '').split('\n')) {
    const entry = fieldsOf(line)
    if (entry['MESSAGE_ID'] === EXITED && entry['EXIT_CODE'] !== undefined) endings.push({ code: entry['EXIT_CODE'], status: Number(entry['EXIT_STATUS'] ?? 0) })
    if (entry['MESSAGE_ID'] === FAILED && entry['UNIT_RESULT'] === 'oom-kill') outOfMemory += 1
  }
  const saw = [...count(endings.map(({ code, status }) => `EXIT_CODE=${code} EXIT_STATUS=${status}`)), ...(outOfMemory > 0 ? [`UNIT_RESULT=oom-kill, ${times(outOfMemory)}`] : [])]
  return { endings, outOfMemory, evidence: saw.map((each) => ({ source: question.run('journalctl', args), saw: each })) }
}

/**
 * The kernel prints the limit that was hit (mem_cgroup_print_oom_meminfo) and then names the control group that has it
 * (mem_cgroup_print_oom_context, mm/memcontrol.c).
 */
async function fromKernel(host: Host, { properties, name }: UnitState): Promise<{ readonly limits: readonly (number | null)[]; readonly evidence: Evidence } | null> {
  const group = properties['ControlGroup']
  const args = ['--no-pager', '--quiet', '--dmesg', '--since=-1d', '--lines=120', '--output=cat', '--grep=oom-kill:constraint=CONSTRAINT_MEMCG|memory: usage [0-9]+kB, limit']
  const output = await host.run('journalctl', args, { limitMs: LIMIT_MS })
  if (output === null || (output.code !== 0 && output.stderr.trim() !== '')) return null
  const limits: (number | null)[] = []
  let limit: number | null = null
  let saw = ''
  for (const line of output.stdout.split('\n')) {
    const printed = /^memory: usage \d+kB, limit (\d+)kB/.exec(line)
    if (printed !== null) limit = Number(printed[1]) * 1024
    const of = /oom_memcg=([^,]*)/.exec(line)?.[1]
    if (of === undefined) continue
    if (of === group || of.endsWith(`/${name}`)) {
      limits.push(limit)
      saw = line
    }
    limit = null
  }
  return { limits, evidence: { source: question.run('journalctl', args), saw: `${saw}${limits.length > 1 ? `, and ${limits.length - 1} more` : ''}` } }
}

const times = (n: number): string => (n === 1 ? 'once' : `${n} times`)

/** The same words once, with how often they were seen. */
function count(words: readonly string[]): readonly string[] {
  return [...new Set(words)].map((word) => `${word}, ${times(words.filter((each) => each === word).length)}`)
}

function fieldsOf(line: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(line) as Record<string, string>
  } catch {
    return {}
  }
}
