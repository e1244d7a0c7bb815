import { CannotSee } from '../cannot-see.ts'
import { question } from '../question.ts'
import { wordsOf } from '../systemd/words.ts'
import type { Fact, Host, Scope } from '../types.ts'
import { accountOf } from './unit-accounts.ts'
import { unitOfCgroup } from './unit-of-cgroup.ts'

/** The properties asked of the service manager, all in one question (names: org.freedesktop.systemd1(5)). */
export const UNIT_PROPERTIES = [
  'Id', 'Names', 'LoadState', 'LoadError', 'ActiveState', 'SubState', 'UnitFileState', 'FragmentPath', 'DropInPaths', 'SourcePath', 'NeedDaemonReload',
  'MainPID', 'ControlGroup', 'Type', 'User', 'Group', 'DynamicUser', 'PAMName', 'SupplementaryGroups', 'WorkingDirectory', 'RootDirectory', 'RootImage',
  'Environment', 'EnvironmentFiles', 'PassEnvironment', 'UnsetEnvironment', 'ExecStart',
  'CPUQuotaPerSecUSec', 'CPUQuotaPeriodUSec', 'CPUWeight', 'AllowedCPUs', 'EffectiveCPUs', 'CPUAffinity',
  'MemoryCurrent', 'MemoryHigh', 'MemoryMax', 'MemorySwapMax', 'TasksMax', 'LimitMEMLOCK', 'LimitAS',
  'DevicePolicy', 'DeviceAllow', 'PrivateDevices', 'PrivateTmp', 'PrivateUsers', 'ProtectHome', 'ProtectSystem',
  'ReadWritePaths', 'ReadOnlyPaths', 'InaccessiblePaths', 'TemporaryFileSystem', 'BindPaths', 'BindReadOnlyPaths', 'CacheDirectory', 'StateDirectory',
  'MemoryDenyWriteExecute', 'NoNewPrivileges', 'ProtectKernelModules', 'RestrictAddressFamilies', 'SystemCallFilter', 'OOMPolicy',
  'NRestarts', 'Result', 'ExecMainCode', 'ExecMainStatus', 'ExecMainStartTimestamp', 'ExecMainExitTimestamp', 'ActiveEnterTimestamp', 'StateChangeTimestamp', 'Slice',
] as const

/** What the service manager says of a unit: configuration as it has loaded it, and its present state. */
export interface UnitState {
  readonly name: string
  readonly scope: Scope
  /** The systemctl arguments that reach the manager of this unit: none, `--user`, or `--user --machine=NAME@`. */
  readonly manager: readonly string[]
  /** The uid the manager runs as: 0 for the system's. */
  readonly managerUid: number
  /** All the properties asked for, verbatim. `key=` with nothing behind it is the empty string; repeated lines are joined by \n. */
  readonly properties: Readonly<Record<string, string>>
  readonly loadState: string
  readonly activeState: string
  /** 0 = no process. */
  readonly mainPid: number
  readonly fragmentPath: string | null
  readonly dropInPaths: readonly string[]
  /** The question these were read from, for evidence. */
  readonly source: string
}

/** null = the target is no unit, and its process belongs to none. */
export const unitState: Fact<UnitState | null> = {
  id: 'unit-state',
  about: 'what the service manager says of the unit',
  gather: async (host) => {
    const target = await host.target()
    if (target.kind === 'unit') return unitStateOf(host, target.name, target.scope)
    if (target.kind !== 'pid') return null
    const text = await host.read(`/proc/${target.pid}/cgroup`)
    const unit = text === null ? null : unitOfCgroup(text)
    return unit === null ? null : unitStateOf(host, unit.name, unit.scope, unit.managerUid)
  },
}

/** `managerUid`: whose user manager is meant; null = the caller's own. */
export async function unitStateOf(host: Host, name: string, scope: Scope, managerUid: number | null = null): Promise<UnitState> {
  const caller = scope === 'user' ? await host.caller() : null
  const owner = scope === 'system' ? 0 : (managerUid ?? caller!.uid)
  const manager = caller === null ? [] : owner === caller.uid ? ['--user'] : await otherManager(host, owner, caller.uid)
  const args = [...manager, 'show', '--no-pager', `--property=${UNIT_PROPERTIES.join(',')}`, '--', name]
  const output = await host.run('systemctl', args)
  if (output === null) throw new CannotSee('There is no systemctl on this machine, so nothing is known of its units.', 'Examine the process instead: asr-doctor check --pid N.')
  if (output.code !== 0) {
    const words = (output.stderr.trim().split('\n')[0] ?? '').replace(/\.$/, '')
    throw new CannotSee(
      `The ${scope === 'user' ? `user service manager of uid ${owner}` : 'service manager'} did not answer: ${words}.`,
      scope === 'user' ? 'Run it in the session of the user that owns the unit (XDG_RUNTIME_DIR must be set), or as root with --pid and the process of the service.' : null,
    )
  }
  const properties = propertiesOf(output.stdout)
  return {
    name: properties['Id'] || name,
    scope,
    manager,
    managerUid: owner,
    properties,
    loadState: properties['LoadState'] ?? '',
    activeState: properties['ActiveState'] ?? '',
    mainPid: Number(properties['MainPID'] ?? 0),
    fragmentPath: properties['FragmentPath'] || null,
    dropInPaths: wordsOf(properties['DropInPaths'] ?? '').words,
    source: question.run('systemctl', args),
  }
}

/** Another user's manager is reached through the machine interface, which only root may use (systemctl(1), --machine). */
async function otherManager(host: Host, owner: number, caller: number): Promise<readonly string[]> {
  if (caller !== 0) throw new CannotSee(`The unit belongs to the user manager of uid ${owner}, which answers only that user and root.`, 'Run the same command as that user or as root (sudo).')
  const account = await accountOf(host, String(owner))
  if (account === null) throw new CannotSee(`The unit belongs to the user manager of uid ${owner}, and no user has that number.`)
  return ['--user', `--machine=${account.name}@`]
}

/** `systemctl show`: `Key=value` lines; list properties such as DeviceAllow and ExecStart repeat their key. */
export function propertiesOf(text: string): Readonly<Record<string, string>> {
  const properties: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const at = line.indexOf('=')
    if (at <= 0) continue
    const key = line.slice(0, at)
    const value = line.slice(at + 1)
    properties[key] = key in properties ? `${properties[key]}\n${value}` : value
  }
  return properties
}
