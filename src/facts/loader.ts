import { CannotSee, known } from '../cannot-see.ts'
import { finder, type Find, type Place } from '../loader/model.ts'
import { startProgram, type Memory } from '../loader/load.ts'
import { suspectsOf, type Suspect } from '../loader/search-path.ts'
import { loaderSystem, type Wanted } from '../loader/system.ts'
import type { Link, LoaderSystem } from '../loader/types.ts'
import { question } from '../question.ts'
import type { Env, Evidence, Fact, Host, Linkage } from '../types.ts'
import { context, identityOf, type Context } from './context.ts'
import { process_, type Process } from './process.ts'
import { target } from './target.ts'

/** The dynamic loader the target's code has, and the state in which its libraries are asked for. */
export interface LoaderView {
  readonly system: LoaderSystem
  readonly place: Place
  /** The program, as far as its ELF file can be read; null = the library is judged alone. */
  readonly program: { readonly path: string; readonly linkage: Linkage } | null
  readonly searchPath: SearchPath
  /** What the program itself links, followed to the end. */
  readonly links: readonly Link[]
  /** The files that the links brought in, the program first. */
  readonly memory: Memory
}

export interface SearchPath {
  /** LD_LIBRARY_PATH as it stands in the environment; null = not set. */
  readonly value: string | null
  readonly source: string
  /** Its elements that do not mean what whoever wrote them meant. A directory that exists under that very name is none. */
  readonly suspects: readonly Suspected[]
  /** Why the loader does not look at it; null = it does. */
  readonly ignored: { readonly because: string; readonly evidence: Evidence } | null
}

export interface Suspected extends Suspect {
  /** Why it cannot be known here whether there is a directory of that very name; null = there is none, or it is no whole directory. */
  readonly unsure: string | null
}

/** What is kept where the variable is set anew: all but empty elements and those that surely lead nowhere, or into the working directory. */
export const carriedOn = ({ value, suspects }: Pick<SearchPath, 'value' | 'suspects'>): readonly string[] =>
  (value ?? '').split(/[:;]/).filter((element) => element !== '' && !suspects.some((suspect) => suspect.element === element && suspect.unsure === null))

/** Asks nothing of the loader itself, so that it costs nothing where only the variable matters. */
export const searchPath: Fact<SearchPath> = {
  id: 'search-path',
  about: 'LD_LIBRARY_PATH of the target, and whether its loader looks at it',
  gather: async (host, use) => {
    const [of, running] = await Promise.all([use(context), use(process_)])
    if (!of.env.known) throw new CannotSee(of.env.because, of.env.how)
    const ignored = of.exe === null ? null : await ignoredPath(host, of, await realProgram(host, of, of.exe), running, of.env.value)
    const value = of.env.value['LD_LIBRARY_PATH'] ?? null
    return { value, source: of.envSource, suspects: await standing(host, of.root, suspectsOf(value ?? '')), ignored }
  },
}

/** A name may hold a % or a $. Whoever has a directory of it means that directory. */
async function standing(host: Host, root: string, suspects: readonly Suspect[]): Promise<readonly Suspected[]> {
  const looked = await Promise.all(suspects.map(async (suspect): Promise<readonly Suspected[]> => {
    const { element } = suspect
    if (!element.startsWith('/')) return [{ ...suspect, unsure: null }]
    if (/\$\{?(?:ORIGIN|LIB|PLATFORM)/.test(element)) return [{ ...suspect, unsure: 'What the loader puts for its own variable in it was not looked up.' }]
    const there = await known(host.stat(root + element))
    if (!there.known) return [{ ...suspect, unsure: there.because }]
    return there.value?.type === 'directory' ? [] : [{ ...suspect, unsure: null }]
  }))
  return looked.flat()
}

export const loader: Fact<LoaderView> = {
  id: 'loader',
  about: 'the dynamic loader of the target and what it starts from',
  gather: async (host, use) => {
    const [asked, of, caller, platform, path] = await Promise.all([use(target), use(context), host.caller(), host.platform(), use(searchPath)])
    if (platform.os !== 'linux') throw new CannotSee(`How ${platform.os} finds libraries is not modelled yet.`)
    if (!of.env.known) throw new CannotSee(of.env.because, of.env.how)
    const exe = of.exe
    const linkage = exe === null ? null : await known(host.linkage(of.root + exe))
    const file = asked.kind === 'library' ? await host.linkage(asked.path) : null
    const elf = linkage?.known && linkage.value?.format === 'elf' ? linkage.value : null
    const kind = elf ?? (file?.format === 'elf' ? file : null)
    const wanted: Wanted = kind === null ? { ...native(platform.arch), interpreter: null } : { bits: kind.bits, machine: kind.machine, interpreter: kind.interpreter }
    const real = exe === null ? null : await realProgram(host, of, exe)
    const system = await loaderSystem(host, of.root, wanted, of.namespaceOf === null ? null : identityOf(of, {}))
    const place: Place = {
      root: of.root,
      who: { uid: of.uid, gid: of.gid, groups: of.groups },
      env: of.env.value,
      cwd: of.cwd,
      secure: path.ignored !== null,
      sameAsCaller: of.uid === caller.uid,
      program: elf === null ? null : real,
    }
    const memory: Memory = { objects: [], main: null }
    const links = elf === null || real === null ? [] : await started(finder(host, system, place), memory, real, place)
    return {
      system,
      place,
      program: elf === null || real === null ? null : { path: real, linkage: elf },
      searchPath: path,
      links,
      memory,
    }
  },
}

/** What stands in memory when the program has started. */
export async function started(find: Find, memory: Memory, program: string, place: Place): Promise<readonly Link[]> {
  const names = (place.env['LD_PRELOAD'] ?? '').split(/[ :]+/).filter((name) => name !== '')
  // With AT_SECURE a name with a slash is not preloaded.
  return startProgram(find, memory, program, names.filter((name) => !(place.secure && name.includes('/'))))
}

async function realProgram(host: Host, of: Context, exe: string): Promise<string> {
  const real = await known(host.realpath(of.root + exe))
  return (real.known ? real.value?.slice(of.root.length) : null) ?? exe
}

/** AT_SECURE, from what can be seen of the program file and the process. Ambient capabilities do not cause it (capabilities(7)). */
async function ignoredPath(host: Host, of: Context, exe: string, running: Process | null, env: Env): Promise<SearchPath['ignored']> {
  if ((env['LD_LIBRARY_PATH'] ?? '') === '' && (env['LD_PRELOAD'] ?? '') === '') return null
  if (running !== null && running.pid !== 'self') {
    const { uids, gids, fields } = running.status
    const source = question.read(`${running.folder}/status`)
    if (uids[0] !== uids[1] || gids[0] !== gids[1]) return { because: `${exe} is set-user-ID or set-group-ID`, evidence: { source, saw: `Uid: ${fields['Uid']}` } }
    const unexplained = hex(fields['CapPrm']) & ~hex(fields['CapAmb'])
    if (uids[0] === 0 || unexplained === 0n) return null
  }
  if (of.uid === 0) return null
  const output = await known(host.run('getcap', [of.root + exe]))
  if (!output.known || output.value === null || output.value.code !== 0 || output.value.stdout.trim() === '') return null
  return { because: `${exe} has file capabilities`, evidence: { source: question.run('getcap', [of.root + exe]), saw: output.value.stdout.trim() } }
}

const hex = (text: string | undefined): bigint => (/^[0-9a-f]+$/i.test(text ?? '') ? BigInt(`0x${text}`) : 0n)

/** The machine by Node's name for it. */
const native = (arch: string): { bits: 32 | 64; machine: string } =>
  ({ x64: { bits: 64, machine: 'x86_64' }, arm64: { bits: 64, machine: 'aarch64' }, ia32: { bits: 32, machine: 'i386' }, arm: { bits: 32, machine: 'arm' }, ppc64: { bits: 64, machine: 'ppc64le' }, s390x: { bits: 64, machine: 's390x' }, riscv64: { bits: 64, machine: 'riscv64' } } as const)[arch] ?? { bits: 64, machine: arch }
