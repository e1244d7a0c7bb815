import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import type { Load } from './types.ts'

export interface Sampler {
  /** What was counted until now. */
  now(): Load
  stop(): Load
}

const INTERVAL_MS = 200
/** Linux counts CPU time in ticks of 10 ms wherever Node runs (USER_HZ is fixed at 100). */
const TICK_MS = 10

/** Watches the target's processes and the whole machine from outside, five times a second. null where there is no /proc. */
export function watchLoad(pids: () => readonly number[]): Sampler | null {
  const first = read('/proc/stat')
  if (first === null) return null
  const startedAt = performance.now()
  // What we start stays in our control group unless it moves itself.
  const quotas = [...new Set([process.pid, ...pids()].flatMap(quotaFiles))]
  const throttleBefore = quotas.map(throttleOf)
  const own = cpuOf('/proc/self/stat')
  const live = new Map<number, number>()
  for (const pid of pids()) live.set(pid, cpuOf(`/proc/${pid}/stat`).own)
  const tasksBefore = new Map<string, Task>()
  const tasks = new Map<string, Task>()
  for (const pid of pids()) for (const [id, task] of tasksOf(pid)) tasksBefore.set(id, task)
  let peakMemoryBytes: number | null = null
  let cpuPressure: number | null = null
  const sample = () => {
    for (const pid of pids().flatMap(tree)) {
      for (const [id, task] of tasksOf(pid)) tasks.set(id, task)
      const peak = peakOf(pid)
      if (peak !== null) peakMemoryBytes = Math.max(peakMemoryBytes ?? 0, peak)
    }
    const some = /^some avg10=([\d.]+)/m.exec(read('/proc/pressure/cpu') ?? '')
    if (some) cpuPressure = Math.max(cpuPressure ?? 0, Number(some[1]))
  }
  const timer = setInterval(sample, INTERVAL_MS)
  timer.unref()
  const now = (): Load => {
    sample()
    const spanMs = performance.now() - startedAt
    const ours = cpuOf('/proc/self/stat')
    const alive = [...live].reduce((sum, [pid, before]) => sum + Math.max(0, cpuOf(`/proc/${pid}/stat`).own - before), 0)
    const targetCpuMs = alive + ours.children - own.children
    const machine = machineOf(read('/proc/stat') ?? first)
    const before = machineOf(first)
    const ran = [...tasks].map(([id, task]) => ({ waitedMs: task.waitedMs - (tasksBefore.get(id)?.waitedMs ?? 0), switches: task.switches - (tasksBefore.get(id)?.switches ?? 0) }))
    return {
      spanMs,
      targetCpuMs,
      othersCpuMs: Math.max(0, machine.busyMs - before.busyMs - targetCpuMs - (ours.own - own.own)),
      stealMs: machine.stealMs - before.stealMs,
      waitedMs: ran.length === 0 ? null : ran.reduce((sum, task) => sum + task.waitedMs, 0),
      involuntarySwitches: ran.length === 0 ? null : ran.reduce((sum, task) => sum + task.switches, 0),
      peakMemoryBytes,
      throttle: mostThrottled(quotas, throttleBefore),
      cpuPressure,
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

interface Task {
  readonly waitedMs: number
  readonly switches: number
}

/** /proc/PID/task/TID/schedstat: time on a CPU, time ready and waiting (ns), timeslices (Documentation/scheduler/sched-stats). */
function tasksOf(pid: number): readonly (readonly [string, Task])[] {
  return entries(`/proc/${pid}/task`).flatMap((id) => {
    const schedule = read(`/proc/${pid}/task/${id}/schedstat`)
    if (schedule === null) return []
    const switches = Number(/^nonvoluntary_ctxt_switches:\s*(\d+)/m.exec(read(`/proc/${pid}/task/${id}/status`) ?? '')?.[1] ?? 0)
    return [[`${pid}/${id}`, { waitedMs: Number(schedule.split(' ')[1] ?? 0) / 1e6, switches }] as const]
  })
}

function peakOf(pid: number): number | null {
  const peak = /^VmHWM:\s*(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')
  return peak ? Number(peak[1]) * 1024 : null
}

/** A process and all below it. */
function tree(pid: number): readonly number[] {
  const children = entries(`/proc/${pid}/task`).flatMap((id) => (read(`/proc/${pid}/task/${id}/children`) ?? '').split(' ').filter(Boolean).map(Number))
  return [pid, ...children.flatMap(tree)]
}

/** proc_pid_stat(5): utime and stime are fields 14 and 15, those of waited-for children 16 and 17; the name may hold anything. */
function cpuOf(path: string): { readonly own: number; readonly children: number } {
  const text = read(path)
  if (text === null) return { own: 0, children: 0 }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number)
  return { own: (fields[11]! + fields[12]!) * TICK_MS, children: (fields[13]! + fields[14]!) * TICK_MS }
}

/** The first line of proc_stat(5): user nice system idle iowait irq softirq steal; guest time is in user already. */
function machineOf(text: string): { readonly busyMs: number; readonly stealMs: number } {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = /^cpu\s+(.*)$/m.exec(text)?.[1]?.split(' ').map(Number) ?? []
  return { busyMs: (user + nice + system + irq + softirq) * TICK_MS, stealMs: steal * TICK_MS }
}

/** cpu.stat of the process's control group and of all above it: a quota may stand at any level. */
function quotaFiles(pid: number): readonly string[] {
  return (read(`/proc/${pid}/cgroup`) ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (path === undefined || (controllers !== '' && !controllers!.split(',').includes('cpu'))) return []
    const roots = controllers === '' ? ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'] : [`/sys/fs/cgroup/${controllers}`, '/sys/fs/cgroup/cpu']
    const levels = path.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'))
    const files = roots.flatMap((root) => levels.map((level) => posix.join(root, level, 'cpu.stat')))
    return files.filter((file) => throttleOf(file) !== null)
  })
}

interface Throttle {
  readonly periods: number
  readonly throttled: number
  readonly throttledMs: number
}

function throttleOf(file: string): Throttle | null {
  const text = read(file)
  const value = (key: string) => new RegExp(`^${key} (\\d+)$`, 'm').exec(text ?? '')?.[1]
  const periods = value('nr_periods')
  if (periods === undefined) return null
  const us = value('throttled_usec')
  return { periods: Number(periods), throttled: Number(value('nr_throttled') ?? 0), throttledMs: us === undefined ? Number(value('throttled_time') ?? 0) / 1e6 : Number(us) / 1e3 }
}

function mostThrottled(files: readonly string[], before: readonly (Throttle | null)[]): Throttle | null {
  const changes = files.flatMap((file, i) => {
    const [a, b] = [throttleOf(file), before[i]]
    return a && b && a.periods > b.periods ? [{ periods: a.periods - b.periods, throttled: a.throttled - b.throttled, throttledMs: a.throttledMs - b.throttledMs }] : []
  })
  return changes.sort((a, b) => b.throttled - a.throttled)[0] ?? null
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
