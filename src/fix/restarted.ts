import type { Context } from '../facts/context.ts'
import type { ConfiguredEnvironment } from '../facts/environment-configured.ts'
import type { Process } from '../facts/process.ts'
import type { UnitState } from '../facts/unit-state.ts'
import type { Ask } from '../host/host.ts'
import type { Instead } from '../host/overlay.ts'
import type { Json, Known, Stat } from '../types.ts'
import { allowedCpus, limitFiles, withCpus } from './cpu-after.ts'
import { environAfter, inItsPlace, namesThatDiffer, statusAfter } from './identity-after.ts'
import { openedPaths, shownAgain } from './view-after.ts'

export interface Restart {
  readonly machine: Ask
  readonly unit: UnitState
  readonly process: Process
  /** Properties that the plan changes, as `systemctl show` would print them. */
  readonly properties: ReadonlyMap<string, string>
  /** Unit files were waiting for a reload or a restart already, which the plan's restart brings. */
  readonly pending: boolean
  readonly newer: readonly string[]
  /** The checks whose fixes change in whose place programs are asked: they tell one mended service from another. */
  readonly causes: readonly string[]
  readonly environment: { readonly before: Known<ConfiguredEnvironment>; readonly after: Known<ConfiguredEnvironment> }
  readonly context: { readonly before: Known<Context>; readonly after: Known<Context> }
}

/** What the questions about the running process would be answered after a restart, as far as the plan changes them. */
export async function afterRestart(of: Restart): Promise<Instead> {
  const { process, unit } = of
  const environ = environAfter(of)
  const status = statusAfter(of)
  const opened = openedPaths(of.properties)
  const limits = await limitFiles(of)
  const cpus = await allowedCpus(of)
  const changedNames = environ === null || !process.environ.known ? [] : namesThatDiffer(process.environ.value, environ)
  return (asked, machine) => {
    const [path] = asked.args
    if (asked.verb === 'read' && path !== undefined) {
      if (path === `${process.folder}/environ`) return environ === null ? undefined : Promise.resolve(Object.entries(environ).map(([name, value]) => `${name}=${value}\0`).join(''))
      if (path === `${process.folder}/status` && (status !== null || cpus !== null)) return machine(asked).then((text) => (text === null ? null : withCpus((status ?? same)(text as string), cpus)))
      if (/\/devices\.list$/.test(path) && ['DeviceAllow', 'DevicePolicy', 'PrivateDevices'].some((name) => of.properties.has(name))) return Promise.resolve(null)
      if (limits.reads.has(path)) return limits.reads.get(path)!(machine, asked)
    }
    if (asked.verb === 'watch') return limits.watch(machine, asked)
    if (asked.verb === 'stat' && path !== undefined && of.pending && (of.newer.includes(path) || path === unit.fragmentPath)) {
      return machine(asked).then((stat) => (stat === null ? null : ({ ...(stat as unknown as Stat), mtimeMs: 0 } as unknown as Json)))
    }
    if (asked.verb === 'run' && asked.options?.as !== undefined && asked.options.as.name !== 'caller' && (changedNames.length > 0 || status !== null)) return inItsPlace(asked, machine, of.causes, status === null ? changedNames : null)
    if (path !== undefined && ['read', 'stat', 'list', 'realpath', 'linkage', 'readlink'].includes(asked.verb) && path.startsWith(`${process.folder}/root/`)) {
      const inside = path.slice(`${process.folder}/root`.length)
      if (opened.some((folder) => inside === folder || inside.startsWith(`${folder}/`))) return shownAgain(asked, inside, `${process.folder}/root`, machine)
    }
    return undefined
  }
}

const same = (text: string): string => text
