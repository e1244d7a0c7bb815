import { CannotSee, known } from '../cannot-see.ts'
import { secondsOf } from '../cgroup/values.ts'
import { cgroup } from '../facts/cgroup.ts'
import { gatherer } from '../gather.ts'
import { hostOf, type Ask, type Question } from '../host/host.ts'
import type { Json, Watch } from '../types.ts'
import { cgroupFiles } from './cgroup-after.ts'
import type { Restart } from './restarted.ts'

/** The CPUs of the new process; null = as before. A set that is taken off leaves all that the machine has online. */
export async function allowedCpus({ machine, properties }: Restart): Promise<string | null> {
  const set = properties.get('AllowedCPUs') ?? properties.get('CPUAffinity')
  if (set === undefined) return null
  if (set !== '') return set.replace(/[ ,]+/g, ',')
  const online = await known(hostOf(machine).read('/sys/devices/system/cpu/online'))
  return online.known ? (online.value?.trim() ?? null) : null
}

export const withCpus = (text: string, cpus: string | null): string => (cpus === null ? text : text.replace(/^Cpus_allowed_list:.*$/m, `Cpus_allowed_list:\t${cpus}`))

/** The files of its limits, and how much of the CPU it would have used while it was watched. */
export async function limitFiles(of: Restart): Promise<{ readonly reads: ReadonlyMap<string, (machine: Ask, asked: Question) => Promise<Json>>; readonly watch: (machine: Ask, asked: Question) => Promise<Json> | undefined }> {
  const use = gatherer(hostOf(of.machine))
  const place = await known(use(cgroup)).catch(() => null)
  const own = of.unit.properties['ControlGroup'] ?? ''
  const at = (controller: 'cpu' | 'cpuset' | 'memory') => {
    const found = place?.known && place.value?.places[controller].known ? place.value.places[controller].value : null
    // A user's manager sets no limits on cgroup v1.
    if (found === null || (found.version === 1 && of.unit.scope === 'user')) return null
    const level = found.levels.find(({ path }) => path === own)
    return level === undefined ? null : { version: found.version, directory: level.directory }
  }
  const reads = new Map(cgroupFiles(of.properties, at('cpu'), at('memory')))
  const [cpuset, allowed] = [at('cpuset'), of.properties.has('AllowedCPUs') ? await allowedCpus(of) : null]
  if (cpuset !== null && allowed !== null) for (const name of ['cpuset.cpus.effective', 'cpuset.effective_cpus', 'cpuset.cpus']) reads.set(`${cpuset.directory}/${name}`, async (machine, asked) => ((await machine(asked)) === null ? null : `${allowed}\n`))
  const cpu = at('cpu')
  const quota = of.properties.get('CPUQuotaPerSecUSec')
  const watch = (machine: Ask, asked: Question): Promise<Json> | undefined => {
    if (quota === undefined || cpu === null) return undefined
    const index = asked.args.slice(1).indexOf(`${cpu.directory}/cpu.stat`)
    return index < 0 ? undefined : watchedAfter(machine, asked, index, quota, of.process.status.threads)
  }
  return { reads, watch }
}

/** With a CPU for each of its threads nothing is stopped any more; how a smaller quota would do, only the work itself shows. */
async function watchedAfter(machine: Ask, asked: Question, index: number, quota: string, threads: number): Promise<Json> {
  const cpus = quota === 'infinity' ? Number.POSITIVE_INFINITY : (secondsOf(quota) ?? 0)
  if (cpus < threads) throw new CannotSee(`How often a quota of ${cpus} CPUs would stop its ${threads} threads shows only when it works under that quota.`, 'Restart the service and run the check while it transcribes.')
  const watch = (await machine(asked)) as unknown as Watch
  const [first, last] = [watch.before[index] ?? '', watch.after[index] ?? '']
  const stopped = Number(/^nr_throttled (\d+)$/m.exec(last)?.[1] ?? 0) > Number(/^nr_throttled (\d+)$/m.exec(first)?.[1] ?? 0)
  const kept = last.replace(/^(nr_throttled|throttled_usec|throttled_time) .*$/gm, (line, name: string) => new RegExp(`^${name} .*$`, 'm').exec(first)?.[0] ?? line)
  // What was held back takes what it is given: it works all the time, on each of its threads at most.
  const workMs = Math.min(cpus, threads) * watch.elapsedMs
  const busy = (text: string | null, at: number): string | null => {
    if (!stopped || text === null) return at === index ? kept : text
    if (at === index) return kept.replace(/^usage_usec .*$/m, () => `usage_usec ${Number(/^usage_usec (\d+)$/m.exec(first)?.[1] ?? 0) + Math.round(workMs * 1000)}`)
    return /\/stat$/.test(asked.args[at + 1]!) ? worked(watch.before[at] ?? '', text, workMs) : text
  }
  return { ...watch, after: watch.after.map(busy) } as unknown as Json
}

/** proc(5): fields 14 and 15 of /proc/PID/stat count CPU time in hundredths of a second. */
function worked(before: string, after: string, workMs: number): string {
  const at = after.lastIndexOf(')') + 2
  const [first, fields] = [before.slice(before.lastIndexOf(')') + 2).split(' '), after.slice(at).split(' ')]
  fields[11] = String(Number(first[11]) + Math.round(workMs / 10))
  return after.slice(0, at) + fields.join(' ')
}
