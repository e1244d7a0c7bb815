import { need } from '../cannot-see.ts'
import type { Level } from '../cgroup/place.ts'
import { keyedOf, limitBytesOf, pressureOf } from '../cgroup/values.ts'
import { question } from '../question.ts'
import type { Evidence, Fact, Host } from '../types.ts'
import { cgroup, type CgroupPlace } from './cgroup.ts'

/** A limit on memory and how the cgroup that has it fares. */
export interface MemoryLimit {
  readonly kind: 'max' | 'high'
  readonly bytes: number
  readonly level: Level
  readonly evidence: Evidence
}

export interface MemoryUse {
  readonly level: Level
  /** All that is charged, page cache included: being near the limit with this says nothing. */
  readonly currentBytes: number | null
  /** What cannot be dropped, only swapped out: anonymous and shared memory. null = not shown. */
  readonly heldBytes: number | null
  readonly swapBytes: number | null
  readonly peakBytes: number | null
  /** How often an allocation ran into the limit of this very cgroup. Reading a large file does it too. */
  readonly hits: number | null
  readonly oomKills: number | null
  readonly pressure: { readonly some10: number; readonly full10: number; readonly some60: number } | null
  readonly evidence: Readonly<Partial<Record<'held' | 'swap' | 'peak' | 'hits' | 'oomKills' | 'pressure' | 'current', Evidence>>>
}

export interface CgroupMemory {
  readonly version: 1 | 2
  readonly place: CgroupPlace
  readonly limits: readonly MemoryLimit[]
  /** Of each level that has a limit. */
  readonly uses: readonly MemoryUse[]
  /** Processes that were killed for memory in its own cgroup. */
  readonly own: MemoryUse
}

/** null = no process, or a kernel without the memory controller. */
export const cgroupMemory: Fact<CgroupMemory | null> = {
  id: 'cgroup-memory',
  about: 'the memory limits that hold for the process, and how near it is to them',
  gather: async (host, use) => {
    const of = await use(cgroup)
    if (of === null) return null
    const place = need(of.places.memory)
    if (place === null) return null
    const files = place.version === 2 ? ([['max', 'memory.max'], ['high', 'memory.high']] as const) : ([['max', 'memory.limit_in_bytes']] as const)
    const limits = (await Promise.all(place.levels.flatMap((level) => files.map(([kind, file]) => limitAt(host, level, kind, file))))).filter((limit) => limit !== null)
    const levels = [...new Set([place.levels[0], ...limits.map(({ level }) => level)])]
    const uses = limits.length === 0 ? [] : await Promise.all(levels.map((level) => (place.version === 2 ? unifiedUse(host, level) : legacyUse(host, level))))
    return { version: place.version, place, limits, uses, own: uses[0] ?? unused(place.levels[0]) }
  },
}

const unused = (level: Level): MemoryUse => ({ level, currentBytes: null, heldBytes: null, swapBytes: null, peakBytes: null, hits: null, oomKills: null, pressure: null, evidence: {} })

async function limitAt(host: Host, level: Level, kind: 'max' | 'high', name: string): Promise<MemoryLimit | null> {
  const file = `${level.directory}/${name}`
  const text = await host.read(file)
  const bytes = text === null ? null : limitBytesOf(text)
  return bytes === null ? null : { kind, bytes, level, evidence: { source: question.read(file), saw: text!.trim() } }
}

async function unifiedUse(host: Host, level: Level): Promise<MemoryUse> {
  const at = (name: string) => `${level.directory}/${name}`
  const [current, stat, swap, peak, local, events, pressure] = await Promise.all(
    ['memory.current', 'memory.stat', 'memory.swap.current', 'memory.peak', 'memory.events.local', 'memory.events', 'memory.pressure'].map((name) =>
      // Pressure is EOPNOTSUPP where it is switched off; absent is what it then is.
      host.read(at(name)).catch((error: unknown) => (name === 'memory.pressure' ? null : Promise.reject(error as Error))),
    ),
  )
  const stats = keyedOf(stat ?? '')
  const own = keyedOf(local ?? events ?? '')
  const all = keyedOf(events ?? '')
  const hits = (own['max'] ?? 0) + (own['high'] ?? 0)
  const psi = pressureOf(pressure ?? '')
  return {
    level,
    currentBytes: numberOf(current),
    heldBytes: stat === null ? null : (stats['anon'] ?? 0) + (stats['shmem'] ?? 0),
    swapBytes: numberOf(swap),
    peakBytes: numberOf(peak),
    hits: local === null && events === null ? null : hits,
    oomKills: all['oom_kill'] ?? null,
    pressure: psi,
    evidence: {
      held: { source: question.read(at('memory.stat')), saw: `anon ${stats['anon'] ?? 0}, shmem ${stats['shmem'] ?? 0}, file ${stats['file'] ?? 0}` },
      ...shown('current', at('memory.current'), current),
      ...shown('swap', at('memory.swap.current'), swap),
      ...shown('peak', at('memory.peak'), peak),
      hits: { source: question.read(at(local === null ? 'memory.events' : 'memory.events.local')), saw: `max ${own['max'] ?? 0}, high ${own['high'] ?? 0}` },
      oomKills: { source: question.read(at('memory.events')), saw: `oom_kill ${all['oom_kill'] ?? 0}` },
      ...(psi === null ? {} : { pressure: { source: question.read(at('memory.pressure')), saw: pressure!.split('\n')[0]! } }),
    },
  }
}

async function legacyUse(host: Host, level: Level): Promise<MemoryUse> {
  const at = (name: string) => `${level.directory}/${name}`
  const [current, stat, peak, failures, oom] = await Promise.all(
    ['memory.usage_in_bytes', 'memory.stat', 'memory.max_usage_in_bytes', 'memory.failcnt', 'memory.oom_control'].map((name) => host.read(at(name))),
  )
  const stats = keyedOf(stat ?? '')
  const kills = keyedOf(oom ?? '')['oom_kill'] ?? null
  const swap = stats['total_swap'] ?? null
  return {
    level,
    currentBytes: numberOf(current),
    heldBytes: stat === null ? null : (stats['total_rss'] ?? 0) + (stats['total_shmem'] ?? 0),
    swapBytes: swap,
    peakBytes: numberOf(peak),
    hits: numberOf(failures),
    oomKills: kills,
    pressure: null,
    evidence: {
      held: { source: question.read(at('memory.stat')), saw: `total_rss ${stats['total_rss'] ?? 0}, total_shmem ${stats['total_shmem'] ?? 0}, total_cache ${stats['total_cache'] ?? 0}` },
      ...shown('current', at('memory.usage_in_bytes'), current),
      ...(swap === null ? {} : { swap: { source: question.read(at('memory.stat')), saw: `total_swap ${swap}` } }),
      ...shown('peak', at('memory.max_usage_in_bytes'), peak),
      ...shown('hits', at('memory.failcnt'), failures),
      ...(kills === null ? {} : { oomKills: { source: question.read(at('memory.oom_control')), saw: `oom_kill ${kills}` } }),
    },
  }
}

const shown = (name: 'current' | 'swap' | 'peak' | 'hits', file: string, text: string | null | undefined) =>
  text === null || text === undefined ? {} : { [name]: { source: question.read(file), saw: text.trim() } }

const numberOf = (text: string | null | undefined): number | null => (text === null || text === undefined || !/^\d+$/.test(text.trim()) ? null : Number(text))
