import { figure, percent, THROTTLED } from '../gate.ts'
import { throttledShare } from '../load.ts'
import { median } from '../stats/describe.ts'
import type { Side } from './pair.ts'

/** From here on a difference in CPU time is one of the work itself, not of the weather. */
const MORE_WORK = 1.15
const MUCH_WAITING = 0.15

export const wallOf = ({ measured }: Side): number => median(measured.runs.map(({ run }) => run.wallMs))
/** null = not known for at least one run. */
export function cpuOf({ measured }: Side): number | null {
  const times = measured.runs.map(({ run }) => run.cpuMs)
  return times.length === 0 || times.some((ms) => ms === null) ? null : median(times as number[])
}

/** What the counters of both sides say about the difference between them. Whole sentences; none = they show no cause. Pure. */
export function explained(service: Side, shell: Side, name: string): readonly string[] {
  const sentences: string[] = []
  const [here, there] = [service.told.provider, shell.told.provider]
  if (here.used !== null && there.used !== null && here.used !== there.used) {
    sentences.push(`In ${name} the work was done on ${here.used}, in this shell on ${there.used}${here.because ? `: ${here.because}` : there.because ? `; in this shell: ${there.because}` : '.'}`)
  }
  const [wall, wallThere, cpu, cpuThere] = [wallOf(service), wallOf(shell), cpuOf(service), cpuOf(shell)]
  const quotients = cpu !== null && cpuThere !== null && cpu > 0 && cpuThere > 0
  const throttled = throttledShare(service.measured.load) ?? 0
  const throttledThere = throttledShare(shell.measured.load) ?? 0
  if (throttled >= THROTTLED) {
    sentences.push(`A CPU quota stopped it in ${percent(throttled)} of the scheduling periods in ${name}${throttledThere >= THROTTLED ? ` and in ${percent(throttledThere)} in this shell` : ''}${quotients ? `: a run took ${figure(wall / cpu)} times the CPU time it used, and ${figure(wallThere / cpuThere)} times in this shell` : ''}.`)
  } else if (throttledThere >= THROTTLED) {
    sentences.push(`A CPU quota stopped it in ${percent(throttledThere)} of the scheduling periods in this shell, and not in ${name}.`)
  }
  if (quotients && (cpu / cpuThere > MORE_WORK || cpuThere / cpu > MORE_WORK)) {
    sentences.push(`A run used ${figure(cpu)} ms of CPU time in ${name} and ${figure(cpuThere)} ms in this shell: the work itself differs, by other libraries, another provider or another number of threads.`)
  }
  const waited = waitedShare(service)
  const waitedThere = waitedShare(shell)
  // Threads that a quota stops count as waiting too.
  if (throttled < THROTTLED && waited !== null && waited > MUCH_WAITING && waited > 2 * (waitedThere ?? 0)) {
    sentences.push(`Its threads waited for a CPU for ${percent(waited)} of their running time in ${name}, and ${waitedThere === null ? 'how long in this shell is not known' : `${percent(waitedThere)} in this shell`}: fewer CPUs, a lower weight or another scheduling class.`)
  }
  if ((service.memory.limitHits ?? 0) > 0) {
    sentences.push(`The kernel took memory back ${service.memory.limitHits} times during the runs in ${name} because its memory limit was reached.`)
  }
  return sentences
}

function waitedShare({ measured: { load } }: Side): number | null {
  return load === null || load.waitedMs === null || !load.targetCpuMs ? null : load.waitedMs / load.targetCpuMs
}
