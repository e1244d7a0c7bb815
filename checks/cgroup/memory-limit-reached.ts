import { defineCheck, type Evidence, type Finding, type Fix, type Immutable } from '../../src/index.ts'
import { bytesInWords } from '../../src/cgroup/words.ts'
import { beyond } from '../../src/facts/cgroup.ts'
import { cgroupMemory, type CgroupMemory, type MemoryLimit, type MemoryUse } from '../../src/facts/cgroup-memory.ts'
import { ifSeen } from '../../src/facts/maybe.ts'
import { target } from '../../src/facts/target.ts'
import { unitLimits, type UnitLimits } from '../../src/facts/cgroup-unit.ts'
import { container } from '../../src/facts/container.ts'
import { unitEndings, type UnitEndings } from '../../src/facts/unit-endings.ts'
import { begun, changeLimit, NOT_RUNNING, subjectOf, type Place } from './limits.ts'

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
  needs: { target, now: ifSeen(cgroupMemory), unitLimits, unitEndings, container },
  run: ({ target, now, unitLimits: unit, unitEndings: endings, container }) => {
    const before = killedBefore(target, { unit, container }, endings)
    if (before !== null) return [before]
    if (!now.known) return { status: 'unknown', because: now.because, how: now.how }
    const memory = now.value
    if (memory === null) return unit !== null && !unit.active ? NOT_RUNNING : { status: 'not-applicable', because: 'No memory limit holds for it.' }
    if (memory.limits.length === 0) return { status: 'not-applicable', because: `No memory limit holds for it${beyond(memory.place)}.` }
    const subject = subjectOf(target, unit)
    // One story: the tightest limit that is in trouble.
    for (const limit of [...memory.limits].sort((a, b) => a.bytes - b.bytes)) {
      const use = memory.uses.find(({ level }) => level.path === limit.level.path)!
      const found = killed(subject, memory, limit, { unit, container }) ?? full(subject, memory, limit, use, { unit, container })
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
function killed(subject: string, memory: Immutable<CgroupMemory>, limit: Limit, place: Place): Finding | null {
  const { unit } = place
  const kills = memory.own.oomKills
  if (kills === null || kills === 0 || limit.kind !== 'max') return null
  // The machine itself may have run out of memory, or the killer was another limit: only hits on this very limit make it the cause.
  const use = memory.uses.find(({ level }) => level.path === limit.level.path)
  if ((use?.hits ?? 0) === 0) return null
  const evidence = [memory.own.evidence.oomKills, ...limitEvidence(limit, unit), use?.evidence.hits, memory.own.evidence.peak]
  return {
    severity: 'error', confidence: 'likely',
    cause: `The kernel has killed ${kills === 1 ? 'one process' : `${kills} processes`} of ${subject} for want of memory, under ${limitName(limit, unit)}.`,
    evidence: evidence.filter((each) => each !== undefined) as unknown as [Evidence, ...Evidence[]],
    refuted: [GPU_MEMORY],
    fixes: [raisedAfterKill(limit, Math.max(use?.peakBytes ?? 0, (use?.heldBytes ?? 0) + (use?.swapBytes ?? 0)), memory.limits, place)],
  }
}

/** The counters of a control group begin anew with each run; the journal keeps what became of those before. */
function killedBefore(target: Parameters<typeof subjectOf>[0], place: Place, endings: Immutable<UnitEndings> | null): Finding | null {
  const { unit } = place
  const asked = unit?.memoryMax ?? null
  if (endings === null || unit === null || asked === null) return null
  const times = (n: number) => (n === 1 ? 'one run' : `${n} runs`)
  const evidence: [Evidence, ...Evidence[]] = [asked.evidence[0], ...endings.evidence]
  // Runs that ended under another limit than the present one say nothing of it. The kernel keeps whole pages.
  const named = (endings.kernelKills ?? []).filter((limit) => limit !== null && Math.abs(limit - asked.value) < 65_536)
  const kills = endings.kernelKills === null ? endings.endings.filter(({ outOfMemory }) => outOfMemory).length : named.length
  if (kills > 0) {
    return {
      severity: 'error', confidence: named.length > 0 ? 'certain' : 'likely',
      cause: `The kernel has killed ${times(kills)} of ${subjectOf(target, unit)} for want of memory, under ${asked.text}.`,
      evidence,
      refuted: [GPU_MEMORY],
      fixes: [raisedAfterKill({ kind: 'max', bytes: asked.value, level: { path: unit.controlGroup ?? `/${unit.name}`, directory: '' }, evidence: asked.evidence[0] }, 0, [], place)],
    }
  }
  const unsaid = endings.endings.filter(({ code, status }) => code === 'killed' && status === 9).length
  if (!endings.untold || unsaid < 2) return null
  return {
    severity: 'warning', confidence: 'possible',
    cause: `${times(unsaid)[0]!.toUpperCase()}${times(unsaid).slice(1)} of ${subjectOf(target, unit)} were ended by SIGKILL, as the kernel does when ${asked.text} is reached; whether it was that, only the kernel's log tells, and it cannot be read here.`,
    evidence,
    fixes: [{ title: 'Let the log of the kernel decide', safety: 'manual', edits: [], then: ['On the machine itself, as root: journalctl -k --grep oom-kill', `If it names ${unit.name}, raise MemoryMax=.`] }],
  }
}

function full(subject: string, memory: Immutable<CgroupMemory>, limit: Limit, use: UseOf, place: Place): Finding | null {
  const { unit } = place
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
    fixes: [raised(limit, Math.max(limit.bytes, held + swap) * 1.5, memory.limits, place)],
  }
}

const GPU_MEMORY = { hypothesis: 'There is memory enough, for the GPU has plenty free', because: 'The limit counts main memory alone; what the GPU has of its own is neither counted in it nor a way around it.' }

const KEYS = { max: 'MemoryMax', high: 'MemoryHigh' } as const

/** Whoever was killed at a limit needed more than that, and nothing tells how much: its peak ends at the limit, unless it also swapped or the limit was higher before. */
function raisedAfterKill(limit: Limit, measuredBytes: number, limits: readonly Limit[], place: Place): Fix {
  if (measuredBytes > limit.bytes * 1.05) return raised(limit, measuredBytes * 1.5, limits, place)
  const fix = raised(limit, limit.bytes * 2, limits, place, ', a guess to be measured')
  return { ...fix, then: [...fix.then, 'Measure it then, for twice the limit that it was ended at is a guess: after its largest work read memory.peak of its control group (cgroup v1: memory.max_usage_in_bytes), and set the limit half as much again above that.'] }
}

/** Rounded up to 256 MiB. */
function raised(limit: Limit, bytes: number, limits: readonly Limit[], place: Place, note = ''): Fix {
  const step = 256 * 2 ** 20
  const megabytes = (Math.ceil(bytes / step) * step) / 2 ** 20
  return changeLimit(`Raise the memory limit to ${bytesInWords(megabytes * 2 ** 20)} or more${note}`, place, limit.level, {
    // The other limit of the same group would take its place where it is lower.
    set: [limit, ...limits.filter(({ kind, level, bytes }) => kind !== limit.kind && level.path === limit.level.path && bytes < megabytes * 2 ** 20)].map(({ kind }) => [KEYS[kind], `${megabytes}M`] as const),
    inContainer: { memoryMegabytes: megabytes },
    words: `Raise it where the container is started: docker run --memory=${megabytes}m, or resources.limits.memory in Kubernetes.`,
  })
}
