import { CannotSee, DoesNotApply } from '../cannot-see.ts'
import { keyedOf, ticksOf } from '../cgroup/values.ts'
import { count } from '../cgroup/words.ts'
import { question } from '../question.ts'
import type { Fact } from '../types.ts'
import { beyond } from './cgroup.ts'
import { cgroupCpu, type CpuQuota } from './cgroup-cpu.ts'
import { usableCpus } from './cgroup-cpuset.ts'
import { process_ } from './process.ts'

/** Ten periods of the usual 100 ms. */
const WINDOW_MS = 1000

/** What one quota did while it was watched, and since the cgroup was made. */
export interface QuotaWatch {
  readonly quota: CpuQuota
  /** Periods in which the cgroup had something to run; the kernel counts no others. */
  readonly periods: number
  readonly throttled: number
  readonly throttledMs: number
  readonly lifetime: { readonly periods: number; readonly throttled: number }
}

export interface Throttling {
  readonly source: string
  readonly elapsedMs: number
  /** CPU time used in the window: of the whole cgroup where it counts it (v2), else of the process without its children. */
  readonly usedMs: number
  readonly quotas: readonly QuotaWatch[]
}

/** Looks only where a quota could bind: a watch takes a second. */
export const throttling: Fact<Throttling> = {
  id: 'cgroup-throttling',
  about: 'how often the CPU quota stopped the process, measured over a second',
  gather: async (host, use) => {
    const process = await use(process_)
    if (process === null) throw new CannotSee('The service is not running, so nothing can be measured.', 'Start it and run the check again while it transcribes.')
    const cpu = await use(cgroupCpu)
    if (cpu === null) throw new DoesNotApply('This kernel keeps no CPU quotas.')
    if (cpu.quota === null) throw new DoesNotApply(`No CPU quota holds for it${beyond(cpu.place)}.`)
    if (process.pid === 'self') throw new DoesNotApply('A shell transcribes nothing, so there is no work whose throttling could be measured.')
    const usable = await use(usableCpus)
    const cpus = usable?.allowed?.count ?? usable?.online ?? null
    const binding = cpu.quotas.filter((quota) => cpus === null || quota.cpus < cpus)
    if (binding.length === 0) throw new DoesNotApply(`Its CPU quota is no smaller than what it may run on (${count(cpus!, 'CPU')}), so it never holds anything back.`)
    const own = `${cpu.place.levels[0].directory}/cpu.stat`
    const paths = [...new Set([`${process.folder}/stat`, own, ...binding.map(({ level }) => `${level.directory}/cpu.stat`)])]
    const { elapsedMs, before, after } = await host.watch(WINDOW_MS, ...paths)
    const ticks = [before, after].map(([stat]) => (stat === null || stat === undefined ? null : ticksOf(stat)))
    if (ticks[0] === null || ticks[1] === null) throw new CannotSee('The process ended while it was being watched.', 'Start the service and run the check again.')
    const quotas = binding.map((quota): QuotaWatch => {
      const file = `${quota.level.directory}/cpu.stat`
      const [first, last] = [before, after].map((texts) => texts[paths.indexOf(file)]).map((text) => (text === null || text === undefined ? null : keyedOf(text)))
      if (!first || !last || last['nr_periods'] === undefined) throw new CannotSee(`${file} does not count throttling.`)
      const rose = (key: string): number => (last[key] ?? 0) - (first[key] ?? 0)
      return {
        quota,
        periods: rose('nr_periods'),
        throttled: rose('nr_throttled'),
        // v2 counts microseconds, v1 nanoseconds.
        throttledMs: cpu.version === 2 ? rose('throttled_usec') / 1e3 : rose('throttled_time') / 1e6,
        lifetime: { periods: last['nr_periods'], throttled: last['nr_throttled'] ?? 0 },
      }
    })
    const usage = [before, after].map(([, stat]) => keyedOf(stat ?? '')['usage_usec'] ?? 0)
    return { source: question.watch(WINDOW_MS, ...paths), elapsedMs, usedMs: Math.max((ticks[1]! - ticks[0]!) * 10, Math.round((usage[1]! - usage[0]!) / 1000)), quotas }
  },
}
