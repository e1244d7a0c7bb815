import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cgroupChecks } from '../../checks/cgroup/index.ts'
import { diagnose } from '../../src/diagnose.ts'
import { engines, type EngineLibrary } from '../../src/facts/engines.ts'
import { context } from '../../src/facts/context.ts'
import { process_, type Process } from '../../src/facts/process.ts'
import { statusOf } from '../../src/facts/proc.ts'
import { unitState } from '../../src/facts/unit-state.ts'
import { frozen } from '../../src/gather.ts'
import { hostOf } from '../../src/host/host.ts'
import type { CheckId, Env, Fact, Json, Outcome, Use } from '../../src/types.ts'

export interface Machine {
  /** Path and content of every file there is. */
  readonly files: Readonly<Record<string, string>>
  /** Those that change: content at the second look. */
  readonly later?: Readonly<Record<string, string>>
  readonly cgroup: string
  readonly mountinfo: string
  readonly allowed?: string
  readonly threads?: number
  readonly argv?: readonly string[]
  readonly env?: Env
  readonly engines?: readonly EngineLibrary[]
  readonly physicalCores?: number
}

export const V2_MOUNT = '35 25 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n'

/** Judges process 42 of a machine that is nothing but these files. Everything asked of it is in `asked`. */
export async function judged(machine: Machine): Promise<{ readonly outcomes: ReadonlyMap<CheckId, Outcome>; readonly asked: readonly string[] }> {
  const files: Record<string, string> = { '/proc/self/mountinfo': machine.mountinfo, '/sys/devices/system/cpu/online': '0-7\n', '/proc/42/stat': stat(0), ...machine.files }
  const later: Record<string, string> = { '/proc/42/stat': stat(80), ...machine.later }
  const asked: string[] = []
  const read = (path: string): string | null => files[path] ?? null
  const host = hostOf(async ({ verb, args, key }): Promise<Json> => {
    asked.push(key)
    if (verb === 'platform') return { os: 'linux', arch: 'x64', release: '6.1' }
    if (verb === 'target') return { kind: 'pid', pid: 42 }
    if (verb === 'read') return read(args[0]!)
    if (verb === 'stat') return read(args[0]!) === null ? null : ({ type: 'file' } as Json)
    if (verb === 'list') return null
    if (verb === 'watch') return { elapsedMs: 1000, before: args.slice(1).map(read), after: args.slice(1).map((path) => later[path] ?? read(path)) }
    if (verb === 'inventory') return { physicalCores: machine.physicalCores ?? 8 }
    throw new Error(`not asked of such a machine: ${key}`)
  })
  const status = `Name:\tserver\nThreads:\t${machine.threads ?? 1}\nCpus_allowed_list:\t${machine.allowed ?? '0-7'}\n`
  const process: Process = {
    pid: 42, folder: '/proc/42', exe: '/opt/asr/server', cwd: '/', argv: machine.argv ?? ['/opt/asr/server'], environ: { known: true, value: machine.env ?? {} }, maps: { known: true, value: [] },
    status: statusOf(status), cgroup: machine.cgroup, mountinfo: { known: true, value: machine.mountinfo }, limits: { known: true, value: '' }, root: '', launchers: [],
  }
  const given = new Map<Fact<any>, unknown>([
    [process_, process], [unitState, null], [engines, machine.engines ?? []],
    [context, { origin: 'running', env: process.environ, envSource: 'read /proc/42/environ', uid: 0, gid: 0, groups: [], root: '', namespaceOf: null, cwd: '/', exe: process.exe, argv: process.argv }],
  ])
  const gathered = new Map<Fact<any>, Promise<unknown>>()
  const use: Use = (fact) => {
    if (!gathered.has(fact)) gathered.set(fact, given.has(fact) ? Promise.resolve(given.get(fact)) : fact.gather(host, use).then(frozen))
    return gathered.get(fact) as Promise<any>
  }
  return { outcomes: await diagnose(host, use, cgroupChecks), asked }
}

const stat = (ticks: number): string => `42 (server) S 1 42 42 0 -1 4194560 0 0 0 0 ${ticks} 0 0 0 20 0 1 0 100 1000 100 18446744073709551615`

/** A recorded tree, under /sys/fs/cgroup. */
export function tree(name: string): Record<string, string> {
  const text = readFileSync(fileURLToPath(new URL(`../../fixtures/cgroup/${name}.tsv`, import.meta.url)), 'utf8')
  return Object.fromEntries(text.trim().split('\n').map((line) => {
    const [path, content] = line.split('\t')
    return [`/sys/fs/cgroup/${path!.replace(/^\.\//, '')}`, `${content!.replaceAll('\\n', '\n')}\n`]
  }))
}

export const engine = (name: EngineLibrary['engine'], loaded = true, version: string | null = null): EngineLibrary => ({ engine: name, path: `/opt/asr/lib${name}.so`, version, loaded, foundBy: 'read /proc/42/maps', cudaMajor: null, wants: [] })
