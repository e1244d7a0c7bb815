/** Pure readers of control files (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/*.rst, scheduler/sched-bwc.rst). */

/** cpu.max: `max 100000` or `50000 100000`. null = no quota. */
export function cpuMaxOf(text: string): { readonly quotaUs: number; readonly periodUs: number } | null {
  const [quota, period] = text.trim().split(/\s+/).map(Number)
  return Number.isFinite(quota) && period! > 0 ? { quotaUs: quota!, periodUs: period! } : null
}

/** cpu.cfs_quota_us and cpu.cfs_period_us; -1 is no quota. */
export function cfsOf(quota: string, period: string): { readonly quotaUs: number; readonly periodUs: number } | null {
  const [quotaUs, periodUs] = [Number(quota.trim()), Number(period.trim())]
  return quotaUs > 0 && periodUs > 0 ? { quotaUs, periodUs } : null
}

/** memory.max and its like: `max`, or bytes. v1 writes "none" as the largest number of whole pages. */
export function limitBytesOf(text: string): number | null {
  const bytes = Number(text.trim())
  return text.trim() !== '' && Number.isFinite(bytes) && bytes < 2 ** 60 ? bytes : null
}

/** `key value` lines: cpu.stat, memory.stat, memory.events, memory.oom_control. */
export function keyedOf(text: string): Readonly<Record<string, number>> {
  return Object.fromEntries(text.split('\n').flatMap((line) => {
    const match = /^(\S+) (\d+)$/.exec(line.trim())
    return match ? [[match[1]!, Number(match[2])]] : []
  }))
}

/** A list such as `0-3,8`: the CPUs one by one. */
export function cpuListOf(text: string): readonly number[] {
  return text.trim().split(',').filter(Boolean).flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number)
    return Array.from({ length: to! - from! + 1 }, (_, at) => from! + at)
  })
}

/** Pressure stall information: the share of the last 10 s in which some, or all, tasks waited (Documentation/accounting/psi.rst). */
export function pressureOf(text: string): { readonly some10: number; readonly full10: number; readonly some60: number } | null {
  const share = (line: string, span: string) => new RegExp(`^${line} .*\\b${span}=([\\d.]+)`, 'm').exec(text)?.[1]
  const [some10, some60] = [share('some', 'avg10'), share('some', 'avg60')]
  return some10 === undefined ? null : { some10: Number(some10), full10: Number(share('full', 'avg10') ?? 0), some60: Number(some60 ?? 0) }
}

/** utime + stime of /proc/PID/stat in clock ticks (USER_HZ, 100 a second on every Linux that Node runs on). The name may hold blanks and brackets. */
export function ticksOf(stat: string): number | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return Number.isFinite(ticks) ? ticks : null
}

/** A time span as systemd prints it, in seconds: `500ms`, `1.500s`, `1min 4s`. null = infinity or nothing. */
export function secondsOf(span: string): number | null {
  const units: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600 }
  const parts = [...span.matchAll(/([\d.]+)(us|ms|s|min|h)\b/g)]
  return parts.length === 0 ? null : parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0)
}
