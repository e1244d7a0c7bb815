import { globMatches } from './glob.ts'

/** One DeviceAllow= entry as systemctl shows it: `/dev/nvidia0 rw`, `char-nvidia* rw`. systemd.resource-control(5). */
export interface DeviceRule {
  readonly device: string
  readonly access: string
}

export const deviceRulesOf = (property: string): readonly DeviceRule[] =>
  property.split('\n').flatMap((line) => {
    const [device, access = 'rwm'] = line.trim().split(/\s+/)
    return device ? [{ device, access }] : []
  })

/** The character devices of /proc/devices: `195 nvidia-frontend`. */
export const characterMajorsOf = (text: string): readonly { readonly major: number; readonly name: string }[] =>
  (text.split(/^Block devices:$/m)[0] ?? '').split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\S+)$/.exec(line)
    return match ? [{ major: Number(match[1]), name: match[2]! }] : []
  })

export interface Node {
  readonly path: string
  readonly device: readonly [number, number]
}

/** Whether a rule lets a character device be read and written. Names of a driver's devices match as shell patterns. */
export function admits(rule: DeviceRule, node: Node, majors: readonly { readonly major: number; readonly name: string }[]): boolean {
  if (!rule.access.includes('r') || !rule.access.includes('w')) return false
  if (rule.device === node.path || rule.device === `/dev/char/${node.device.join(':')}`) return true
  const group = /^char-(.+)$/.exec(rule.device)?.[1]
  return group !== undefined && majors.some(({ major, name }) => major === node.device[0] && (globMatches(group, name) || group === String(major)))
}

/** Cgroup v1, devices.list: `a *:* rwm`, `c 195:* rw`. What the kernel enforces, ancestors included. */
export const listAdmits = (list: string, [major, minor]: readonly [number, number]): boolean =>
  list.split('\n').some((line) => {
    const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(line)
    if (!match || match[1] === 'b') return false
    const fits = (text: string, number: number) => text === '*' || Number(text) === number
    return fits(match[2]!, major) && fits(match[3]!, minor) && match[4]!.includes('r') && match[4]!.includes('w')
  })
