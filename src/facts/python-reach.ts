import { CannotSee } from '../cannot-see.ts'
import type { Fact, Known } from '../types.ts'
import type { EngineLibrary } from './engines.ts'
import { maybe } from './maybe.ts'
import { interpreter } from './python-interpreter.ts'
import { python, type PythonView } from './python.ts'
import { resolution } from './resolution.ts'
import { sourceIdiom } from './source-idiom.ts'
import type { SourceScan } from './source-scan.ts'
import { targetPid } from './target.ts'

/** A library that an engine asks for, that its loader does not find, and that a wheel of the service's Python holds. */
export interface Unreached {
  readonly engine: EngineLibrary
  readonly soname: string
  /** The directories of wheels that hold it, in the order of sys.path. */
  readonly homes: readonly { readonly directory: string; readonly root: string }[]
  /** The file that asks for it: the engine, or a library of it. */
  readonly neededBy: string
  /** The engine goes on without it. */
  readonly optional: boolean
  /** The running process has tried to load the engine's GPU part, and it is not in its memory. */
  readonly attempted: boolean
}

/** Where the wheels of this Python hold a library. */
export const homesOf = (view: PythonView, soname: string): Unreached['homes'] =>
  view.nvidia.libraryDirs.filter((dir) => dir.libraries.includes(soname)).map(({ directory, root }) => ({ directory, root }))

/** The lines by which the program itself loads CUDA libraries before its engine asks for them. */
export const preloads: Fact<Known<SourceScan['preloads']>> = {
  id: 'preloads',
  about: 'lines of the service that load CUDA libraries by themselves',
  gather: async (_host, use) => {
    const idiom = await use(maybe(sourceIdiom))
    return idiom.known ? { known: true, value: idiom.value?.scan?.preloads ?? [] } : idiom
  },
}

export interface WheelReach {
  /** Paths of the engine libraries whose wishes were followed. */
  readonly engines: readonly string[]
  readonly unreached: readonly Unreached[]
  /** Libraries of the wheels of which the loader's answer is not known. */
  readonly unclear: readonly { readonly soname: string; readonly because: string; readonly how: string | null }[]
  /** Why LD_LIBRARY_PATH has no effect for this program; null = it has. */
  readonly pathIgnored: string | null
}

export const wheelReach: Fact<WheelReach> = {
  id: 'wheel-reach',
  about: "which libraries of the Python's wheels the engines' loader does not find",
  gather: async (_host, use) => {
    const view = await use(python)
    if (view === null || view.nvidia.libraryDirs.length === 0) return { engines: [], unreached: [], unclear: [], pathIgnored: null }
    const [found, main] = await Promise.all([use(interpreter), use(targetPid)])
    // The loader is modelled for the main process. Below a wrapper script the Python has its own environment and memory.
    if (found !== null && found.pid !== null && found.pid !== main) {
      throw new CannotSee(`The Python of this service is process ${found.pid}, which a wrapper (process ${main}) has started, and what its loader finds is to be judged there.`, `Examine that process itself: asr-doctor check --pid ${found.pid}.`)
    }
    const { libraries, searchPath } = await use(resolution)
    return {
      engines: libraries.map(({ library }) => library.path),
      unreached: libraries.flatMap(({ library, missing, proven }) =>
        missing.flatMap((one): Unreached[] => {
          // What the service's user may not open is another matter than what the loader does not see.
          const homes = homesOf(view, one.soname).filter(({ directory }) => one.foundAt.some(({ path, obstacle }) => path === `${directory}/${one.soname}` && obstacle === null))
          return homes.length === 0 ? [] : [{ engine: library, soname: one.soname, neededBy: one.neededBy, optional: one.optional, attempted: proven === 'attempted', homes }]
        }),
      ),
      unclear: libraries.flatMap(({ library, links, unknown }) =>
        [
          ...unknown,
          // A wish that was not followed is not one that is met.
          ...library.wants.filter((want) => !want.optional && !links.some((link) => link.name === want.soname)).map(({ soname }) => ({ name: soname, because: `Where ${library.path} would find ${soname} could not be followed.`, how: null })),
        ]
          .filter(({ name }) => homesOf(view, name).length > 0)
          .map(({ name, because, how }) => ({ soname: name, because, how })),
      ),
      pathIgnored: searchPath.ignored?.because ?? null,
    }
  },
}

/** preload_dlls looks in the site directory of onnxruntime itself and nowhere else (onnxruntime/__init__.py, 1.31.1). */
export function besideOnnxruntime(one: Pick<Unreached, 'engine' | 'homes'>): boolean {
  const site = /^(.*)\/onnxruntime\/capi\/[^/]+$/.exec(one.engine.path)?.[1]
  return site !== undefined && one.homes.some(({ root }) => root === `${site}/nvidia`)
}

/** Why the libraries may come into memory although the loader alone does not find them; null = nothing speaks for it. One whole sentence. */
export function preloadDoubt(missing: readonly Unreached[], view: PythonView, lines: Known<SourceScan['preloads']>): string | null {
  // A process that has tried and failed settles it.
  if (missing.some((one) => one.attempted)) return null
  const names = and([...new Set(missing.map((one) => one.soname))])
  const it = missing.length === 1 ? 'it' : 'them'
  const torch = view.distributions.find((one) => one.name === 'torch' && !one.version.includes('+cpu'))
  const counts = (text: string): boolean => (/\btorch\b/.test(text) ? torch !== undefined : /preload_dlls\s*\(/.test(text) && !/directory/.test(text) ? missing.some(besideOnnxruntime) : true)
  const line = lines.known ? lines.value.find(({ text }) => counts(text)) : undefined
  if (line !== undefined) return `${line.file}:${line.line} (${line.text}) may load ${names} from the wheels before the engine asks for ${it}; the loader alone does not find ${it}.`
  // An engine that is in memory without torch beside it came before torch, if that comes at all.
  if (torch === undefined || missing.some((one) => one.engine.loaded)) return null
  return `The loader alone does not find ${names}, but PyTorch ${torch.version} is installed and would bring ${it} into memory if some part of the program imports it before the engine.`
}

/** `a, b and c`. */
export const and = (words: readonly string[]): string => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`)
