import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** CPU time as /proc tells it is in hundredths of a second, whatever the kernel's own clock (proc_pid_stat(5), USER_HZ). */
const TICK_MS = 10

export interface Running {
  readonly pid: number
  readonly parent: number
  readonly name: string
  /** With that of children it has waited for: a service may start a program for each request. */
  readonly cpuMs: number
}

const text = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** `PID (NAME) STATE PPID …`, with any character in the name. */
export function runningOf(stat: string): Running | null {
  const [, pid, name, rest] = /^(\d+) \((.*)\) ([^)]*)$/s.exec(stat.trim()) ?? []
  if (rest === undefined) return null
  const fields = rest.split(' ')
  // Fields 14 to 17: utime, stime, cutime, cstime; `rest` begins with the third.
  const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0)
  return Number.isFinite(ticks) ? { pid: Number(pid), parent: Number(fields[1]), name: name!, cpuMs: ticks * TICK_MS } : null
}

/**
 * The processes of a service now: the main one, what descends from it and, of a unit, what else stands in its control group. Of a
 * process without a unit the control group is no measure: a session's holds everything that its user has started.
 */
export function serviceProcesses(main: number, unit: string | null): readonly Running[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => runningOf(text(`/proc/${pid}/stat`) ?? '') ?? [])
  const within = unit === null ? null : unitPathIn(text(`/proc/${main}/cgroup`) ?? '', unit)
  const pids = new Set(all.filter(({ pid }) => pid === main || (within !== null && belongsTo(text(`/proc/${pid}/cgroup`) ?? '', within))).map(({ pid }) => pid))
  for (let size = -1; size !== pids.size; ) {
    size = pids.size
    for (const { pid, parent } of all) if (pids.has(parent)) pids.add(pid)
  }
  return all.filter(({ pid }) => pids.has(pid))
}

/** How long the threads that it has now have stood ready and not run (Documentation/scheduler/sched-stats.rst: the second number). */
export function waitMsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, tid) => sum + Number(text(`/proc/${pid}/task/${tid}/schedstat`)?.split(' ')[1] ?? 0), 0) / 1e6
  } catch {
    return 0
  }
}

/** systemd's own tree: v1 `name=systemd`, else v2. */
const systemdPath = (cgroup: string): string | undefined => /^\d+:name=systemd:(.*)$/m.exec(cgroup)?.[1] ?? /^0::(.*)$/m.exec(cgroup)?.[1]

/** The control group of the unit itself, which its process may have left for one below. */
export function unitPathIn(cgroup: string, unit: string): string | null {
  const parts = (systemdPath(cgroup) ?? '').split('/')
  const at = parts.lastIndexOf(unit)
  return at < 0 ? null : parts.slice(0, at + 1).join('/')
}

export function belongsTo(cgroup: string, path: string): boolean {
  const own = systemdPath(cgroup)
  return own !== undefined && (own === path || own.startsWith(`${path}/`))
}

/** Device nodes that work on a GPU or another accelerator goes through: NVIDIA's, on Tegra too, WSL's, those of DRM, AMD, Intel and others. */
const DEVICE = /^\/dev\/(?:nvidia|nvhost|nvmap|nvgpu|dxg|dri\/(?:render|card)|kfd|accel|apex|mali|davinci)/

/** Those that a process has open or mapped; null = this user may not see it. */
export function devicesOf(pid: number): readonly string[] | null {
  const maps = text(`/proc/${pid}/maps`)
  if (maps === null) return null
  try {
    const open = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
      } catch {
        return []
      }
    })
    const mapped = maps.split('\n').map((line) => line.replace(/^(\S+ +){5}/, ''))
    return [...new Set([...open, ...mapped].filter((path) => DEVICE.test(path)))].sort()
  } catch {
    return null
  }
}

/** The kernel's fixed number of the namespace that holds every process (PROC_PID_INIT_INO), which the driver counts in. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]'

export function inFirstPidNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') === FIRST_PID_NAMESPACE
  } catch {
    return false
  }
}
