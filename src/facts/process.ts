import { CannotSee, known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Env, Fact, Host, Known } from '../types.ts'
import { envOf, mapsOf, nulListOf, statusOf, type MappedFile, type ProcStatus } from './proc.ts'
import { targetChain } from './target.ts'

/** What runs now. Nothing here comes from a configuration file. */
export interface Process {
  /** The doctor's own process stands for the shell it was called from: its /proc folder is `self`. */
  readonly pid: number | 'self'
  /** `/proc/PID` or `/proc/self`. */
  readonly folder: string
  /** The program file; null = not to be seen by this user, or a kernel thread. */
  readonly exe: string | null
  readonly cwd: string | null
  readonly argv: readonly string[]
  /** The start scripts and launchers it came from: what they were told counts as what it was told. */
  readonly launchers: readonly { readonly argv: readonly string[]; readonly source: string }[]
  readonly environ: Known<Env>
  readonly maps: Known<readonly MappedFile[]>
  readonly status: ProcStatus
  /** Text of /proc/PID/cgroup. */
  readonly cgroup: string
  readonly mountinfo: Known<string>
  readonly limits: Known<string>
  /**
   * What to put before an absolute path to see it as this process does: '' when it shares the doctor's mount namespace
   * and root, else `/proc/PID/root`.
   */
  readonly root: string
}

/** null = the target has no process: a unit that is not running, a bare library or interpreter. */
export const process_: Fact<Process | null> = {
  id: 'process',
  about: 'what /proc says of the running process',
  gather: async (host, use) => {
    const chain = await use(targetChain)
    const pid = chain.at(-1)
    return pid === undefined ? null : processAt(host, pid, chain.slice(0, -1))
  },
}

/**
 * The main process as the service manager started it: the launcher, where there is one. Its environment is what the unit
 * files made, before any script added to it.
 */
export const mainProcess: Fact<Process | null> = {
  id: 'main-process',
  about: 'what /proc says of the process that the service manager started',
  gather: async (host, use) => {
    const [main, ...behind] = await use(targetChain)
    return behind.length === 0 || main === undefined ? use(process_) : processAt(host, main)
  },
}

/** Every process question for one pid. Throws CannotSee when the process ends while it is looked at. */
export async function processAt(host: Host, pid: number | 'self', launchers: readonly (number | 'self')[] = []): Promise<Process> {
  const folder = `/proc/${pid}`
  const [status, cgroup, cmdline, exe, cwd, environ, maps, mountinfo, limits, ours, theirs, rootLink] = await Promise.all([
    host.read(`${folder}/status`),
    host.read(`${folder}/cgroup`),
    host.read(`${folder}/cmdline`),
    known(host.readlink(`${folder}/exe`)),
    known(host.readlink(`${folder}/cwd`)),
    pid === 'self' ? known(host.environment()) : known(host.read(`${folder}/environ`).then((t) => (t === null ? vanished(pid) : envOf(t)))),
    pid === 'self' ? known<readonly MappedFile[]>(Promise.resolve([])) : known(host.read(`${folder}/maps`).then((t) => (t === null ? vanished(pid) : mapsOf(t)))),
    known(host.read(`${folder}/mountinfo`).then((t) => t ?? vanished(pid))),
    known(host.read(`${folder}/limits`).then((t) => t ?? vanished(pid))),
    known(host.readlink('/proc/self/ns/mnt')),
    known(host.readlink(`${folder}/ns/mnt`)),
    known(host.readlink(`${folder}/root`)),
  ])
  const launched = await Promise.all(launchers.map((each) => known(host.read(`/proc/${each}/cmdline`))))
  if (status === null || cgroup === null || cmdline === null) return vanished(pid)
  const shared = ours.known && theirs.known && ours.value === theirs.value && rootLink.known && rootLink.value === '/'
  // The kernel names files from the root of whoever asks, or of the mount namespace; the process names them from its own (chroot(2)).
  const inside = (path: string): string => insideOf(rootLink.known ? rootLink.value : null, path)
  return {
    pid,
    folder,
    exe: exe.known && exe.value !== null ? inside(exe.value) : null,
    cwd: cwd.known && cwd.value !== null ? inside(cwd.value) : null,
    argv: nulListOf(cmdline),
    launchers: launched.flatMap((text, at) => (text.known && text.value !== null ? [{ argv: nulListOf(text.value), source: question.read(`/proc/${launchers[at]}/cmdline`) }] : [])),
    environ,
    maps: maps.known ? { known: true, value: maps.value.map((file) => ({ ...file, path: inside(file.path) })) } : maps,
    status: statusOf(status),
    cgroup,
    mountinfo,
    limits,
    root: pid === 'self' || shared || !theirs.known ? '' : `${folder}/root`,
  }
}

function insideOf(root: string | null, path: string): string {
  if (root === null || root === '/') return path
  return path === root ? '/' : path.startsWith(`${root}/`) ? path.slice(root.length) : path
}

/** The question that shows a process's environment, for evidence. */
export const environSource = (pid: number | 'self'): string =>
  pid === 'self' ? question.environment() : question.read(`/proc/${pid}/environ`)

function vanished(pid: number | 'self'): never {
  throw new CannotSee(`Process ${pid} ended while it was being examined.`, 'Start the service and run the check again.')
}
