import { CannotSee } from '../cannot-see.ts'
import type { Env, Fact, Identity, Known } from '../types.ts'
import { configuredContext } from './configured-context.ts'
import { environSource, process_ } from './process.ts'
import { target } from './target.ts'

/**
 * The conditions under which the target's code runs (or, for a unit that is not running, would run). Everything that
 * models or asks "as the service" starts from this and from nothing else.
 */
export interface Context {
  /** `running`: read from the process. `configured`: modelled from unit files. `caller`: the invoking shell's own. */
  readonly origin: 'running' | 'configured' | 'caller'
  readonly env: Known<Env>
  /** The question behind `env`, for evidence. */
  readonly envSource: string
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  /** Put before absolute paths to see what the target sees: '' or `/proc/PID/root`. */
  readonly root: string
  /** The process whose mount namespace must be entered to see the same; null = the doctor's own. */
  readonly namespaceOf: number | null
  readonly cwd: string | null
  /** It runs with the rights of another user than the one who started it and chose its environment. */
  readonly elevated?: true
  /** The program file (not the script it interprets), as the target names it; null = unknown or none. */
  readonly exe: string | null
  readonly argv: readonly string[]
}

export const context: Fact<Context> = {
  id: 'context',
  about: "the target's environment, credentials and view of the file system",
  gather: async (host, use) => {
    const [asked, process] = await Promise.all([use(target), use(process_)])
    if (process !== null && process.pid !== 'self') {
      return {
        origin: 'running',
        env: process.environ,
        envSource: environSource(process.pid),
        uid: process.status.uids[1] ?? -1,
        gid: process.status.gids[1] ?? -1,
        groups: process.status.groups,
        root: process.root,
        namespaceOf: process.root === '' ? null : process.pid,
        cwd: process.cwd,
        ...(process.status.uids[0] === process.status.uids[1] && process.status.gids[0] === process.status.gids[1] ? {} : { elevated: true as const }),
        exe: process.exe,
        argv: process.argv,
      }
    }
    if (asked.kind === 'unit') return use(configuredContext)
    const [caller, env] = await Promise.all([host.caller(), host.environment()])
    return {
      origin: 'caller',
      env: { known: true, value: env },
      envSource: environSource('self'),
      uid: caller.uid,
      gid: caller.gid,
      groups: caller.groups,
      root: '',
      namespaceOf: null,
      cwd: process?.cwd ?? null,
      exe: asked.kind === 'python' ? asked.path : null,
      argv: asked.kind === 'python' ? [asked.path] : [],
    }
  },
}

/**
 * The context as somebody in whose place a program can be asked. Not that of a set-user-ID program: its environment was
 * chosen by somebody with fewer rights, and would act with more.
 */
export function identityOf(of: Context, env: Env): Identity {
  if (of.elevated) throw new CannotSee('The process runs with other rights than those of whoever started it, so nothing is run in its environment.')
  return {
  name: of.origin === 'caller' ? 'caller' : 'service',
  env,
  uid: of.uid,
  gid: of.gid,
  groups: of.groups,
  namespaceOf: of.namespaceOf,
  cwd: of.cwd,
  }
}
