import { CannotSee, known, need } from '../cannot-see.ts'
import { dirname } from '../paths.ts'
import type { Fact, Host, Identity } from '../types.ts'
import { context, identityOf, type Context } from './context.ts'
import { environSource, processAt, type Process } from './process.ts'
import { envCommandOf, execStartOf, isLauncher, isPython, isShell, pythonCommandOf, pythonInShellText, shebangOf, type PythonStart } from './python-command.ts'
import { target, targetPid } from './target.ts'
import { unitState } from './unit-state.ts'

/** Which Python the target runs, with which options, and in whose place to ask it. Paths are as the target sees them. */
export interface Interpreter {
  readonly executable: string
  /** Its own options that change where it looks for packages, to be given again when it is asked. */
  readonly flags: readonly string[]
  readonly start: PythonStart | null
  /** The folder that stands first on its sys.path because of `start`; null = none. */
  readonly scriptFolder: string | null
  readonly as: Identity
  /** The process of the interpreter; null = it does not run now. */
  readonly pid: number | null
  readonly context: Context
}

/** null = the target runs no Python. */
export const interpreter: Fact<Interpreter | null> = {
  id: 'python-interpreter',
  about: 'which Python the target runs',
  gather: async (host, use) => {
    const [asked, of] = await Promise.all([use(target), use(context)])
    if (asked.kind === 'library') return null
    if (asked.kind === 'shell') {
      // A shell runs no Python by itself; an activated environment says which one it is meant to.
      const env = need(of.env)
      const prefix = env['VIRTUAL_ENV'] || env['CONDA_PREFIX']
      const executable = prefix ? `${prefix}/bin/python` : null
      return executable !== null && (await host.stat(executable)) !== null ? placed(host, of, executable, [], null) : null
    }
    if (asked.kind === 'python') {
      const executable = await programOf(host, of, asked.path)
      if (executable === null) throw new CannotSee(`There is no ${asked.path} here.`, 'Name an interpreter with --python PATH.')
      return placed(host, of, executable, [], null)
    }
    const unit = await use(unitState)
    const commands = execStartOf(unit?.properties['ExecStart'] ?? '')
    return of.origin === 'running' ? running(host, of, (await use(targetPid)) as number, commands) : configured(host, of, commands)
  },
}

async function placed(host: Host, of: Context, executable: string, words: readonly string[], pid: number | null): Promise<Interpreter> {
  const { flags, start } = pythonCommandOf(words)
  const identity = await ownerIn(host, of, executable, identityOf(of, need(of.env)))
  return { executable, flags, start, scriptFolder: await scriptFolderOf(host, of, start), as: identity, pid, context: of }
}

/** What lies in somebody's environment runs when its Python starts. Root asks it as that somebody, and not as root. */
async function ownerIn(host: Host, of: Context, executable: string, identity: Identity): Promise<Identity> {
  if (of.origin !== 'caller' || of.uid !== 0) return identity
  const folders = await Promise.all([dirname(executable), dirname(dirname(executable))].map((folder) => known(host.stat(folder))))
  const owner = folders.flatMap((stat) => (stat.known && stat.value !== null && stat.value.uid !== 0 ? [stat.value] : []))[0]
  return owner === undefined ? identity : { ...identity, name: 'owner', uid: owner.uid, gid: owner.gid, groups: [] }
}

/** What Python puts first on sys.path (docs, "sys.path"): the real folder of the script, or for -m the folder it was started in. */
async function scriptFolderOf(host: Host, of: Context, start: PythonStart | null): Promise<string | null> {
  if (start === null || start.kind !== 'script') return start?.kind === 'module' || start?.kind === 'command' ? of.cwd : null
  const path = absolute(of, start.path)
  if (path === null) return null
  const real = await host.realpath(of.root + path)
  return dirname(real === null ? path : real.slice(of.root.length))
}

const absolute = (of: Context, path: string): string | null => (path.startsWith('/') ? path : of.cwd === null ? null : `${of.cwd.replace(/\/$/, '')}/${path}`)

/** The file behind a program's name, as execvp(3) would find it in the target's own PATH. */
export async function programOf(host: Host, of: Context, name: string): Promise<string | null> {
  if (name === '') return null
  if (name.includes('/')) {
    const path = absolute(of, name)
    return path !== null && (await isFile(host, of, path)) ? path : null
  }
  const folders = (need(of.env)['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(':').filter((folder) => folder.startsWith('/'))
  for (const folder of folders) {
    const path = `${folder.replace(/\/$/, '')}/${name}`
    if (await isFile(host, of, path)) return path
  }
  return null
}

async function isFile(host: Host, of: Context, path: string): Promise<boolean> {
  const stat = await known(host.stat(of.root + path))
  return stat.known && stat.value?.type === 'file' && (stat.value.mode & 0o111) !== 0
}

// ── a process ──────────────────────────────────────────────────────────────────────────────────────────────

type Command = ReturnType<typeof execStartOf>[number]

async function running(host: Host, of: Context, pid: number, commands: readonly Command[]): Promise<Interpreter | null> {
  if (of.exe === null) throw new CannotSee(`The program of process ${pid} may not be seen by this user.`, 'Run the same command as root (sudo).')
  if (isPython(exeOf(of))) return asProcess(host, of, pid, commands)
  // A wrapper script or a launcher stays as the main process; the Python is its child.
  const child = await pythonBelow(host, pid)
  if (child !== null) return asProcess(host, contextOf(of, child), child.pid as number, commands)
  const process = await known(host.read(`/proc/${pid}/maps`))
  const embedded = process.known ? /(\/\S*libpython3\S*\.so\S*)/.exec(process.value ?? '')?.[1] : undefined
  // A frozen program brings its own libpython and libraries beside it: no interpreter, no wheels.
  if (embedded !== undefined && !embedded.includes('/_MEI') && !embedded.startsWith(dirname(exeOf(of)))) {
    throw new CannotSee(`${exeOf(of)} carries Python inside (${embedded}), and there is no interpreter to ask what it sees.`, 'Name the interpreter of its environment: asr-doctor check --python PATH.')
  }
  return null
}

const exeOf = (of: Context): string => (of.exe ?? '').replace(/ \(deleted\)$/, '')

const contextOf = (of: Context, child: Process): Context => ({
  ...of,
  env: child.environ,
  envSource: environSource(child.pid),
  uid: child.status.uids[1] ?? of.uid,
  gid: child.status.gids[1] ?? of.gid,
  groups: child.status.groups,
  root: child.root,
  namespaceOf: child.root === '' ? null : (child.pid as number),
  cwd: child.cwd,
  exe: child.exe,
  argv: child.argv,
})

/** The first Python among the descendants, breadth first. A few levels and a few dozen processes, no more. */
async function pythonBelow(host: Host, pid: number): Promise<Process | null> {
  let level: readonly number[] = [pid]
  for (let depth = 0; depth < 4 && level.length > 0; depth += 1) {
    const lists = await Promise.all(level.map((parent) => known(host.read(`/proc/${parent}/task/${parent}/children`))))
    level = lists.flatMap((list) => (list.known ? (list.value ?? '').split(' ').filter(Boolean).map(Number) : [])).slice(0, 24)
    const exes = await Promise.all(level.map((child) => known(host.readlink(`/proc/${child}/exe`))))
    const at = exes.findIndex((exe) => exe.known && exe.value !== null && isPython(exe.value.replace(/ \(deleted\)$/, '')))
    if (at >= 0) {
      const process = await known(processAt(host, level[at]!))
      return process.known ? process.value : null
    }
  }
  return null
}

/**
 * /proc/PID/exe names the interpreter's file, and a venv's python is only a link to it: which environment it is shows in
 * the name it was started by (Modules/getpath.py). A program may overwrite its own argv (gunicorn does), so each name
 * counts only if it leads to the very file that runs.
 */
async function asProcess(host: Host, of: Context, pid: number | null, commands: readonly Command[]): Promise<Interpreter> {
  const env = need(of.env)
  const exe = exeOf(of)
  const leadsHere = async (name: string | undefined): Promise<string | null> => {
    const path = name === undefined ? null : await programOf(host, of, name)
    const real = path === null ? null : await host.realpath(of.root + path)
    return path !== null && real?.slice(of.root.length) === exe ? path : null
  }
  const started = await leadsHere(of.argv[0])
  if (started !== null) return placed(host, of, started, of.argv.slice(1), pid)
  for (const command of commands) {
    const words = await wordsOf(host, of, command.path, command.argv)
    const path = words === null ? null : await leadsHere(words[0])
    if (path !== null) return placed(host, of, path, words!.slice(1), pid)
  }
  const maps = pid === null ? null : await known(host.read(`/proc/${pid}/maps`))
  const prefixes = new Set([...(maps?.known ? (maps.value ?? '') : '').matchAll(/ (\/\S*?)\/lib(?:64)?\/python3[\d.]*t?\/site-packages\//g)].map((m) => m[1]!))
  for (const prefix of [env['VIRTUAL_ENV'], ...prefixes]) {
    const path = prefix ? await leadsHere(`${prefix}/bin/python`) : null
    if (path !== null) return placed(host, of, path, [], pid)
  }
  return placed(host, of, exe, [], pid)
}

// ── a command that does not run now ────────────────────────────────────────────────────────────────────────

async function configured(host: Host, of: Context, commands: readonly Command[]): Promise<Interpreter | null> {
  if (of.exe !== null && isPython(of.exe)) return asProcess(host, of, null, commands)
  const program = of.exe ?? of.argv[0] ?? null
  if (program === null) return null
  const words = await wordsOf(host, of, program, of.argv)
  if (words === null) return null
  const executable = await programOf(host, of, words[0]!)
  if (executable === null) throw new CannotSee(`The interpreter ${words[0]} that ${program} asks for is not to be found where the service would run.`)
  return placed(host, of, executable, words.slice(1), null)
}

/** The command line with a Python as its first word that `program` comes to; null = it is a program of another kind. */
async function wordsOf(host: Host, of: Context, program: string, argv: readonly string[], depth = 0): Promise<readonly string[] | null> {
  const unclear = (because: string): never => {
    throw new CannotSee(because, 'Start the service and run the check again, or name the interpreter with --python PATH.')
  }
  if (isPython(program)) return [program, ...argv.slice(1)]
  if (depth > 4) return null
  if (program.endsWith('/env') || program === 'env') {
    const rest = envCommandOf(argv.slice(1))
    return rest.length === 0 ? null : wordsOf(host, of, rest[0]!, rest, depth + 1)
  }
  if (isLauncher(program)) return of.origin === 'running' ? null : unclear(`${program} chooses the interpreter only when it starts.`)
  if (isShell(program)) {
    const at = argv.findIndex((word) => /^-[a-z]*c$/.test(word))
    const text = at < 0 ? argv.slice(1).join(' ') : argv.slice(at + 1).join(' ')
    const named = at < 0 ? null : pythonInShellText(text)
    if (named !== null) return [named]
    return of.origin === 'running' ? null : unclear(`${program} runs a shell command, and which programs that starts is known only once it runs.`)
  }
  const path = await programOf(host, of, program)
  if (path === null) return null
  const linkage = await known(host.linkage(of.root + path))
  if (!linkage.known || linkage.value === null || linkage.value.format === 'elf') return null
  const text = await known(host.read(of.root + path))
  const shebang = text.known && text.value !== null ? shebangOf(text.value) : null
  if (shebang === null || shebang.length === 0) return null
  // The kernel gives the script's own path to its interpreter, and the remaining words behind it: execve(2).
  return wordsOf(host, of, shebang[0]!, [...shebang, path, ...argv.slice(1)], depth + 1)
}

/** For the scan of sources: the Python that a program of another kind would call by name. */
export async function interpreterByName(host: Host, of: Context): Promise<Interpreter | null> {
  const executable = (await programOf(host, of, 'python3')) ?? (await programOf(host, of, 'python'))
  return executable === null ? null : placed(host, of, executable, [], null)
}
