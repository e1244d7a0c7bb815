import type { CgroupMount } from './mounts.ts'
import type { Membership } from './membership.ts'

/** One directory of a hierarchy. */
export interface Level {
  /** The path inside the hierarchy, as /proc/PID/cgroup writes it. */
  readonly path: string
  readonly directory: string
}

/**
 * The directories from a process's own cgroup up to the mount point, its own first. null = this mount does not show them:
 * the mount begins elsewhere in the tree, or the process lies outside the cgroup namespace (`/../…`, cgroup_namespaces(7)).
 */
export function levelsOf(mount: CgroupMount, path: string): readonly Level[] | null {
  const root = mount.root.replace(/\/+$/, '')
  if (path.split('/').includes('..') || root.split('/').includes('..')) return null
  if (path !== root && !path.startsWith(`${root}/`)) return null
  const parts = path.slice(root.length).split('/').filter(Boolean)
  return Array.from({ length: parts.length + 1 }, (_, up) => {
    const inner = parts.slice(0, parts.length - up).map((part) => `/${part}`).join('')
    return { path: root + inner || '/', directory: mount.point.replace(/\/+$/, '') + inner }
  })
}

/** Which mount and which line speak for a controller. `v2` is given to whoever has no v1 hierarchy. */
export function hierarchyOf(controller: string, memberships: readonly Membership[], mounts: readonly CgroupMount[]): { readonly version: 1 | 2; readonly path: string; readonly mounts: readonly CgroupMount[] } | null {
  const v1 = memberships.find((each) => each.controllers.includes(controller))
  if (v1 !== undefined) return { version: 1, path: v1.path, mounts: mounts.filter((mount) => mount.version === 1 && mount.controllers.includes(controller)) }
  const v2 = memberships.find((each) => each.unified)
  return v2 === undefined ? null : { version: 2, path: v2.path, mounts: mounts.filter((mount) => mount.version === 2) }
}
