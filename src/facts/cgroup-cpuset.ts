import { known } from '../cannot-see.ts'
import { cpuListOf } from '../cgroup/values.ts'
import { question } from '../question.ts'
import type { Evidence, Fact, Host } from '../types.ts'
import { cgroup, type CgroupPlace } from './cgroup.ts'
import { process_ } from './process.ts'

/** Which CPUs the process may run on, and which there are. */
export interface UsableCpus {
  readonly online: number
  readonly onlineEvidence: Evidence
  /** The process's affinity, which the kernel keeps within its cpuset. null = no process. */
  readonly allowed: { readonly count: number; readonly evidence: Evidence } | null
  /** The set of its cgroup where one narrows it. null = none does, or none can be seen. */
  readonly cpuset: { readonly count: number; readonly evidence: Evidence } | null
}

const ONLINE = '/sys/devices/system/cpu/online'

export const usableCpus: Fact<UsableCpus | null> = {
  id: 'usable-cpus',
  about: 'the CPUs the process may run on',
  gather: async (host, use) => {
    const [process, of, onlineText] = await Promise.all([use(process_), known(use(cgroup)), host.read(ONLINE)])
    const list = process?.status.fields['Cpus_allowed_list']
    const allowed = process === null || list === undefined ? null : { count: cpuListOf(list).length, evidence: { source: question.read(`${process.folder}/status`), saw: `Cpus_allowed_list: ${list}` } }
    if (onlineText === null) return null
    const online = cpuListOf(onlineText).length
    const place = of.known && of.value?.places.cpuset.known ? of.value.places.cpuset.value : null
    const cpuset = place === null ? null : await narrowed(host, place, online)
    return { online, onlineEvidence: { source: question.read(ONLINE), saw: onlineText.trim() }, allowed, cpuset }
  },
}

/** cpuset.cpus.effective of v2 and cpuset.effective_cpus of v1 have what encloses them worked in already. */
async function narrowed(host: Host, place: CgroupPlace, online: number): Promise<UsableCpus['cpuset']> {
  // v2 shows the file only where the controller is switched on; the nearest one above holds for what is below it.
  for (const { directory } of place.levels) {
    for (const file of place.version === 2 ? ['cpuset.cpus.effective'] : ['cpuset.effective_cpus', 'cpuset.cpus']) {
      const text = await host.read(`${directory}/${file}`)
      if (text === null || text.trim() === '') continue
      const count = cpuListOf(text).length
      return count < online ? { count, evidence: { source: question.read(`${directory}/${file}`), saw: text.trim() } } : null
    }
  }
  return null
}
