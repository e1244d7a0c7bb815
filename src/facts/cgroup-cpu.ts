import { need } from '../cannot-see.ts'
import type { Level } from '../cgroup/place.ts'
import { cfsOf, cpuMaxOf } from '../cgroup/values.ts'
import { question } from '../question.ts'
import type { Evidence, Fact, Host } from '../types.ts'
import { cgroup, type CgroupPlace } from './cgroup.ts'

/** CPU time a cgroup may use, in CPUs: 0.5 is 50 ms in every 100 ms. */
export interface CpuQuota {
  readonly cpus: number
  readonly periodUs: number
  readonly level: Level
  readonly evidence: readonly [Evidence, ...Evidence[]]
}

export interface CgroupCpu {
  readonly version: 1 | 2
  readonly place: CgroupPlace
  /** Every quota on the way up. */
  readonly quotas: readonly CpuQuota[]
  /** The smallest; it decides. null = none. */
  readonly quota: CpuQuota | null
}

/** null = no process, or a kernel without the cpu controller: nothing to see and nothing that limits. */
export const cgroupCpu: Fact<CgroupCpu | null> = {
  id: 'cgroup-cpu',
  about: 'the CPU quotas that hold for the process',
  gather: async (host, use) => {
    const of = await use(cgroup)
    if (of === null) return null
    const place = need(of.places.cpu)
    if (place === null) return null
    const all = await Promise.all(place.levels.map((level) => (place.version === 2 ? unifiedQuota(host, level) : legacyQuota(host, level))))
    const quotas = all.filter((quota) => quota !== null)
    const quota = quotas.reduce<CpuQuota | null>((least, each) => (least === null || each.cpus < least.cpus ? each : least), null)
    return { version: place.version, place, quotas, quota }
  },
}

async function unifiedQuota(host: Host, level: Level): Promise<CpuQuota | null> {
  const file = `${level.directory}/cpu.max`
  // The root has no such file, nor has a cgroup for which the controller is not switched on.
  const text = await host.read(file)
  const max = text === null ? null : cpuMaxOf(text)
  return max === null ? null : { cpus: max.quotaUs / max.periodUs, periodUs: max.periodUs, level, evidence: [{ source: question.read(file), saw: text!.trim() }] }
}

async function legacyQuota(host: Host, level: Level): Promise<CpuQuota | null> {
  const [quotaFile, periodFile] = [`${level.directory}/cpu.cfs_quota_us`, `${level.directory}/cpu.cfs_period_us`]
  const [quota, period] = await Promise.all([host.read(quotaFile), host.read(periodFile)])
  const cfs = quota === null || period === null ? null : cfsOf(quota, period)
  if (cfs === null) return null
  return { cpus: cfs.quotaUs / cfs.periodUs, periodUs: cfs.periodUs, level, evidence: [{ source: question.read(quotaFile), saw: quota!.trim() }, { source: question.read(periodFile), saw: period!.trim() }] }
}
