/** What the checks of this family say in common. */
import type { Fix, Immutable, Scope, Target } from '../../src/index.ts'
import { isOwnLevel, type UnitLimits } from '../../src/facts/cgroup-unit.ts'
import type { Container } from '../../src/facts/container.ts'
import { containerFix, type ContainerWish } from '../../src/facts/container-fix.ts'
import { cpusInWords } from '../../src/cgroup/words.ts'

export const subjectOf = (target: Immutable<Target>, unit: { readonly name: string } | null): string =>
  target.kind === 'unit' ? target.name : target.kind === 'pid' ? (unit?.name ?? `process ${target.pid}`) : target.kind === 'shell' ? 'this shell' : 'path' in target ? target.path : 'it'

/** For the beginning of a sentence; the name of a unit is left as it is. */
export const begun = (subject: string): string => (/^(process|this) /.test(subject) ? subject[0]!.toUpperCase() + subject.slice(1) : subject)

export const restart = (unit: { readonly name: string; readonly scope: Scope }): readonly string[] => {
  const call = unit.scope === 'user' ? 'systemctl --user' : 'systemctl'
  return [`${call} daemon-reload`, `${call} restart ${unit.name}`]
}

export const NOT_RUNNING = { status: 'unknown', because: 'The service is not running, so the limits that would hold for it cannot be seen.', how: 'Start it and run the check again.' } as const

const CONTAINER = /(docker|libpod|kubepods|crio|cri-containerd|lxc|machine)[-./]/

/**
 * To change a limit where it is set: in the unit itself by a drop-in; in a slice above it or in a container only by whoever set it.
 */
export function changeLimit(title: string, { unit, container }: Place, level: { readonly path: string; readonly directory: string }, { set, inContainer, words }: Limit): Fix {
  if (isOwnLevel(unit as UnitLimits | null, level.path)) {
    return { title, safety: 'risky', edits: [{ kind: 'unit-drop-in', unit: unit!.name, scope: unit!.scope, set: set.map(([key, value]) => ({ section: 'Service', key, value })) }], then: restart(unit!) }
  }
  const name = level.path.split('/').at(-1) ?? ''
  if (/\.(service|slice|scope)$/.test(name) && !CONTAINER.test(level.path)) {
    const user = /\/user@\d+\.service\//.test(level.path) ? '--user ' : ''
    return { title: `${title}, which ${name} sets for all that runs in it`, safety: 'manual', edits: [], then: [`systemctl ${user}set-property ${name} ${set.map(([key, value]) => `${key}=${value}`).join(' ')}`] }
  }
  return (container === null ? null : containerFix(title, container.engine, inContainer)) ?? { title, safety: 'manual', edits: [], then: [words] }
}

/** Where a limit is to be changed: the unit, and the container around the process. */
export interface Place {
  readonly unit: Immutable<UnitLimits> | null
  readonly container: Immutable<Container> | null
}

interface Limit {
  readonly set: readonly (readonly [key: string, value: string])[]
  readonly inContainer: ContainerWish
  /** For a container of an engine that is not known. */
  readonly words: string
}

/**
 * The quota that both checks of CPU time ask for, so that what they propose is one value: as many CPUs as its threads use; where
 * that is not known, or granted already, twice what it has, and to be measured again.
 */
export function changeQuota(place: Place, level: { readonly path: string; readonly directory: string }, held: number, wanted: number | null): Fix {
  const demand = wanted !== null && wanted > held ? wanted : null
  // Less than one CPU is too little for a single thread: nothing but its removal is sure to be enough.
  const cpus = demand ?? (held < 1 ? null : Math.ceil(held * 2))
  const title = cpus === null ? 'Remove the CPU quota' : demand !== null ? `Raise the CPU quota to ${cpusInWords(cpus)}` : `Raise the CPU quota, to ${cpusInWords(cpus)} first, and measure again`
  return changeLimit(title, place, level, {
    set: [['CPUQuota', cpus === null ? '' : `${cpus * 100}%`]], inContainer: { cpus },
    words: `Raise it where the container is started: docker run --cpus=${cpus ?? 'N'}, or resources.limits.cpu in Kubernetes.`,
  })
}
