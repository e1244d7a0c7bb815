/**
 * The search of the dynamic loaders, rule by rule: glibc's _dl_map_object (elf/dl-load.c) and musl's load_library
 * (ldso/dynlink.c). It answers for one process: its environment, credentials, root and working directory.
 */
import { CannotSee, known } from '../cannot-see.ts'
import { bigEndian } from '../elf/machine.ts'
import { dirname } from '../paths.ts'
import type { Env, Host } from '../types.ts'
import type { Who } from './access.ts'
import { cached } from './cache.ts'
import { lookAt } from './look.ts'
import { directoriesOf, muslUsable, type Tokens } from './search-path.ts'
import type { Loaded, LoaderSystem, Look, Problem, Rule, Search, Skipped, Tried } from './types.ts'

/** Whose loader is modelled. */
export interface Place {
  readonly root: string
  readonly who: Who
  readonly env: Env
  /** null = not known: relative elements then cannot be followed. */
  readonly cwd: string | null
  /** AT_SECURE: the program has file capabilities or is set-user-ID, so LD_LIBRARY_PATH is ignored (ld.so(8)). */
  readonly secure: boolean
  readonly sameAsCaller: boolean
  /** The program file behind /proc/self/exe; null = a library judged alone, as ldd does. */
  readonly program: string | null
}

interface List {
  readonly rule: Rule
  readonly of: string | null
  readonly directories: readonly string[]
}

export type Find = (name: string, loader: Loaded | null, main: Loaded | null) => Promise<Search>

/** The search for one name, asked by `loader`. `main` is the program, or the library itself where there is none. */
export function finder(host: Host, system: LoaderSystem, place: Place): Find {
  const look = (path: string): Promise<Look> => lookAt(host, place.root, path, place.who, place.sameAsCaller)
  const cwd = place.cwd ?? '\0unknown'

  const subdirs = async (directory: string): Promise<readonly string[]> => {
    if (directory.includes('\0')) throw new CannotSee('The working directory of the service is not known, and its library path has relative elements.', null)
    const stat = await known(host.stat(place.root + directory))
    if (stat.known && stat.value?.type !== 'directory') return []
    if (system.hwcaps.length === 0) return [directory]
    const levels = await known(host.stat(`${place.root}${directory}/glibc-hwcaps`))
    return levels.known && levels.value === null ? [directory] : [...system.hwcaps.map((level) => `${directory}/glibc-hwcaps/${level}`), directory]
  }

  const lists = (loader: Loaded | null, main: Loaded | null): readonly List[] => {
    const tokens = (of: Loaded): Tokens => ({ origin: dirname(of.loader === null && place.program !== null ? of.realpath : of.path), lib: system.lib, platform: system.platform })
    const from = (text: string | null, of: Loaded, rule: Rule): List[] =>
      text === null || text === '' ? [] : [{ rule, of: of.path, directories: directoriesOf(text, 'rpath', system.kind, tokens(of), cwd) }]
    const asker = loader ?? main
    const env = place.secure ? '' : (place.env['LD_LIBRARY_PATH'] ?? '')
    const envTokens: Tokens = { ...(main === null ? { lib: system.lib, platform: system.platform } : tokens(main)), origin: main === null ? null : tokens(main).origin }
    const environment: List = { rule: 'LD_LIBRARY_PATH', of: null, directories: directoriesOf(env, 'LD_LIBRARY_PATH', system.kind, envTokens, cwd) }
    const fallback: List = { rule: 'default', of: null, directories: system.defaultDirs }
    if (system.kind === 'musl') {
      // RPATH and RUNPATH are one, and inherited along the askers up to the program; LD_LIBRARY_PATH comes before them.
      const inherited = chainOf(asker).flatMap((of) => {
        const text = of.linkage.runpath ?? of.linkage.rpath
        return text !== null && muslUsable(text) ? from(text, of, of.linkage.runpath === null ? 'rpath' : 'runpath') : []
      })
      return [environment, ...inherited, fallback]
    }
    const chain = chainOf(loader)
    const all = main !== null && !chain.includes(main) ? [...chain, main] : chain
    // An asker with RUNPATH uses no RPATH at all; elsewhere in the chain RUNPATH voids only that file's own RPATH.
    const rpaths = loader?.linkage.runpath != null ? [] : all.flatMap((of) => (of.linkage.runpath === null ? from(of.linkage.rpath, of, 'rpath') : []))
    const runpath = asker === null ? [] : from(asker.linkage.runpath, asker, 'runpath')
    const cache: List[] = [{ rule: 'ld.so.cache', of: null, directories: [] }]
    return [...rpaths, environment, ...runpath, ...(system.cache === null ? [] : cache), ...(asker?.linkage.noDefaultDirs ? [] : [fallback])]
  }

  const viaPath = async (path: string, rule: Rule, of: string | null, skipped: Skipped[]): Promise<Search | 'next' | 'next-list'> => judged(system, path, await look(path), rule, of, skipped)

  return async (name, loader, main) => {
    try {
      const skipped: Skipped[] = []
      if (name.includes('/')) {
        const path = name.startsWith('/') ? name : `${cwd}/${name}`
        const answer = await viaPath(path, 'path', null, skipped)
        if (typeof answer !== 'string') return answer
        const [passed] = skipped
        if (passed?.why === 'other-class' || passed?.why === 'other-machine') return { status: 'broken', path, problem: passed.why, rule: 'path', of: null, skipped: [] }
        return { status: 'missing', tried: [{ rule: 'path', of: null, directories: [dirname(path)] }], skipped }
      }
      // musl's loader is its C library as well and answers to all the names of its parts (load_library, `reserved`).
      if (system.kind === 'musl' && /^lib(?:c|pthread|rt|m|dl|util|xnet)\./.test(name)) {
        const own = await viaPath(system.interpreter, 'already-loaded', null, skipped)
        if (typeof own !== 'string') return own
      }
      const tried: Tried[] = []
      for (const list of lists(loader, main)) {
        if (list.rule === 'ld.so.cache') {
          const entry = cached(system.cache ?? [], name, system.machine, system.hwcaps)
          const barred = (loader ?? main)?.linkage.noDefaultDirs && entry !== null && system.defaultDirs.includes(dirname(entry.path))
          if (entry === null || barred) {
            tried.push({ rule: list.rule, of: null, directories: [] })
            continue
          }
          const answer = await viaPath(entry.path, list.rule, null, skipped)
          if (typeof answer !== 'string') return answer
          tried.push({ rule: list.rule, of: null, directories: [dirname(entry.path)] })
          continue
        }
        if (list.directories.length === 0) continue
        const folders = (await Promise.all(list.directories.map(subdirs))).flat()
        // Asked all at once, judged in order.
        const looks = await Promise.all(folders.map((folder) => known(look(`${folder === '/' ? '' : folder}/${name}`))))
        for (const [at, folder] of folders.entries()) {
          const seen = looks[at]!
          if (!seen.known) return { status: 'unknown', because: seen.because, how: seen.how }
          const answer = judged(system, `${folder === '/' ? '' : folder}/${name}`, seen.value, list.rule, list.of, skipped)
          if (typeof answer !== 'string') return answer
          if (answer === 'next-list' && system.kind === 'musl') return { status: 'missing', tried, skipped }
          if (answer === 'next-list') break
        }
        tried.push({ rule: list.rule, of: list.of, directories: list.directories })
      }
      return { status: 'missing', tried, skipped }
    } catch (error) {
      if (error instanceof CannotSee) return { status: 'unknown', because: error.message, how: error.how }
      throw error
    }
  }
}

const chainOf = (of: Loaded | null): readonly Loaded[] => (of === null ? [] : [of, ...chainOf(of.loader)])

/** Taken, passed over in silence, or the end of the search. */
function judged(system: LoaderSystem, path: string, look: Look, rule: Rule, of: string | null, skipped: Skipped[]): Search | 'next' | 'next-list' {
  const broken = (problem: Problem): Search => ({ status: 'broken', path, problem, rule, of, skipped })
  switch (look.kind) {
    case 'absent':
      return 'next'
    case 'dangling':
      skipped.push({ path, why: 'dangling', detail: look.to })
      return 'next'
    case 'link-loop':
      // Any failure but "not there" and "not allowed" ends glibc's walk over this list; the next rule is still tried. musl ends it all.
      skipped.push({ path, why: 'link-loop', detail: look.to })
      return 'next-list'
    case 'unreadable':
      skipped.push({ path, why: 'unreadable', detail: look.because })
      return 'next'
    case 'directory':
      return broken('directory')
    case 'file': {
      const { linkage } = look
      const header = linkage.format === 'elf' ? linkage : linkage.header
      if (header === undefined) return broken((linkage as { problem: Problem }).problem)
      const foreign = foreignness(system, header)
      if (foreign === null) return linkage.format === 'broken' ? broken(linkage.problem) : { status: 'found', path, realpath: look.realpath, linkage, rule, of, skipped }
      // musl opens the first file of the name and fails when it cannot map it; glibc passes over another class or machine.
      if (system.kind === 'musl' || foreign === 'other-byte-order') return broken(foreign)
      skipped.push({ path, why: foreign, detail: `${header.bits}-bit ${header.machine}` })
      return 'next'
    }
  }
}

function foreignness(system: LoaderSystem, file: { readonly bits: number; readonly machine: string }): 'other-class' | 'other-machine' | 'other-byte-order' | null {
  if (file.bits !== system.bits) return 'other-class'
  if (bigEndian(file.machine) !== bigEndian(system.machine)) return 'other-byte-order'
  return file.machine === system.machine ? null : 'other-machine'
}
