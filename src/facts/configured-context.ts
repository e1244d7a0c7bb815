import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { question } from '../question.ts'
import { commandOf, withVariables } from '../systemd/command-line.ts'
import { expanded, type Specifiers } from '../systemd/specifiers.ts'
import { lastOf, listOf, type Assignment } from '../systemd/unit-file.ts'
import { wordsOf } from '../systemd/words.ts'
import type { Env, Fact, Host } from '../types.ts'
import type { Context } from './context.ts'
import { configuredEnvironment, isYes } from './environment-configured.ts'
import { envCommandOf, shebangOf } from './python-command.ts'
import { accountOf, groupOf, memberGroups } from './unit-accounts.ts'
import { lineSource, unitFiles } from './unit-files.ts'
import { unitState, type UnitState } from './unit-state.ts'

/** The context a unit would start with, modelled from its files. */
export const configuredContext: Fact<Context> = {
  id: 'configured-context',
  about: 'the environment and credentials the unit would start with',
  gather: async (host, use) => {
    const unit = await use(unitState)
    if (unit === null) throw new DoesNotApply('The target is no systemd service.')
    const [{ assignments, files }, { env, specifiers }] = await Promise.all([use(unitFiles), use(configuredEnvironment)])
    const values: Env = env.known ? env.value : {}
    const credentials = await credentialsOf(host, unit, assignments, specifiers)
    const cwd = workingDirectory(assignments, specifiers, credentials.home)
    const command = await started(host, assignments, specifiers, values)
    const first = listOf(assignments, 'Service', 'Environment')[0]
    return {
      origin: 'configured',
      env,
      envSource: first ? lineSource(first) : files[0] ? question.read(files[0].path) : unit.source,
      uid: credentials.uid,
      gid: credentials.gid,
      groups: credentials.groups,
      root: '',
      namespaceOf: null,
      cwd,
      ...command,
    }
  },
}

interface Credentials {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly home: string | null
}

async function credentialsOf(host: Host, unit: UnitState, assignments: readonly Assignment[], specifiers: Specifiers): Promise<Credentials> {
  const named = (key: string): string | null => {
    const last = lastOf(assignments, 'Service', key)
    return last === null ? null : expanded(last.value, specifiers)
  }
  const userName = unit.scope === 'user' ? null : named('User')
  const dynamic = isYes(lastOf(assignments, 'Service', 'DynamicUser')?.value)
  const account = userName === null ? await accountOf(host, String(unit.managerUid)) : await accountOf(host, userName)
  if (dynamic && (userName === null || account === null)) {
    throw new CannotSee('DynamicUser=yes gives the service a user only while it runs.', 'Start the service and run the check again.')
  }
  if (account === null) throw new CannotSee(`There is no user ${userName ?? unit.managerUid}, so the unit cannot start.`, 'Create the user, or name another one with User=.')
  const groupName = named('Group')
  const group = groupName === null ? null : await groupOf(host, groupName)
  if (groupName !== null && group === null) throw new CannotSee(`There is no group ${groupName}, so the unit cannot start.`, 'Create the group, or name another one with Group=.')
  const gid = group?.gid ?? account.gid
  const extra = await Promise.all(
    listOf(assignments, 'Service', 'SupplementaryGroups')
      .flatMap(({ value }) => wordsOf(value).words)
      .map(async (word) => (await groupOf(host, expanded(word, specifiers) ?? word))?.gid),
  )
  // Only User= makes the manager ask for the user's groups, and not for group 0; a user's manager has them from its login.
  const member = (userName !== null && gid !== 0) || unit.scope === 'user' ? await memberGroups(host, account, gid) : []
  const groups = [...new Set([...member, ...extra.filter((each) => each !== undefined)])].sort((a, b) => a - b)
  return { uid: account.uid, gid, groups, home: account.home || null }
}

/** `~` is the home of User=. A leading `-` makes it optional. Without it: `/`, or a user's home. */
function workingDirectory(assignments: readonly Assignment[], specifiers: Specifiers, home: string | null): string | null {
  const last = lastOf(assignments, 'Service', 'WorkingDirectory')
  if (last === null) return specifiers['U'] === '0' ? '/' : home
  const path = last.value.replace(/^-/, '')
  return path === '~' ? home : expanded(path, specifiers)
}

/** The program file and the arguments as the kernel would have them: for a script, its interpreter and then the script. */
async function started(host: Host, assignments: readonly Assignment[], specifiers: Specifiers, env: Env): Promise<{ exe: string | null; argv: readonly string[] }> {
  const [line] = listOf(assignments, 'Service', 'ExecStart')
  const command = line ? commandOf(line.value, specifiers) : null
  if (command === null) return { exe: null, argv: [] }
  const path = await found(host, command.program, assignments)
  const argv = command.literal ? command.argv : withVariables(command.argv, env)
  return path === null ? { exe: null, argv } : interpreted(host, path, argv, env, 0)
}

/** A bare name is looked for in ExecSearchPath= or the manager's built-in path, never in the service's PATH. */
async function found(host: Host, program: string, assignments: readonly Assignment[]): Promise<string | null> {
  if (program.startsWith('/')) return program
  const listed = listOf(assignments, 'Service', 'ExecSearchPath').flatMap(({ value }) => value.split(':').filter(Boolean))
  return onPath(host, program, listed.length > 0 ? listed : ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'])
}

async function onPath(host: Host, program: string, folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    const stat = await known(host.stat(`${folder}/${program}`))
    if (stat.known && stat.value?.type === 'file' && (stat.value.mode & 0o111) !== 0) return `${folder}/${program}`
  }
  return null
}

async function interpreted(host: Host, path: string, argv: readonly string[], env: Env, depth: number): Promise<{ exe: string | null; argv: readonly string[] }> {
  const linkage = await known(host.linkage(path))
  if (linkage.known && linkage.value?.format === 'broken' && linkage.value.problem !== 'truncated' && depth < 4) {
    const text = await known(host.read(path))
    const shebang = text.known && text.value !== null ? shebangOf(text.value) : null
    if (shebang !== null && shebang.length > 0) {
      const words = [...shebang, path, ...argv.slice(1)]
      const viaEnv = /(^|\/)env$/.test(words[0]!)
      const real = viaEnv ? envCommandOf(words.slice(1)) : words
      const next = real[0] === undefined ? null : real[0].startsWith('/') ? real[0] : await onPath(host, real[0], (env['PATH'] ?? '').split(':').filter((each) => each.startsWith('/')))
      return next === null ? { exe: null, argv: real } : interpreted(host, next, real, env, depth + 1)
    }
  }
  const real = await known(host.realpath(path))
  return { exe: real.known ? real.value : path, argv }
}
