import { cpuOf, familyCpuMs, machineOf, memoryOf, read, tasksOf, tree, type Task } from './proc.ts'
import { mostThrottled, quotaFiles, throttleOf } from './throttle.ts'
import type { Load, LoadSample } from './types.ts'

export interface Sampler {
  /** What was counted until now. */
  now(): Load
  stop(): Load
}

const INTERVAL_MS = 200
/** A long measurement keeps every second of its samples, then every fourth, and so on. */
const MOST_SAMPLES = 240

/** Watches the target's processes and the whole machine from outside, five times a second. null where there is no /proc. */
export function watchLoad(pids: () => readonly number[], ours: () => readonly number[] = () => []): Sampler | null {
  const first = read('/proc/stat')
  if (first === null) return null
  const startedAt = performance.now()
  // What we start stays in our control group unless it moves itself.
  const quotas = [...new Set([process.pid, ...pids()].flatMap(quotaFiles))]
  const throttleBefore = quotas.map(throttleOf)
  const machineBefore = machineOf(first)
  const ownBefore = cpuOf('/proc/self/stat').own
  const familyBefore = familyCpuMs()
  const tasksBefore = new Map<string, Task>()
  const tasks = new Map<string, Task>()
  for (const pid of pids().flatMap(tree)) for (const [id, task] of tasksOf(pid)) tasksBefore.set(id, task)
  let peakMemoryBytes: number | null = null
  let cpuPressure: number | null = null
  let series: LoadSample[] = []
  let every = 1
  let taken = 0

  const counted = () => {
    const targetCpuMs = Math.max(0, familyCpuMs() - familyBefore)
    const machine = machineOf(read('/proc/stat') ?? first)
    const ownMs = cpuOf('/proc/self/stat').own - ownBefore
    return { targetCpuMs, othersCpuMs: Math.max(0, machine.busyMs - machineBefore.busyMs - targetCpuMs - ownMs), stealMs: machine.stealMs - machineBefore.stealMs }
  }
  const sample = () => {
    let memoryBytes: number | null = null
    const apart = ours()
    for (const pid of pids().flatMap(tree)) {
      for (const [id, task] of tasksOf(pid)) tasks.set(id, task)
      if (apart.includes(pid)) continue
      const { nowBytes, peakBytes } = memoryOf(pid)
      if (nowBytes !== null) memoryBytes = (memoryBytes ?? 0) + nowBytes
      if (peakBytes !== null) peakMemoryBytes = Math.max(peakMemoryBytes ?? 0, peakBytes)
    }
    const some = /^some avg10=([\d.]+)/m.exec(read('/proc/pressure/cpu') ?? '')
    if (some) cpuPressure = Math.max(cpuPressure ?? 0, Number(some[1]))
    return { memoryBytes, cpuPressure: some ? Number(some[1]) : null }
  }
  const keep = () => {
    const moment = sample()
    if (taken++ % every !== 0) return
    const { targetCpuMs, othersCpuMs } = counted()
    series.push({ atMs: Math.round(performance.now() - startedAt), targetCpuMs, othersCpuMs, throttledMs: mostThrottled(quotas, throttleBefore)?.throttledMs ?? null, ...moment })
    if (series.length < MOST_SAMPLES) return
    series = series.filter((_, i) => i % 2 === 0)
    every *= 2
  }
  const timer = setInterval(keep, INTERVAL_MS)
  timer.unref()
  const now = (): Load => {
    sample()
    const ran = [...tasks].map(([id, task]) => ({ waitedMs: task.waitedMs - (tasksBefore.get(id)?.waitedMs ?? 0), switches: task.switches - (tasksBefore.get(id)?.switches ?? 0) }))
    return {
      spanMs: performance.now() - startedAt,
      ...counted(),
      waitedMs: ran.length === 0 ? null : ran.reduce((sum, task) => sum + task.waitedMs, 0),
      involuntarySwitches: ran.length === 0 ? null : ran.reduce((sum, task) => sum + task.switches, 0),
      peakMemoryBytes,
      throttle: mostThrottled(quotas, throttleBefore),
      cpuPressure,
      ...(series.length === 0 ? {} : { series: [...series] }),
    }
  }
  return {
    now,
    stop: () => {
      clearInterval(timer)
      return now()
    },
  }
}
