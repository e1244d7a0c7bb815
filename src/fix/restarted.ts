import { CannotSee, known } from '../cannot-see.ts'
import { cgroup } from '../facts/cgroup.ts'
import type { Context } from '../facts/context.ts'
import { VOLATILE, type ConfiguredEnvironment } from '../facts/environment-configured.ts'
import type { Process } from '../facts/process.ts'
import type { UnitState } from '../facts/unit-state.ts'
import { secondsOf } from '../cgroup/values.ts'
import { gatherer } from '../gather.ts'
import { hostOf, type Ask, type Question } from '../host/host.ts'
import type { Instead } from '../host/overlay.ts'
import { NotRecorded } from '../host/replay.ts'
import { question } from '../question.ts'
import type { Env, Json, Known, Stat, Watch } from '../types.ts'
import { cgroupFiles } from './cgroup-after.ts'

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

/** The environment the new process would be given; null = as it is. */
function environAfter({ process, environment: { before, after }, pending }: Restart): Env | null {
  if (!process.environ.known || !after.known || !before.known) return null
  const [was, is] = [configuredOf(before.value), configuredOf(after.value)]
  const env: Record<string, string> = { ...process.environ.value }
  for (const name of Object.keys(was)) if (!(name in is)) delete env[name]
  for (const [name, value] of Object.entries(is)) if (!VOLATILE.has(name) && (pending || was[name] !== value)) env[name] = value
  return env
}

/** All of it where it is known, else what the unit's own lines and files set. */
function configuredOf({ env, settings, files }: ConfiguredEnvironment): Env {
  if (env.known) return env.value
  const fromFiles = files.flatMap(({ found }) => (found.known ? found.value.flatMap(({ variables }) => variables) : []))
  return Object.fromEntries([...settings, ...fromFiles].map(({ name, value }) => [name, value]))
}

const namesThatDiffer = (a: Env, b: Env): readonly string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => a[name] !== b[name])

/** Other credentials: User=, Group=, SupplementaryGroups=. */
function statusAfter({ context: { before, after } }: Restart): ((text: string) => string) | null {
  if (!before.known || !after.known) return null
  const [was, is] = [before.value, after.value]
  const added = is.groups.filter((gid) => !was.groups.includes(gid))
  const sameIds = was.uid === is.uid && was.gid === is.gid
  if (sameIds && added.length === 0) return null
  return (text) =>
    text
      .replace(/^Uid:.*$/m, (line) => (was.uid === is.uid ? line : `Uid:\t${Array(4).fill(is.uid).join('\t')}`))
      .replace(/^Gid:.*$/m, (line) => (was.gid === is.gid ? line : `Gid:\t${Array(4).fill(is.gid).join('\t')}`))
      .replace(/^Groups:(.*)$/m, (_, groups: string) => `Groups:\t${(sameIds ? [...new Set([...groups.trim().split(/\s+/).filter(Boolean), ...added.map(String)])] : is.groups).join(' ')} `)
}

const same = (text: string): string => text

/** The CPUs of the new process; null = as before. A set that is taken off leaves all that the machine has online. */
async function allowedCpus({ machine, properties }: Restart): Promise<string | null> {
  const set = properties.get('AllowedCPUs') ?? properties.get('CPUAffinity')
  if (set === undefined) return null
  if (set !== '') return set.replace(/[ ,]+/g, ',')
  const online = await known(hostOf(machine).read('/sys/devices/system/cpu/online'))
  return online.known ? (online.value?.trim() ?? null) : null
}

const withCpus = (text: string, cpus: string | null): string => (cpus === null ? text : text.replace(/^Cpus_allowed_list:.*$/m, `Cpus_allowed_list:\t${cpus}`))

/** Folders that the service would see again as the machine has them. */
function openedPaths(properties: ReadonlyMap<string, string>): readonly string[] {
  const binds = ['BindPaths', 'BindReadOnlyPaths'].flatMap((name) => (properties.get(name) ?? '').split(' ').filter(Boolean).map((word) => word.replace(/^"?-?/, '').replace(/"$/, '').split(':')[0]!))
  return [
    ...(properties.get('PrivateDevices') === 'no' ? ['/dev'] : []),
    ...(properties.get('ProtectHome') === 'no' || properties.get('ProtectHome') === 'read-only' ? ['/home', '/root', '/run/user'] : []),
    ...binds,
  ]
}

async function shownAgain(asked: Question, inside: string, prefix: string, machine: Ask): Promise<Json> {
  const key = (question as unknown as Record<string, (path: string) => string>)[asked.verb]!(inside)
  const answer = await machine({ key, verb: asked.verb, args: [inside] })
  return asked.verb === 'realpath' && typeof answer === 'string' ? prefix + answer : answer
}

/** Variables that can change what a program prints; a recorded machine is not asked again where none of them is among those that change. */
const HEEDS: Readonly<Record<string, RegExp>> = { pactl: /^(PULSE_|XDG_RUNTIME_DIR$|HOME$|DBUS_)/, arecord: /^(ALSA_|HOME$|PULSE_|XDG_RUNTIME_DIR$|LD_)/, test: /^$/, ldd: /^LD_/ }
const heeded = (program: string): RegExp => HEEDS[program] ?? /^(PYTHON|PATH$|HOME$|VIRTUAL_ENV$|CONDA_PREFIX$)/

/** A program asked as the new process would be: another question than the one answered before. `names`: the variables that change; null = the credentials do. */
async function inItsPlace(asked: Question, machine: Ask, causes: readonly string[], names: readonly string[] | null): Promise<Json> {
  const as = { ...asked.options!.as!, name: [asked.options!.as!.name, ...causes].join('+') }
  const [program, ...args] = asked.args
  const options = { ...asked.options, as }
  try {
    return await machine({ ...asked, key: question.run(program!, args, options), options })
  } catch (error) {
    if (!(error instanceof NotRecorded) || names === null || names.some((name) => heeded(program!.split('/').at(-1)!).test(name))) throw error
    return machine(asked)
  }
}

async function limitFiles(of: Restart): Promise<{ readonly reads: ReadonlyMap<string, (machine: Ask, asked: Question) => Promise<Json>>; readonly watch: (machine: Ask, asked: Question) => Promise<Json> | undefined }> {
  const use = gatherer(hostOf(of.machine))
  const place = await known(use(cgroup)).catch(() => null)
  const own = of.unit.properties['ControlGroup'] ?? ''
  const at = (controller: 'cpu' | 'cpuset' | 'memory') => {
    const found = place?.known && place.value?.places[controller].known ? place.value.places[controller].value : null
    // A user's manager sets no limits on cgroup v1.
    if (found === null || (found.version === 1 && of.unit.scope === 'user')) return null
    const level = found.levels.find(({ path }) => path === own)
    return level === undefined ? null : { version: found.version, directory: level.directory }
  }
  const reads = new Map(cgroupFiles(of.properties, at('cpu'), at('memory')))
  const [cpuset, allowed] = [at('cpuset'), of.properties.has('AllowedCPUs') ? await allowedCpus(of) : null]
  if (cpuset !== null && allowed !== null) for (const name of ['cpuset.cpus.effective', 'cpuset.effective_cpus', 'cpuset.cpus']) reads.set(`${cpuset.directory}/${name}`, async (machine, asked) => ((await machine(asked)) === null ? null : `${allowed}\n`))
  const cpu = at('cpu')
  const quota = of.properties.get('CPUQuotaPerSecUSec')
  const watch = (machine: Ask, asked: Question): Promise<Json> | undefined => {
    if (quota === undefined || cpu === null) return undefined
    const index = asked.args.slice(1).indexOf(`${cpu.directory}/cpu.stat`)
    return index < 0 ? undefined : watchedAfter(machine, asked, index, quota, of.process.status.threads)
  }
  return { reads, watch }
}

/** With a CPU for each of its threads nothing is stopped any more; how a smaller quota would do, only the work itself shows. */
async function watchedAfter(machine: Ask, asked: Question, index: number, quota: string, threads: number): Promise<Json> {
  const cpus = quota === 'infinity' ? Number.POSITIVE_INFINITY : (secondsOf(quota) ?? 0)
  if (cpus < threads) throw new CannotSee(`How often a quota of ${cpus} CPUs would stop its ${threads} threads shows only when it works under that quota.`, 'Restart the service and run the check while it transcribes.')
  const watch = (await machine(asked)) as unknown as Watch
  const [first, last] = [watch.before[index] ?? '', watch.after[index] ?? '']
  const stopped = Number(/^nr_throttled (\d+)$/m.exec(last)?.[1] ?? 0) > Number(/^nr_throttled (\d+)$/m.exec(first)?.[1] ?? 0)
  const kept = last.replace(/^(nr_throttled|throttled_usec|throttled_time) .*$/gm, (line, name: string) => new RegExp(`^${name} .*$`, 'm').exec(first)?.[0] ?? line)
  // What was held back takes what it is given: it works all the time, on each of its threads at most.
  const workMs = Math.min(cpus, threads) * watch.elapsedMs
  const busy = (text: string | null, at: number): string | null => {
    if (!stopped || text === null) return at === index ? kept : text
    if (at === index) return kept.replace(/^usage_usec .*$/m, () => `usage_usec ${Number(/^usage_usec (\d+)$/m.exec(first)?.[1] ?? 0) + Math.round(workMs * 1000)}`)
    return /\/stat$/.test(asked.args[at + 1]!) ? worked(watch.before[at] ?? '', text, workMs) : text
  }
  return { ...watch, after: watch.after.map(busy) } as unknown as Json
}

/** proc(5): fields 14 and 15 of /proc/PID/stat count CPU time in hundredths of a second. */
function worked(before: string, after: string, workMs: number): string {
  const at = after.lastIndexOf(')') + 2
  const [first, fields] = [before.slice(before.lastIndexOf(')') + 2).split(' '), after.slice(at).split(' ')]
  fields[11] = String(Number(first[11]) + Math.round(workMs / 10))
  return after.slice(0, at) + fields.join(' ')
}
