import { known } from '../cannot-see.ts'
import { obstacle } from '../loader/access.ts'
import { load, type Memory } from '../loader/load.ts'
import { finder, type Find } from '../loader/model.ts'
import type { Link, Loaded, Problem, Skipped, Tried, VersionGap } from '../loader/types.ts'
import { meantBy } from '../loader/search-path.ts'
import { versionGapsOf } from '../loader/versions.ts'
import { basename, dirname, join } from '../paths.ts'
import { question } from '../question.ts'
import type { Fact, Host, Known } from '../types.ts'
import { context, type Context } from './context.ts'
import { cureFor, type Cure } from './cure.ts'
import { CUDNN_PARTS, isCudaLibrary, isDriverLibrary, partsOf } from './cuda-names.ts'
import { patternOf } from './engine-file.ts'
import { crowded } from './engine-folders.ts'
import { engines, isGpuPart, type EngineLibrary } from './engines.ts'
import { triedForCuda } from './gpu-intent.ts'
import { holds, libraryPlaces, otherMajors, type LibraryPlace, type PlaceKind } from './library-places.ts'
import { loader, started, type LoaderView, type SearchPath, searchPath } from './loader.ts'
import type { MappedFile } from './proc.ts'
import { process_ } from './process.ts'
import { python, type PythonView } from './python.ts'

/** What becomes of every library that one engine library asks for. */
export interface LibraryResolution {
  readonly library: EngineLibrary
  /** Every name asked for, in the loader's order, with its answer. The last of the model, the process left aside. */
  readonly links: readonly Link[]
  /** Names that nothing answers: not the search, not the running process. The driver's own are left out: they are the driver's matter. */
  readonly missing: readonly MissingLibrary[]
  /** Files at which the search ends in a hard error. */
  readonly broken: readonly BrokenLibrary[]
  readonly versionGaps: readonly VersionGap[]
  /** Names of which nothing can be said here. */
  readonly unknown: readonly { readonly name: string; readonly because: string; readonly how: string | null }[]
  /** The driver's library as this search finds it; null = not found, or not asked for. */
  readonly driver: { readonly path: string; readonly realpath: string; readonly rule: string } | null
  readonly cudnn: Cudnn | null
  /** What the running process shows: the library is in its memory, it has tried and failed to load it, or neither. */
  readonly proven: 'loaded' | 'attempted' | null
  /** Directories that would make the missing ones found, tried out on the model; null = nothing is missing that lies somewhere. */
  readonly cure: Cure | null
}

export interface MissingLibrary {
  readonly soname: string
  readonly neededBy: string
  readonly how: 'needed' | 'dlopen' | 'preload'
  /** The engine goes on without it. */
  readonly optional: boolean
  readonly tried: readonly Tried[]
  readonly skipped: readonly Skipped[]
  /** Where it lies all the same. */
  readonly foundAt: readonly FoundAt[]
  /** The same library of another major, wherever known. */
  readonly otherMajors: readonly string[]
}

export interface FoundAt {
  readonly path: string
  readonly place: PlaceKind
  /** One of the directories that the service's own interpreter sees. */
  readonly ofInterpreter: boolean
  /** Why the service's user could not open it; null = it could. */
  readonly obstacle: string | null
  readonly origin: string
}

export interface BrokenLibrary {
  readonly soname: string
  readonly path: string
  readonly problem: Problem
  readonly neededBy: string
}

export interface Cudnn {
  /** libcudnn itself, as found or mapped. */
  readonly path: string
  readonly major: number
  readonly parts: readonly { readonly soname: string; readonly path: string | null }[]
}

export interface Resolution {
  readonly libraries: readonly LibraryResolution[]
  readonly searchPath: SearchPath
  /** Elements of LD_LIBRARY_PATH that lead nowhere; looked for only where something is missing. */
  readonly deadFolders: readonly DeadFolder[]
  readonly places: readonly LibraryPlace[]
  readonly of: Pick<Context, 'origin' | 'root' | 'uid' | 'argv' | 'exe' | 'envSource'>
  /** The target runs Python, whose code may load libraries by path before the engine asks: null = it runs none. */
  readonly python: Known<PythonView | null>
}

export interface DeadFolder {
  readonly path: string
  readonly asked: string
}

export const resolution: Fact<Resolution> = {
  id: 'resolution',
  about: 'which file the loader gives the engine for each library, or why none',
  gather: async (host, use) => {
    const [found, of, py] = await Promise.all([use(engines), use(context), known(use(python))])
    const whose = { origin: of.origin, root: of.root, uid: of.uid, argv: of.argv, exe: of.exe, envSource: of.envSource }
    // A shell without an engine: the loader and its cache need not be asked, only what it will hand down.
    if (found.length === 0 && of.exe === null && of.origin === 'caller') {
      return { libraries: [], searchPath: await use(searchPath), deadFolders: [], places: [], of: whose, python: py }
    }
    const [view, running] = await Promise.all([use(loader), known(use(process_))])
    const maps = running.known && running.value?.maps.known ? running.value.maps.value : []
    const wanting = found.filter(({ path, wants }) => wants.some(({ soname }) => isCudaLibrary(soname) || isDriverLibrary(soname)) || wants.length === 0 || isGpuPart({ path }))
    const find = finder(host, view.system, view.place)
    const walked = await Promise.all(wanting.map((library) => walk(host, find, view, of, library, maps)))
    const open = walked.flatMap((walk) => unanswered(walk, maps))
    const places = open.some(({ name }) => isCudaLibrary(name)) ? await libraryPlaces(host, of, py.known ? py.value : null, nearOf(of, found, walked.flatMap(({ links }) => links))) : []
    const libraries = await Promise.all(walked.map((walk) => judge(host, of, view, walk, maps, places)))
    const deadFolders = open.length === 0 || view.searchPath.ignored !== null ? [] : await deadIn(host, of.root, view.searchPath.value ?? '')
    return { libraries, searchPath: view.searchPath, deadFolders, places, of: whose, python: py }
  },
}

/** Whole paths only: what an element that is none means is the matter of cuda/library-path-unsafe. */
async function deadIn(host: Host, root: string, value: string): Promise<readonly DeadFolder[]> {
  const paths = [...new Set(value.split(/[:;]/).filter((element) => element.startsWith('/')))].slice(0, MOST_FOLDERS)
  const stats = await Promise.all(paths.map((path) => known(host.stat(root + path))))
  return paths.filter((_, at) => stats[at]!.known && (stats[at] as { value: unknown }).value === null).map((path) => ({ path, asked: question.stat(root + path) }))
}

const MOST_FOLDERS = 64

interface Walk {
  readonly library: EngineLibrary
  readonly links: readonly Link[]
  readonly memory: Memory
}

/** Loads one engine library as the target would: after the program and the file that opens it, then what it opens itself. */
async function walk(host: Host, find: Find, view: LoaderView, of: Context, library: EngineLibrary, maps: readonly MappedFile[]): Promise<Walk> {
  const memory: Memory = { objects: [...view.memory.objects], main: view.memory.main }
  // What the process has in memory already satisfies later needs, however it came there (torch, preload_dlls, a wrapper).
  // The C++ run-time matters too: an older one that came first (conda) decides which symbol versions there are.
  for (const { path, deleted } of maps) if (!deleted && (isCudaLibrary(basename(path)) || /^lib(?:stdc\+\+|gcc_s|gomp)\.so/.test(basename(path)))) await load(find, memory, path, memory.main, 'dlopen')
  const opener = await openerOf(host, of.root, library.path)
  const by = opener === null ? memory.main : (await load(find, memory, opener, memory.main, 'dlopen'), memory.objects.find(({ names }) => names.has(opener)) ?? memory.main)
  const links = [...(await load(find, memory, library.path, by, 'dlopen'))]
  const own = memory.objects.find(({ names }) => names.has(library.path)) ?? null
  if (own !== null) {
    for (const { soname, how } of library.wants) {
      if (how === 'dlopen') links.push(...(await load(find, memory, soname.startsWith('libonnxruntime') ? join(dirname(library.path), soname) : soname, own, 'dlopen')))
    }
    // cudart opens the driver's library by name; where it comes from is worth knowing, its absence is not this fact's matter.
    if (library.cudaMajor !== null) links.push(...(await load(find, memory, 'libcuda.so.1', own, 'dlopen')).filter(({ name }) => name === 'libcuda.so.1'))
    // A program is in memory from the start: what it links was followed with it.
    if (view.program?.path === library.path) links.push(...view.links)
  }
  const cudnn = cudnnIn(memory)
  if (cudnn !== null) for (const part of CUDNN_PARTS[cudnn.major] ?? []) links.push(...(await load(find, memory, part, cudnn.object, 'dlopen')))
  return { library, links, memory }
}

/** The file beside a GPU part that opens it: its RPATH is inherited (glibc asks the openers up to the program). */
async function openerOf(host: Host, root: string, path: string): Promise<string | null> {
  const pattern = patternOf(path)
  if (pattern?.part !== 'gpu') return null
  const folder = pattern.engine === 'ctranslate2' ? join(dirname(dirname(path)), 'ctranslate2') : dirname(path)
  if (crowded(folder)) return null
  const names = await known(host.list(root + folder))
  const wanted = pattern.engine === 'ctranslate2' ? /^_ext\.[\w.-]*so$/ : pattern.engine === 'onnxruntime' ? /^(?:onnxruntime_pybind11_state[\w.-]*\.so|libonnxruntime\.so[\d.]*)$/ : null
  const name = wanted === null || !names.known ? undefined : (names.value ?? []).find((each) => wanted.test(each))
  return name === undefined ? null : join(folder, name)
}

function cudnnIn(memory: Memory): { object: Loaded; major: number } | null {
  const object = memory.objects.find(({ path, linkage }) => partsOf(linkage.soname ?? basename(path)).stem === 'libcudnn')
  const major = object === undefined ? null : partsOf(object.linkage.soname ?? basename(object.path)).major
  return object === undefined || major === null ? null : { object, major }
}

const inMaps = (maps: readonly MappedFile[], soname: string): string | null =>
  maps.find(({ path }) => basename(path) === soname || basename(path).startsWith(`${soname}.`))?.path ?? null

/** Links without an answer that matter, each name once; what the process has in memory needs no search any more. */
function unanswered({ library, links }: Walk, maps: readonly MappedFile[]): readonly Link[] {
  const seen = new Set<string>()
  return links.filter(({ name, how, answer }) => {
    if (answer.status !== 'missing' || seen.has(name) || isDriverLibrary(name) || inMaps(maps, name) !== null) return false
    // A library in memory has all it is linked with.
    if (library.loaded && how === 'needed' && !isCudnnPartOpened(name, links)) return false
    seen.add(name)
    return true
  })
}

const isCudnnPartOpened = (name: string, links: readonly Link[]): boolean => links.some((link) => link.how === 'dlopen' && link.name === name)

async function judge(host: Host, of: Context, view: LoaderView, walk: Walk, maps: readonly MappedFile[], places: readonly LibraryPlace[]): Promise<LibraryResolution> {
  const { library, links, memory } = walk
  const optional = new Set(library.wants.filter((want) => want.optional).map(({ soname }) => soname))
  const missing = await Promise.all(
    unanswered(walk, maps).map(async ({ name, neededBy, how, answer }): Promise<MissingLibrary> => {
      const { tried, skipped } = answer as Extract<Link['answer'], { status: 'missing' }>
      const foundAt = isCudaLibrary(name) ? (await Promise.all(places.filter((place) => holds(place, name)).map((place) => foundIn(host, of, view, place, name)))).filter((each) => each !== null) : []
      const cache = (view.system.cache ?? []).map(({ soname, path }) => ({ directory: dirname(path), names: [soname] }))
      return { soname: name, neededBy, how, optional: optional.has(name), tried, skipped, foundAt, otherMajors: isCudaLibrary(name) ? [...new Set(otherMajors([...cache, ...places], name))] : [] }
    }),
  )
  const broken = library.loaded ? [] : links.flatMap(({ name, neededBy, answer }): BrokenLibrary[] => (answer.status === 'broken' ? [{ soname: name, path: answer.path, problem: answer.problem, neededBy }] : []))
  const unknown = links.flatMap(({ name, answer }) => (answer.status === 'unknown' ? [{ name, because: answer.because, how: answer.how }] : []))
  const driver = links.find(({ name, answer }) => name === 'libcuda.so.1' && answer.status === 'found')?.answer
  const mappedDriver = maps.find(({ path }) => /^libcuda\.so\./.test(basename(path)))?.path
  const attempted = library.engine === 'onnxruntime' && triedForCuda(maps)
  return {
    library,
    links,
    missing,
    broken: unique(broken, ({ path }) => path),
    versionGaps: library.loaded ? [] : versionGapsOf(memory),
    unknown: unique(unknown, ({ name }) => name),
    driver: mappedDriver !== undefined ? { path: mappedDriver, realpath: mappedDriver, rule: 'mapped' } : driver?.status === 'found' ? { path: driver.path, realpath: driver.realpath, rule: driver.rule } : null,
    cudnn: cudnnOf(memory, links, maps),
    proven: library.loaded ? 'loaded' : attempted ? 'attempted' : null,
    cure: await cureFor(missing, view, (value) => again(host, view, of, library, maps, value)),
  }
}

async function foundIn(host: Host, of: Context, view: LoaderView, place: LibraryPlace, name: string): Promise<FoundAt | null> {
  const path = join(place.directory, name)
  // A name alone is no library: links to nothing, pointers and files of another processor help nobody.
  const linkage = await known(host.linkage(of.root + path))
  const usable = linkage.known && linkage.value?.format === 'elf' && linkage.value.bits === view.system.bits && linkage.value.machine === view.system.machine
  if (linkage.known && !usable) return null
  const real = ((await known(host.realpath(of.root + path))) as { value?: string | null }).value?.slice(of.root.length) ?? path
  const barred = view.place.sameAsCaller ? null : await known(obstacle(host, of.root, real === path ? [path] : [real, path], view.place.who))
  return { path, place: place.kind, ofInterpreter: place.ofInterpreter, obstacle: barred === null ? null : barred.known ? barred.value : barred.because, origin: place.origin }
}

/** The same walk with another LD_LIBRARY_PATH: the links that would still fail, and what would be found where. */
async function again(host: Host, view: LoaderView, of: Context, library: EngineLibrary, maps: readonly MappedFile[], value: string): Promise<readonly Link[]> {
  const place = { ...view.place, env: { ...view.place.env, LD_LIBRARY_PATH: value } }
  const find = finder(host, view.system, place)
  const memory: Memory = { objects: [], main: null }
  const links = view.program === null ? [] : await started(find, memory, view.program.path, place)
  const walked = await walk(host, find, { ...view, place, memory, links }, of, library, maps)
  return walked.links
}

function cudnnOf(memory: Memory, links: readonly Link[], maps: readonly MappedFile[]): Cudnn | null {
  const mapped = maps.find(({ path }) => /^libcudnn(?:-[0-9a-f]+)?\.so\./.test(basename(path)))
  const inModel = cudnnIn(memory)
  const path = mapped?.path ?? inModel?.object.path
  if (path === undefined) return null
  const major = partsOf(basename(path)).major ?? inModel?.major
  if (major === undefined || major === null) return null
  const parts = (CUDNN_PARTS[major] ?? []).map((soname) => {
    const answer = links.find((link) => link.name === soname)?.answer
    return { soname, path: inMaps(maps, soname) ?? (answer?.status === 'found' ? answer.realpath : null) }
  })
  return { path: mapped?.path ?? inModel!.object.realpath, major, parts }
}

/** Folders worth a look for a missing library: those of the program, of the engine, and all that some other search went through. */
const nearOf = (of: Context, found: readonly EngineLibrary[], links: readonly Link[]) => {
  const searched = links.flatMap(({ answer }) => (answer.status === 'missing' ? answer.tried.flatMap(({ rule, directories }) => (rule === 'default' ? [] : directories)) : answer.status === 'found' ? [dirname(answer.path)] : []))
  const meant = meantBy((of.env.known ? of.env.value['LD_LIBRARY_PATH'] : undefined) ?? '', of.env.known ? of.env.value : {})
  const named = links.flatMap(({ answer }) => (answer.status === 'found' ? (answer.linkage.rpath ?? answer.linkage.runpath ?? '').split(':') : [])).filter((path) => path.startsWith('/'))
  const programs = [of.exe, ...of.argv.slice(0, 3)].filter((path): path is string => path?.startsWith('/') === true).map(dirname)
  const homes = [...new Set([...programs, ...(of.cwd === null ? [] : [of.cwd])])].filter((folder) => !crowded(folder))
  const folders = [...new Set([...found.map(({ path }) => dirname(path)), ...homes, ...homes.map((home) => join(home, 'lib')), ...searched, ...meant, ...named])].filter((folder) => !crowded(folder))
  return { folders, homes }
}

const unique = <T>(list: readonly T[], key: (of: T) => string): readonly T[] => [...new Map([...list].reverse().map((each) => [key(each), each])).values()].reverse()
