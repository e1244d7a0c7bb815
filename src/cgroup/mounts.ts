/** The control group mounts of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface CgroupMount {
  readonly version: 1 | 2
  /** Which directory of the hierarchy is mounted: `/`, or in a container without a cgroup namespace its own path. */
  readonly root: string
  readonly point: string
  /** v1: the controllers, from the super options. v2: none; they stand in cgroup.controllers. */
  readonly controllers: readonly string[]
}

const unescaped = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

export function cgroupMountsOf(mountinfo: string): readonly CgroupMount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ')
    const [, , , root, point] = (before ?? '').split(' ')
    const [type, , options] = (after ?? '').split(' ')
    if (root === undefined || point === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return []
    const controllers = type === 'cgroup' ? (options ?? '').split(',').filter((option) => option !== 'rw' && option !== 'ro') : []
    return [{ version: type === 'cgroup' ? 1 : 2, root: unescaped(root), point: unescaped(point), controllers }]
  })
}
