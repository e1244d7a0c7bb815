import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { question } from '../question.ts'
import { loginVariables } from '../systemd/accounts.ts'
import { environmentFileOf, type FileVariable } from '../systemd/environment-file.ts'
import { environmentOf, filesOf, merged, namesOf, settingsOfFile, type FileReference, type Setting, type Settings } from '../systemd/environment.ts'
import { globMatches, isPattern } from '../systemd/glob.ts'
import { shownEnvironmentOf } from '../systemd/shell-quoted.ts'
import { expanded, type Specifiers } from '../systemd/specifiers.ts'
import { lastOf, listOf, type Assignment } from '../systemd/unit-file.ts'
import { wordsOf } from '../systemd/words.ts'
import type { Env, Fact, Host, Known } from '../types.ts'
import { envOf } from './proc.ts'
import { accountOf } from './unit-accounts.ts'
import { unitFiles } from './unit-files.ts'
import { specifiersOf } from './unit-specifiers.ts'
import { unitState, type UnitState } from './unit-state.ts'

/** What the service would be given if it were started now, and where each variable comes from. */
export interface ConfiguredEnvironment {
  readonly unit: string
  /** The whole environment but for the variables of VOLATILE; not known when PAM or an unreadable file adds to it. */
  readonly env: Known<Env>
  /** What the Environment= lines say, in order; the last of a name wins. */
  readonly settings: readonly Setting[]
  readonly dropped: Settings['dropped']
  readonly files: readonly EnvironmentFile[]
  readonly specifiers: Specifiers
  /** The question that shows the manager's own environment. */
  readonly managerSource: string
}

export interface EnvironmentFile extends FileReference {
  /** What lies at the path; several files for a pattern, none when it is missing. */
  readonly found: Known<readonly { readonly path: string; readonly variables: readonly FileVariable[] }[]>
}

/** Set by the manager for each start anew, or passed down by it; no configuration tells their values. */
export const VOLATILE: ReadonlySet<string> = new Set([
  'INVOCATION_ID', 'JOURNAL_STREAM', 'SYSTEMD_EXEC_PID', 'NOTIFY_SOCKET', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'WATCHDOG_PID', 'WATCHDOG_USEC',
  'MANAGERPID', 'MANAGERPIDFDID', 'MAINPID', 'REMOTE_ADDR', 'REMOTE_PORT', 'CREDENTIALS_DIRECTORY', 'MEMORY_PRESSURE_WATCH', 'MEMORY_PRESSURE_WRITE', 'FDSTORE',
  'TERM', 'PIDFILE', 'LOG_NAMESPACE', 'TRIGGER_UNIT', 'TRIGGER_PATH', 'TRIGGER_TIMER_REALTIME_USEC', 'TRIGGER_TIMER_MONOTONIC_USEC', 'DEBUG_INVOCATION',
])

export const configuredEnvironment: Fact<ConfiguredEnvironment> = {
  id: 'configured-environment',
  about: 'the environment the unit would start with, modelled from its files',
  gather: async (host, use) => {
    const unit = await use(unitState)
    if (unit === null) throw new DoesNotApply('The target is no systemd service.')
    const { assignments } = await use(unitFiles)
    const [manager, managerSource] = await managerEnvironment(host, unit)
    const specifiers = await specifiersOf(host, unit, manager, assignments)
    const own = environmentOf(assignments, specifiers)
    const files = await Promise.all(filesOf(assignments, specifiers).map(async (file) => ({ ...file, found: await known(contents(host, file.path)) })))
    const env = await known(whole(host, unit, assignments, specifiers, manager, own, files))
    return { unit: unit.name, env, settings: own.settings, dropped: own.dropped, files, specifiers, managerSource }
  },
}

async function managerEnvironment(host: Host, unit: UnitState): Promise<readonly [Env, string]> {
  const args = [...unit.manager, 'show-environment']
  const shown = await host.run('systemctl', args)
  if (shown === null || shown.code !== 0) throw new CannotSee(`The service manager did not show its environment: ${shown?.stderr.trim().split('\n')[0] ?? 'no systemctl'}.`)
  return [shownEnvironmentOf(shown.stdout), question.run('systemctl', args)]
}

async function whole(
  host: Host, unit: UnitState, assignments: readonly Assignment[], specifiers: Specifiers, manager: Env, own: Settings, files: readonly EnvironmentFile[],
): Promise<Env> {
  const pam = lastOf(assignments, 'Service', 'PAMName')
  if (pam) throw new CannotSee(`PAMName=${pam.value} adds variables that no unit file tells.`, 'Start the service and run the check again: the running process shows them.')
  if (own.unknown.length > 0) throw new CannotSee(`${own.unknown[0]!.raw.trim()} uses a specifier whose value is not known here.`)
  const fromFiles = files.flatMap((file) => {
    if (!file.found.known) throw new CannotSee(file.found.because, file.found.how)
    return file.found.value.flatMap(({ path, variables }) => settingsOfFile(variables, path))
  })
  const pairs = (settings: readonly Setting[]): Env => Object.fromEntries(settings.map(({ name, value }) => [name, value]))
  return merged(
    [manager, await userVariables(host, assignments, specifiers), directoryVariables(assignments, specifiers), searchPath(assignments),
      await passed(host, unit, assignments, specifiers), pairs(own.settings), pairs(fromFiles)],
    namesOf(assignments, 'UnsetEnvironment', specifiers),
  )
}

/** HOME, USER, LOGNAME and SHELL are set for User= only; a user's manager hands down its own instead. */
async function userVariables(host: Host, assignments: readonly Assignment[], specifiers: Specifiers): Promise<Env> {
  const user = lastOf(assignments, 'Service', 'User')
  const dynamic = isYes(lastOf(assignments, 'Service', 'DynamicUser')?.value)
  if (user === null && !dynamic) return {}
  // A dynamic user without a name is called like its unit.
  const name = expanded(user?.value ?? '%p', specifiers)
  const account = name === null ? null : await accountOf(host, name)
  if (account !== null) return loginVariables(account)
  return dynamic && name !== null && /^[A-Za-z_][A-Za-z0-9_-]{0,30}$/.test(name) ? { LOGNAME: name, USER: name } : {}
}

const DIRECTORIES = [
  ['RuntimeDirectory', 'RUNTIME_DIRECTORY', 't'], ['StateDirectory', 'STATE_DIRECTORY', 'S'], ['CacheDirectory', 'CACHE_DIRECTORY', 'C'],
  ['LogsDirectory', 'LOGS_DIRECTORY', 'L'], ['ConfigurationDirectory', 'CONFIGURATION_DIRECTORY', 'E'],
] as const

/** `CacheDirectory=a b` gives CACHE_DIRECTORY=/var/cache/a:/var/cache/b; what follows a colon is a link to it (v252). */
const directoryVariables = (assignments: readonly Assignment[], specifiers: Specifiers): Env =>
  Object.fromEntries(
    DIRECTORIES.flatMap(([key, name, letter]) => {
      const folders = listOf(assignments, 'Service', key).flatMap(({ value }) => wordsOf(value).words.map((word) => expanded(word.split(':')[0]!, specifiers)))
      return folders.length > 0 ? [[name, folders.map((folder) => `${specifiers[letter]}/${folder}`).join(':')]] : []
    }),
  )

/** ExecSearchPath= becomes PATH where the unit sets no PATH of its own. */
const searchPath = (assignments: readonly Assignment[]): Env => {
  const folders = listOf(assignments, 'Service', 'ExecSearchPath').flatMap(({ value }) => value.split(':').filter(Boolean))
  return folders.length > 0 ? { PATH: folders.join(':') } : {}
}

/** PassEnvironment= takes from the manager's own process. A user's manager hands down everything anyway. */
async function passed(host: Host, unit: UnitState, assignments: readonly Assignment[], specifiers: Specifiers): Promise<Env> {
  const names = namesOf(assignments, 'PassEnvironment', specifiers)
  if (names.length === 0 || unit.scope === 'user') return {}
  const own = await known(host.read('/proc/1/environ'))
  if (!own.known) throw new CannotSee('PassEnvironment= takes variables from the environment of process 1, which only root may read.', 'Run the same command as root (sudo).')
  return Object.fromEntries(Object.entries(envOf(own.value ?? '')).filter(([name]) => names.includes(name)))
}

export const isYes = (value: string | undefined): boolean => /^(1|yes|y|true|t|on)$/i.test(value ?? '')

async function contents(host: Host, path: string): Promise<readonly { path: string; variables: readonly FileVariable[] }[]> {
  const paths = isPattern(path) ? await matching(host, path) : [path]
  const texts = await Promise.all(paths.map(async (each) => [each, await host.read(each)] as const))
  return texts.flatMap(([each, text]) => (text === null ? [] : [{ path: each, variables: environmentFileOf(text) }]))
}

/** glob(3), one folder after another; a leading dot must be written out. */
async function matching(host: Host, pattern: string): Promise<readonly string[]> {
  let paths: readonly string[] = ['']
  for (const part of pattern.split('/').filter(Boolean)) {
    const next = await Promise.all(
      paths.map(async (folder) => {
        if (!isPattern(part)) return [`${folder}/${part}`]
        const names = (await host.list(folder === '' ? '/' : folder)) ?? []
        return names.filter((name) => globMatches(part, name) && (part.startsWith('.') || !name.startsWith('.'))).map((name) => `${folder}/${name}`)
      }),
    )
    paths = next.flat()
  }
  return [...paths].sort()
}
