import { known } from '../cannot-see.ts'
import type { Level } from '../cgroup/place.ts'
import type { Evidence, Fact, Immutable, Known } from '../types.ts'
import { cgroupMounts, type CgroupPlace } from './cgroup.ts'
import { cgroupCpu } from './cgroup-cpu.ts'
import { usableCpus } from './cgroup-cpuset.ts'
import { unitLimits, type UnitLimits } from './cgroup-unit.ts'
import { process_ } from './process.ts'
import { threads, type ThreadView } from './threads.ts'

/** The quota that holds, or for a unit that is not running the one that it would get. */
export interface HeldQuota {
  readonly cpus: number
  readonly periodMs: number
  /** The setting in the unit, where that is what is in force. */
  readonly text: string | null
  /** What the kernel was told, or would be. */
  readonly saw: string
  /** null = not in force yet. */
  readonly level: Level | null
  readonly evidence: readonly [Evidence, ...Evidence[]]
}

/** CPU time that is granted, beside the threads that want it. */
export interface CpuDemand {
  readonly quota: Known<HeldQuota | null>
  readonly place: CgroupPlace | null
  /** How many CPUs it could run on at once. null = not known. */
  readonly usable: number | null
  readonly online: { readonly count: number; readonly evidence: Evidence } | null
  readonly unit: UnitLimits | null
  readonly view: Known<ThreadView>
  readonly running: ThreadView['running']
}

/** As many CPUs as its threads use at once; null = how many threads it computes with is not known. */
export function wantedCpus({ view, usable }: Immutable<Pick<CpuDemand, 'view' | 'usable'>>): number | null {
  const threads = view.known ? view.value.threads : null
  return threads === null ? null : usable === null ? threads.count : Math.min(threads.count, usable)
}

export const cpuDemand: Fact<CpuDemand> = {
  id: 'cpu-demand',
  about: 'the CPU quota beside the threads that want to run',
  gather: async (_host, use) => {
    const process = await use(process_)
    const [cpu, cpus, unit] = await Promise.all([known(use(cgroupCpu)), use(usableCpus), use(unitLimits)])
    const quota = process === null ? await planned(unit, await known(use(cgroupMounts))) : cpu.known ? { known: true as const, value: inForce(cpu.value?.quota ?? null, unit) } : cpu
    const usable = cpus?.allowed?.count ?? cpus?.online ?? null
    const binds = quota.known && quota.value !== null && (usable === null || quota.value.cpus < usable)
    const view: Known<ThreadView> = binds ? await known(use(threads)) : { known: true, value: { threads: null, running: null, loaded: false } }
    return {
      quota,
      place: cpu.known ? (cpu.value?.place ?? null) : null,
      usable,
      online: cpus === null ? null : { count: cpus.online, evidence: cpus.onlineEvidence },
      unit,
      view,
      running: view.known ? view.value.running : null,
    }
  },
}

type Quota = NonNullable<Awaited<ReturnType<(typeof cgroupCpu)['gather']>>>['quota']

function inForce(quota: Quota, unit: UnitLimits | null): HeldQuota | null {
  if (quota === null) return null
  const asked = unit?.cpuQuota ?? null
  // The unit's own setting is what is in force when the kernel's number is the same.
  const own = asked !== null && Math.abs(asked.value - quota.cpus) < 0.01 ? asked : null
  return {
    cpus: quota.cpus, periodMs: quota.periodUs / 1000, text: own?.text ?? null, level: quota.level,
    saw: quota.evidence.map(({ saw }) => saw).join(' '),
    evidence: own === null ? quota.evidence : [own.evidence[0], ...quota.evidence],
  }
}

/** The manager of a user cannot set limits on cgroup v1, so what its unit asks for will not come to be. */
async function planned(unit: UnitLimits | null, mounts: Known<readonly { readonly version: 1 | 2; readonly controllers: readonly string[] }[]>): Promise<Known<HeldQuota | null>> {
  const asked = unit?.cpuQuota ?? null
  const legacy = mounts.known && mounts.value.some(({ version, controllers }) => version === 1 && controllers.includes('cpu'))
  if (asked === null || (unit!.scope === 'user' && (legacy || !mounts.known))) {
    return { known: false, because: 'The service is not running, so the limits that would hold for it cannot be seen.', how: 'Start it and run the check again.' }
  }
  return { known: true, value: { cpus: asked.value, periodMs: 100, text: asked.text, saw: asked.text, level: null, evidence: asked.evidence } }
}
