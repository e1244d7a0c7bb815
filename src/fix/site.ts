import { known } from '../cannot-see.ts'
import { configuredEnvironment, type ConfiguredEnvironment } from '../facts/environment-configured.ts'
import { accountOf } from '../facts/unit-accounts.ts'
import { unitFiles } from '../facts/unit-files.ts'
import { unitState, unitStateOf, type UnitState } from '../facts/unit-state.ts'
import { assignmentsOf, type Assignment } from '../systemd/unit-file.ts'
import { wordsOf } from '../systemd/words.ts'
import type { Host, Scope, Use } from '../types.ts'
import { Refused } from './refused.ts'

/** Where a plan is made: the machine, and the facts gathered of its target. */
export interface Site {
  readonly host: Host
  readonly use: Use
}

/** A unit as a plan sees it. */
export interface UnitSite {
  readonly state: UnitState
  /** The folder for drop-ins of the machine's administrator, or of the user. */
  readonly folder: string
  /** Files that count, in order: the unit file, then the drop-ins by name. */
  readonly files: readonly { readonly path: string; readonly text: string }[]
  readonly assignments: readonly Assignment[]
  /** null = not the unit that is examined, or not known here. */
  readonly environment: ConfiguredEnvironment | null
}

export async function unitSite({ host, use }: Site, name: string, scope: Scope): Promise<UnitSite> {
  const examined = await known(use(unitState))
  const target = examined.known && examined.value !== null && sameUnit(examined.value, name, scope) ? examined.value : null
  const state = target ?? (await unitStateOf(host, name, scope))
  if (state.loadState === 'not-found') throw new Refused(`The service manager finds no unit called ${name}.`)
  const files = target === null ? await filesOf(host, state) : (await use(unitFiles)).files
  const environment = target === null ? null : await known(use(configuredEnvironment))
  return {
    state,
    folder: `${await unitFolder(host, state)}/${name}.d`,
    files,
    assignments: files.flatMap(({ path, text }) => assignmentsOf(text, path)),
    environment: environment?.known ? environment.value : null,
  }
}

/** An edit of a template is an edit of the instance that is examined, for all instances. */
const sameUnit = (state: UnitState, name: string, scope: Scope): boolean =>
  state.scope === scope && (state.name === name || state.name.replace(/@[^@]*(\.[a-z]+)$/, '@$1') === name || (state.properties['Names'] ?? '').split(' ').includes(name))

async function filesOf(host: Host, state: UnitState): Promise<UnitSite['files']> {
  const paths = [...(state.fragmentPath === null ? [] : [state.fragmentPath]), ...state.dropInPaths]
  const texts = await Promise.all(paths.map(async (path) => ({ path, text: await host.read(path) })))
  return texts.flatMap(({ path, text }) => (text === null ? [] : [{ path, text }]))
}

/** /etc/systemd/system, or the user's own folder: the places that no package touches. systemd.unit(5), UNIT FILE LOAD PATH. */
async function unitFolder(host: Host, state: UnitState): Promise<string> {
  if (state.scope === 'system') return '/etc/systemd/system'
  const caller = await host.caller()
  if (caller.uid === state.managerUid) {
    const own = `${caller.home}/.config/systemd/user`
    const config = (await host.environment())['XDG_CONFIG_HOME']
    if (config === undefined || !config.startsWith('/') || `${config}/systemd/user` === own) return own
    // The shell may have been told another place than the manager, and only the manager's counts.
    const shown = await known(host.run('systemctl', [...state.manager, 'show', '--no-pager', '--property=UnitPath']))
    return shown.known && shown.value !== null && wordsOf(/^UnitPath=(.*)$/m.exec(shown.value.stdout)?.[1] ?? '').words.includes(`${config}/systemd/user`) ? `${config}/systemd/user` : own
  }
  const account = await accountOf(host, String(state.managerUid))
  if (account === null || !account.home.startsWith('/')) throw new Refused(`The home folder of uid ${state.managerUid}, whose unit this is, is not known.`)
  return `${account.home}/.config/systemd/user`
}
