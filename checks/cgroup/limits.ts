/** What the checks of this family say in common. */
import type { Fix, Immutable, Scope, Target } from '../../src/index.ts'
import { isOwnLevel, type UnitLimits } from '../../src/facts/cgroup-unit.ts'

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
export function changeLimit(title: string, unit: Immutable<UnitLimits> | null, level: { readonly path: string; readonly directory: string }, key: string, value: string, container: string): Fix {
  if (isOwnLevel(unit as UnitLimits | null, level.path)) {
    return { title, safety: 'risky', edits: [{ kind: 'unit-drop-in', unit: unit!.name, scope: unit!.scope, set: [{ section: 'Service', key, value }] }], then: restart(unit!) }
  }
  const name = level.path.split('/').at(-1) ?? ''
  if (/\.(service|slice|scope)$/.test(name) && !CONTAINER.test(level.path)) {
    const user = /\/user@\d+\.service\//.test(level.path) ? '--user ' : ''
    return { title: `${title}, which ${name} sets for all that runs in it`, safety: 'manual', edits: [], then: [`systemctl ${user}set-property ${name} ${key}=${value}`] }
  }
  return { title, safety: 'manual', edits: [], then: [container] }
}
