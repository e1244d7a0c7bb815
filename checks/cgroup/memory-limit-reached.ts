import { defineCheck, type Evidence, type Finding, type Immutable } from '../../src/index.ts'
import { bytesInWords } from '../../src/cgroup/words.ts'
import { beyond } from '../../src/facts/cgroup.ts'
import { cgroupMemory, type CgroupMemory, type MemoryLimit, type MemoryUse } from '../../src/facts/cgroup-memory.ts'
import { target } from '../../src/facts/target.ts'
import { unitLimits, type UnitLimits } from '../../src/facts/cgroup-unit.ts'
import { begun, changeLimit, NOT_RUNNING, subjectOf } from './limits.ts'

/** Share of the limit that cannot be dropped, above which the group lives on swapping. Ours, not sourced. */
const FULL = 0.9
/** Swap that is worth the name, as a share of the limit. */
const SWAPPED = 0.05
/** Percent of the last ten seconds that tasks waited for memory. */
const PRESSURE = 10

export default defineCheck({
  id: 'cgroup/memory-limit-reached',
  title: 'The process has reached its memory limit',
  docs: {
    what: 'Looks at each memory limit above the process: how much of it is held by memory that cannot be dropped, what was swapped out, how often the limit was hit, how long tasks waited for memory, and whether the kernel killed for it. Page cache counts towards the limit and is given up when it is needed, so a group that is full of it is well.',
    why: 'A model whose weights do not fit is read back from swap again and again, on the GPU as much as on the CPU, since weights and audio pass through main memory. With no swap left the kernel ends the process.',
    remedy: 'Raise MemoryMax (or the limit of the container) above what the model needs. `MemorySwapMax=0` makes it fail loudly instead of slowly.',
    links: ['man:systemd.resource-control(5)', 'https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files', 'https://docs.kernel.org/accounting/psi.html'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, cgroupMemory, unitLimits },
  run: ({ target, cgroupMemory: memory, unitLimits: unit }) => {
    if (memory === null) return unit !== null && !unit.active ? NOT_RUNNING : { status: 'not-applicable', because: 'No memory limit holds for it.' }
    if (memory.limits.length === 0) return { status: 'not-applicable', because: `No memory limit holds for it${beyond(memory.place)}.` }
    const subject = subjectOf(target, unit)
    // One story: the tightest limit that is in trouble.
    for (const limit of [...memory.limits].sort((a, b) => a.bytes - b.bytes)) {
      const use = memory.uses.find(({ level }) => level.path === limit.level.path)!
      const found = killed(subject, memory, limit, unit) ?? full(subject, limit, use, unit)
      if (found !== null) return [found]
    }
    const blind = memory.uses.some(({ heldBytes }) => heldBytes === null)
    return blind ? { status: 'unknown', because: 'There is a memory limit, and the kernel does not show what is held under it (memory.stat).', how: null } : []
  },
})

type Of = Immutable<UnitLimits> | null
type Limit = Immutable<MemoryLimit>
type UseOf = Immutable<MemoryUse>

const limitName = (limit: Limit, unit: Of): string => {
  const asked = unit === null ? null : limit.kind === 'max' ? unit.memoryMax : unit.memoryHigh
  // The kernel keeps whole pages.
  return asked !== null && Math.abs(asked.value - limit.bytes) < 65_536 ? asked.text : `its memory limit of ${bytesInWords(limit.bytes)}`
}

const limitEvidence = (limit: Limit, unit: Of): readonly Evidence[] => {
  const asked = unit === null ? null : limit.kind === 'max' ? unit.memoryMax : unit.memoryHigh
  return [...(asked !== null && Math.abs(asked.value - limit.bytes) < 65_536 ? [asked.evidence[0]] : []), limit.evidence]
}

/** Kills in its own cgroup only: above it a neighbour may have been meant. */
function killed(subject: string, memory: Immutable<CgroupMemory>, limit: Limit, unit: Of): Finding | null {
  const kills = memory.own.oomKills
  if (kills === null || kills === 0 || limit.kind !== 'max') return null
  // The machine itself may have run out of memory, or the killer was another limit: only hits on this very limit make it the cause.
  const hits = memory.uses.find(({ level }) => level.path === limit.level.path)?.hits ?? 0
  if (hits === 0) return null
  const evidence = [memory.own.evidence.oomKills, ...limitEvidence(limit, unit), memory.uses.find(({ level }) => level.path === limit.level.path)?.evidence.hits, memory.own.evidence.peak]
  return {
    severity: 'error', confidence: 'likely',
    cause: `The kernel has killed ${kills === 1 ? 'one process' : `${kills} processes`} of ${subject} for want of memory, under ${limitName(limit, unit)}.`,
    evidence: evidence.filter((each) => each !== undefined) as unknown as [Evidence, ...Evidence[]],
    refuted: [GPU_MEMORY],
    fixes: [raised(limit, limit.bytes * 2, unit)],
  }
}

function full(subject: string, limit: Limit, use: UseOf, unit: Of): Finding | null {
  const held = use.heldBytes
  if (held === null) return null
  const swap = use.swapBytes ?? 0
  const pressed = (use.pressure?.some10 ?? 0) >= PRESSURE
  const tight = held >= limit.bytes * FULL
  // Nothing waits now, and nothing was swapped out to speak of: near the limit is not yet over it.
  if (!(tight && (swap >= limit.bytes * SWAPPED || pressed)) && !(pressed && (use.hits ?? 0) > 0 && (use.currentBytes ?? 0) >= limit.bytes * FULL)) return null
  const parts = [`${bytesInWords(held)} that cannot be dropped`, ...(swap > 0 ? [`${bytesInWords(swap)} swapped out`] : [])]
  const evidence = [...limitEvidence(limit, unit), use.evidence.held, swap > 0 ? use.evidence.swap : undefined, (use.hits ?? 0) > 0 ? use.evidence.hits : undefined, use.evidence.peak, use.evidence.pressure]
  const where = use.level.path === limit.level.path && tight ? parts.join(' and ') : `tasks that wait for memory ${use.pressure!.some10} % of the time`
  return {
    severity: pressed || swap >= limit.bytes * 0.25 ? 'error' : 'warning',
    confidence: tight ? 'certain' : 'likely',
    cause: `${begun(subject)} has reached ${limitName(limit, unit)}${limitName(limit, unit).startsWith('its') ? '' : ` (${bytesInWords(limit.bytes)})`}, with ${where}.`,
    evidence: evidence.filter((each) => each !== undefined) as unknown as [Evidence, ...Evidence[]],
    refuted: [GPU_MEMORY],
    fixes: [raised(limit, Math.max(limit.bytes, held + swap) * 1.5, unit)],
  }
}

const GPU_MEMORY = { hypothesis: 'There is memory enough, for the GPU has plenty free', because: 'The limit counts main memory alone; what the GPU has of its own is neither counted in it nor a way around it.' }

/** Rounded up to 256 MiB. */
function raised(limit: Limit, bytes: number, unit: Of) {
  const step = 256 * 2 ** 20
  const megabytes = (Math.ceil(bytes / step) * step) / 2 ** 20
  return changeLimit(`Raise the memory limit to ${bytesInWords(megabytes * 2 ** 20)} or more`, unit, limit.level, limit.kind === 'max' ? 'MemoryMax' : 'MemoryHigh', `${megabytes}M`, `Raise it where the container is started: docker run --memory=${megabytes}m, or resources.limits.memory in Kubernetes.`)
}
