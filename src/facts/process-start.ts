import type { Host } from '../types.ts'

/** proc(5): field 22 of /proc/PID/stat counts hundredths of a second (USER_HZ) since the boot time of /proc/stat. */
export async function startOf(host: Host, pid: number): Promise<{ readonly atMs: number; readonly ageMs: number }> {
  const [own, all, uptime] = await Promise.all([host.read(`/proc/${pid}/stat`), host.read('/proc/stat'), host.read('/proc/uptime')])
  const ticks = Number((own ?? '').slice((own ?? '').lastIndexOf(')') + 2).split(' ')[19])
  const boot = Number(/^btime (\d+)$/m.exec(all ?? '')?.[1])
  return { atMs: boot * 1000 + ticks * 10, ageMs: Math.round(Number.parseFloat(uptime ?? '') * 1000) - ticks * 10 }
}
