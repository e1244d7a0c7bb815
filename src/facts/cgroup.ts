import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { membershipsOf, type Membership } from '../cgroup/membership.ts'
import { cgroupMountsOf, type CgroupMount } from '../cgroup/mounts.ts'
import { hierarchyOf, levelsOf, type Level } from '../cgroup/place.ts'
import { question } from '../question.ts'
import type { Fact, Host, Known } from '../types.ts'
import { process_ } from './process.ts'
import { target } from './target.ts'

export type Controller = 'cpu' | 'cpuset' | 'memory'

/** Where the process stands in the tree of one controller. */
export interface CgroupPlace {
  readonly controller: Controller
  readonly version: 1 | 2
  /** Its own cgroup first, then what encloses it, as far up as can be seen. */
  readonly levels: readonly [Level, ...Level[]]
  /** The root of the machine's tree is among them. In a container it is not, and limits above cannot be seen. */
  readonly complete: boolean
}

export interface Cgroup {
  /** The question that shows the memberships, for evidence. */
  readonly source: string
  readonly text: string
  /** null = this kernel runs without the controller, so there is nothing it could limit. */
  readonly places: Readonly<Record<Controller, Known<CgroupPlace | null>>>
}

const MOUNTS = '/proc/self/mountinfo'

/** Which tree limits the CPU: on v1 and hybrid systems the manager of a user has no say in it (systemd.resource-control(5)). */
export const cgroupMounts: Fact<readonly CgroupMount[]> = {
  id: 'cgroup-mounts',
  about: 'the control group hierarchies that are mounted',
  gather: async (host) => {
    // The doctor's own view: the paths in /proc/PID/cgroup are relative to the namespace of whoever reads them.
    const text = await host.read(MOUNTS)
    if (text === null) throw new CannotSee(`${MOUNTS} cannot be read, so where control groups are mounted is not known.`)
    return cgroupMountsOf(text)
  },
}

/** null = the target has no process. */
export const cgroup: Fact<Cgroup | null> = {
  id: 'cgroup',
  about: 'the control groups the process is in',
  gather: async (host, use) => {
    const asked = await use(target)
    if (asked.kind !== 'unit' && asked.kind !== 'pid' && asked.kind !== 'shell') throw new DoesNotApply('What does not run is in no control group.')
    const process = await use(process_)
    if (process === null) return null
    const mounts = await use(cgroupMounts)
    const memberships = membershipsOf(process.cgroup)
    const place = (controller: Controller) => known(placeOf(host, controller, memberships, mounts))
    const [cpu, cpuset, memory] = await Promise.all([place('cpu'), place('cpuset'), place('memory')])
    return {
      source: question.read(`${process.folder}/cgroup`),
      text: process.cgroup,
      places: { cpu, cpuset, memory },
    }
  },
}

async function placeOf(host: Host, controller: Controller, memberships: readonly Membership[], mounts: readonly CgroupMount[]): Promise<CgroupPlace | null> {
  const hierarchy = hierarchyOf(controller, memberships, mounts)
  if (hierarchy === null) return null
  const { version, path } = hierarchy
  const hidden = `The control group of the process (${path}) is not mounted where it can be seen from here`
  for (const mount of hierarchy.mounts) {
    const levels = levelsOf(mount, path)
    if (levels === null) continue
    // A path from another cgroup namespace may name a directory that is not there, or not this one.
    if ((await host.stat(`${levels[0]!.directory}/cgroup.procs`)) === null) continue
    // Every cgroup but the root has cgroup.type (v2); only the root has release_agent (v1).
    const [type, release] = await Promise.all(['cgroup.type', 'release_agent'].map((file) => host.stat(`${levels.at(-1)!.directory}/${file}`)))
    return { controller, version, levels: levels as [Level, ...Level[]], complete: version === 2 ? type === null : release !== null }
  }
  throw new CannotSee(`${hidden}, so its ${controller} limits are not known.`, 'Run the check on the host, or with /sys/fs/cgroup mounted.')
}

/** How vision ends above a container, as the end of a sentence; empty where it does not. */
export const beyond = (place: { readonly complete: boolean }): string => (place.complete ? '' : '; what encloses this container cannot be seen from inside')
