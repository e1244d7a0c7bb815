/** /proc/PID/cgroup, one line a hierarchy: `ID:CONTROLLERS:PATH`; cgroup v2 is `0::PATH` (cgroups(7)). */
export interface Membership {
  /** Empty for cgroup v2; a named hierarchy stands as `name=systemd`. */
  readonly controllers: readonly string[]
  readonly unified: boolean
  readonly path: string
}

export function membershipsOf(text: string): readonly Membership[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line)
    if (!match) return []
    const controllers = match[2]!.split(',').filter(Boolean)
    return [{ controllers, unified: match[1] === '0' && controllers.length === 0, path: match[3]!.replace(/ \(deleted\)$/, '') }]
  })
}
