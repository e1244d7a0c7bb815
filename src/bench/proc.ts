import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts CPU time in ticks of 10 ms wherever Node runs (USER_HZ is fixed at 100). */
const TICK_MS = 10

/**
 * CPU time of all that we started and all that these started, the yardstick and a wrapper's own children included. A process that
 * ended and was waited for is counted by its parent, and at last by us (proc_pid_stat(5), cutime and cstime).
 */
export function familyCpuMs(): number {
  const [, ...descendants] = tree(process.pid)
  return descendants.map((pid) => cpuOf(`/proc/${pid}/stat`)).reduce((sum, { own, children }) => sum + own + children, cpuOf('/proc/self/stat').children)
}

export interface Task {
  readonly waitedMs: number
  readonly switches: number
}

/** /proc/PID/task/TID/schedstat: time on a CPU, time ready and waiting (ns), timeslices (Documentation/scheduler/sched-stats). */
export function tasksOf(pid: number): readonly (readonly [string, Task])[] {
  return entries(`/proc/${pid}/task`).flatMap((id) => {
    const schedule = read(`/proc/${pid}/task/${id}/schedstat`)
    if (schedule === null) return []
    const switches = Number(/^nonvoluntary_ctxt_switches:\s*(\d+)/m.exec(read(`/proc/${pid}/task/${id}/status`) ?? '')?.[1] ?? 0)
    return [[`${pid}/${id}`, { waitedMs: Number(schedule.split(' ')[1] ?? 0) / 1e6, switches }] as const]
  })
}

export function memoryOf(pid: number): { readonly nowBytes: number | null; readonly peakBytes: number | null } {
  const status = read(`/proc/${pid}/status`) ?? ''
  const bytes = (key: string) => {
    const match = new RegExp(`^${key}:\\s*(\\d+) kB`, 'm').exec(status)
    return match ? Number(match[1]) * 1024 : null
  }
  return { nowBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM') }
}

/** A process and all below it. */
export function tree(pid: number): readonly number[] {
  const children = entries(`/proc/${pid}/task`).flatMap((id) => (read(`/proc/${pid}/task/${id}/children`) ?? '').split(' ').filter(Boolean).map(Number))
  return [pid, ...children.flatMap(tree)]
}

/** proc_pid_stat(5): utime and stime are fields 14 and 15, those of waited-for children 16 and 17; the name may hold anything. */
export function cpuOf(path: string): { readonly own: number; readonly children: number } {
  const text = read(path)
  if (text === null) return { own: 0, children: 0 }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number)
  return { own: (fields[11]! + fields[12]!) * TICK_MS, children: (fields[13]! + fields[14]!) * TICK_MS }
}

/** When a process was started, in ticks since boot (field 22): its number alone may be another's by now. null = there is none. */
export function startOf(pid: number): string | null {
  const text = read(`/proc/${pid}/stat`)
  return text === null ? null : (text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null)
}

/** The first line of proc_stat(5): user nice system idle iowait irq softirq steal; guest time is in user already. */
export function machineOf(text: string): { readonly busyMs: number; readonly stealMs: number } {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = /^cpu\s+(.*)$/m.exec(text)?.[1]?.split(' ').map(Number) ?? []
  return { busyMs: (user + nice + system + irq + softirq) * TICK_MS, stealMs: steal * TICK_MS }
}

export function read(path: string): string | null {
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
