import { known } from './cannot-see.ts'
import { nearest } from './nearest.ts'
import { neighbours } from './neighbours.ts'
import { PROBE_S } from './probe/limits.ts'
import { isSecretName } from './secrets.ts'
import type { Host, Scope, Target } from './types.ts'
import { unitStateOf, type UnitState } from './facts/unit-state.ts'
import { WrongCall } from './wrong-call.ts'

/** The target as typed on the command line. */
export interface Asked {
  readonly unit?: string
  readonly user?: boolean
  readonly system?: boolean
  readonly pid?: string
  readonly python?: string
  readonly library?: string
  readonly log?: readonly string[]
  readonly profile?: readonly string[]
  readonly model?: readonly string[]
  /** An address: its endpoint instead of its engine. */
  readonly probe?: boolean | string
  readonly timeout?: string
}

/** Turns what was typed into a target that is really there. Everything else is a wrong call. */
export async function resolveTarget(asked: Asked, host: Host, cwd: string): Promise<Target> {
  const url = typeof asked.probe === 'string' ? addressOf(asked.probe) : null
  if (url !== null && (asked.python !== undefined || asked.library !== undefined)) throw new WrongCall(`--probe ${url} asks the endpoint of a service: it goes with --unit, with --pid, or alone; leave --${asked.python === undefined ? 'library' : 'python'} out.`)
  if (asked.probe && url === null && asked.unit === undefined && asked.pid === undefined && asked.python === undefined) {
    throw new WrongCall(`--probe runs the engine of a service: it goes with --unit, --pid or --python${asked.library === undefined ? '' : ', not with --library'}.`)
  }
  const target = await resolveFiles(asked, host, cwd)
  // Whoever sets a limit for everything sets it for the probe as well.
  const limit = Number(asked.timeout)
  return asked.probe ? { ...target, probe: { seconds: Math.max(1, Math.min(PROBE_S, Math.floor(limit > PROBE_S ? PROBE_S : limit * 0.8))), ...(url === null ? {} : { url }) } } : target
}

/** An endpoint as it is asked and shown; what stands in it is written down, so no password may. */
export function addressOf(typed: string): string {
  const example = 'http://localhost:8000/v1/audio/transcriptions'
  const url = URL.canParse(typed) ? new URL(typed) : null
  if (url === null || !/^https?:$/.test(url.protocol)) throw new WrongCall(`--probe ${JSON.stringify(typed)}: that is no address of an endpoint, such as ${example}.`)
  if (url.username !== '' || url.password !== '' || [...url.searchParams.keys()].some(isSecretName)) throw new WrongCall('--probe: leave users, passwords and keys out of the address; it stands in reports and cases.')
  if (url.pathname === '/' && url.search === '') throw new WrongCall(`--probe ${typed}: give the whole address, as ${example}; whisper.cpp’s server has /inference.`)
  url.hash = ''
  return url.href
}

async function resolveFiles(asked: Asked, host: Host, cwd: string): Promise<Target> {
  const target = await resolveNamed(asked, host, cwd)
  const files = { logs: asked.log ?? [], profiles: asked.profile ?? [], models: asked.model ?? [] }
  const given = [...files.logs, ...files.profiles, ...files.models]
  if (given.length === 0) return target
  if (target.kind === 'python' || target.kind === 'library') throw new WrongCall(`--log, --profile and --model go with --unit, with --pid, or alone; leave --${target.kind} out.`)
  for (const path of given) {
    const stat = await known(host.stat(absolute(path, cwd)))
    if (!stat.known) throw new WrongCall(`${path}: ${stat.because}`)
    if (stat.value?.type !== 'file') throw new WrongCall(`${path}: ${stat.value === null ? 'there is no such file' : 'that is no regular file'}.`)
  }
  const all = (paths: readonly string[]) => paths.map((path) => absolute(path, cwd))
  return { ...target, files: { logs: all(files.logs), profiles: all(files.profiles), models: all(files.models) } }
}

async function resolveNamed(asked: Asked, host: Host, cwd: string): Promise<Target> {
  const named = (['unit', 'pid', 'python', 'library'] as const).filter((option) => asked[option] !== undefined)
  if (named.length > 1) throw new WrongCall(`--${named[0]} and --${named[1]} exclude each other; name one target.`)
  if (asked.user && asked.system) throw new WrongCall('--user and --system exclude each other; name one.')
  if ((asked.user || asked.system) && asked.unit === undefined) throw new WrongCall(`--${asked.user ? 'user' : 'system'} goes with --unit NAME.`)
  if (asked.unit !== undefined) return resolveUnit(asked.unit, asked.user ? 'user' : asked.system ? 'system' : null, host)
  if (asked.pid !== undefined) return resolvePid(asked.pid, host)
  if (asked.python !== undefined) return resolvePython(asked.python, host, cwd)
  if (asked.library !== undefined) return resolveLibrary(asked.library, host, cwd)
  return { kind: 'shell' }
}

/** Unit names after systemd.unit(5): these characters and no others, at most 255. */
const UNIT_NAME = /^[A-Za-z0-9:_.\\@-]{1,255}$/
const SUFFIX = /\.(service|socket|target|timer|path|mount|automount|swap|slice|scope|device)$/

async function resolveUnit(typed: string, scope: Scope | null, host: Host): Promise<Target> {
  if (typed.trim() === '') throw new WrongCall('--unit needs the name of a service.')
  const name = SUFFIX.test(typed) ? typed : `${typed}.service`
  if (!UNIT_NAME.test(name)) throw new WrongCall(`--unit ${JSON.stringify(typed)}: that is no unit name (letters, digits and : _ . \\ @ - only).`)
  if (!name.endsWith('.service')) throw new WrongCall(`--unit ${typed}: only services can be examined; name the .service it starts.`)
  if (/@\.service$/.test(name)) throw new WrongCall(`--unit ${typed} is a template; name an instance, such as ${name.replace('@.', '@1.')}.`)
  const scopes: readonly Scope[] = scope === null ? ['system', 'user'] : [scope]
  const states = await Promise.all(scopes.map((each) => known(unitStateOf(host, name, each))))
  const there = states.flatMap((state) => (state.known && state.value.loadState !== 'not-found' ? [state.value] : []))
  if (there.length === 2) throw new WrongCall(`There are two units called ${name}; say which: --system or --user.`)
  if (there.length === 1) return found(there[0]!)
  const [first] = states
  if (first !== undefined && !first.known && states.every((state) => !state.known)) {
    throw new WrongCall(`--unit ${typed}: ${first.because}${first.how ? ` ${first.how}` : ''}`)
  }
  throw new WrongCall(`There is no ${scope === null ? '' : `${scope} `}unit called ${name}.${(await ofAnother(name, host)) ?? (await suggestion(name, scopes, host))}`)
}

const found = (state: UnitState): Target => ({ kind: 'unit', name: state.name, scope: state.scope })

/** A unit of that name that another user's manager runs. */
async function ofAnother(name: string, host: Host): Promise<string | null> {
  const near = await known(neighbours(host))
  const other = near.known ? near.value.find((each) => each.target.kind === 'pid' && each.name.startsWith(`${name} of uid `)) : undefined
  return other === undefined ? null : ` There is ${other.name}: asr-doctor check --pid ${other.pid}`
}

async function suggestion(name: string, scopes: readonly Scope[], host: Host): Promise<string> {
  const lists = await Promise.all(
    scopes.map((scope) => known(host.run('systemctl', [...(scope === 'user' ? ['--user'] : []), 'list-unit-files', '--type=service', '--no-legend', '--no-pager', '--plain']))),
  )
  const names = lists.flatMap((list) => (list.known && list.value ? list.value.stdout.split('\n').map((line) => line.split(/\s+/)[0]!).filter(Boolean) : []))
  const stem = (unit: string) => unit.replace(/\.service$/, '')
  const near = nearest(stem(name), names.map(stem))
  const meant = near && `${near}.service`
  return meant ? ` Did you mean ${meant}?` : ` ${scopes.includes('user') && scopes.length === 1 ? 'systemctl --user' : 'systemctl'} list-unit-files --type=service shows them.`
}

async function resolvePid(typed: string, host: Host): Promise<Target> {
  const pid = Number(typed)
  if (!/^\d{1,10}$/.test(typed) || pid < 1) throw new WrongCall(`--pid ${JSON.stringify(typed)}: a process id is a whole number above 0.`)
  const status = await known(host.read(`/proc/${pid}/status`))
  if (status.known && status.value === null) throw new WrongCall(`There is no process ${pid}. pgrep -af NAME finds the one meant.`)
  return { kind: 'pid', pid }
}

async function resolvePython(typed: string, host: Host, cwd: string): Promise<Target> {
  const path = await pathOf(typed, host, cwd)
  const stat = await known(host.stat(path))
  if (!stat.known) throw new WrongCall(`--python ${typed}: ${stat.because}`)
  if (stat.value === null) throw new WrongCall(`--python ${typed}: there is no such file. Give the interpreter itself, such as .venv/bin/python.`)
  if (stat.value.type !== 'file' || (stat.value.mode & 0o111) === 0) throw new WrongCall(`--python ${typed} is not an executable file. Give the interpreter itself, such as .venv/bin/python.`)
  return { kind: 'python', path }
}

/** A bare name is looked for on PATH, as a shell would. */
async function pathOf(typed: string, host: Host, cwd: string): Promise<string> {
  if (typed.includes('/')) return absolute(typed, cwd)
  const folders = ((await host.environment())['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'))
  for (const folder of folders) {
    const stat = await known(host.stat(`${folder}/${typed}`))
    if (stat.known && stat.value?.type === 'file' && (stat.value.mode & 0o111) !== 0) return `${folder}/${typed}`
  }
  return absolute(typed, cwd)
}

async function resolveLibrary(typed: string, host: Host, cwd: string): Promise<Target> {
  const path = absolute(typed, cwd)
  const linkage = await known(host.linkage(path))
  if (!linkage.known) throw new WrongCall(`--library ${typed}: ${linkage.because}`)
  if (linkage.value === null) throw new WrongCall(`--library ${typed}: there is no such file.`)
  if (linkage.value.format === 'broken' && linkage.value.problem !== 'truncated') throw new WrongCall(`--library ${typed} is not an ELF shared object (${PROBLEMS[linkage.value.problem]}). Give the .so file itself.`)
  return { kind: 'library', path }
}

const PROBLEMS = {
  empty: 'it is empty',
  'too-short': 'it is too short to be one',
  'lfs-pointer': 'it is a Git LFS pointer: run git lfs pull',
  truncated: 'it is cut short',
  'linker-script': 'it is a linker script, for building only',
  'not-elf': 'it has no ELF header',
} as const

/** Absolute and without `.` and `..`, but with symbolic links as they are: a venv's python must stay the venv's. */
function absolute(typed: string, cwd: string): string {
  const parts: string[] = []
  for (const part of (typed.startsWith('/') ? typed : `${cwd}/${typed}`).split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
