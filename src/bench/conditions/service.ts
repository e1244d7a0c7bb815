import { machineOf } from '../../actions/machine.ts'
import { CannotSee } from '../../cannot-see.ts'
import { configuredEnvironment } from '../../facts/environment-configured.ts'
import { unitFiles } from '../../facts/unit-files.ts'
import { unitState } from '../../facts/unit-state.ts'
import { gatherer } from '../../gather.ts'
import { hostOf } from '../../host/host.ts'
import { WrongCall } from '../../wrong-call.ts'
import type { Env } from '../../types.ts'
import type { BenchOptions } from '../command.ts'
import { CannotMeasure } from '../engine.ts'
import { carriedOf, dynamicUserNamed, type Carried, type NotCarried } from './carried.ts'
import type { Place } from './pair.ts'

/** The conditions of a service, as they can be given to a process of ours. */
export interface Service {
  readonly name: string
  readonly scope: 'system' | 'user'
  readonly manager: readonly string[]
  readonly slice: string | null
  readonly carried: readonly Carried[]
  readonly notCarried: readonly NotCarried[]
}

const QUESTIONS_S = '20'

/** Reads them from the unit's own files, so that every setting is in the syntax in which it was written. */
export async function serviceOf(options: BenchOptions, cwd: string): Promise<Service> {
  const { ask, target } = await machineOf({ unit: options.unit!, ...(options.user ? { user: true } : {}), ...(options.system ? { system: true } : {}), timeout: QUESTIONS_S }, cwd, (same) => same)
  if (target.kind !== 'unit') throw new WrongCall(`--unit ${options.unit}: that is no unit.`)
  if (target.scope === 'system' && process.geteuid?.() !== 0) {
    throw new WrongCall(`--unit ${target.name}: only root may start a process in the place of a system service. Run the same command with sudo (no password is asked for here), or name a unit of your own with --user.`)
  }
  const use = gatherer(hostOf(ask))
  try {
    const [unit, files, { specifiers }] = await Promise.all([use(unitState), use(unitFiles), use(configuredEnvironment)])
    // A drop-in that no reload has loaded is not in force, and the running service does not have it.
    const assignments = files.assignments.filter(({ file }) => !files.notLoaded.includes(file))
    const { carried, notCarried } = carriedOf(assignments, specifiers)
    return {
      name: target.name,
      scope: target.scope,
      manager: unit!.manager,
      slice: unit!.properties['Slice'] || null,
      carried: dynamicUserNamed(carried, target.name),
      notCarried: [...notCarried, ...files.notLoaded.map((file) => ({ key: file, because: 'it is not loaded: systemctl daemon-reload puts it in force' }))],
    }
  } catch (error) {
    if (error instanceof CannotSee) throw new CannotMeasure(`The conditions of ${target.name} cannot be known: ${error.message}${error.how === null ? '' : ` ${error.how}`}`)
    throw error
  }
}

/** The service's place with such settings. */
export const placeOf = (service: Service, settings: readonly Carried[], options: BenchOptions, env: Env | null = null): Place => ({
  name: service.name, launch: { kind: 'unit', manager: service.manager, settings, slice: service.slice }, env, options,
})
