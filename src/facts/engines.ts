import { CannotSee, known } from '../cannot-see.ts'
import { dirname, join } from '../paths.ts'
import { question } from '../question.ts'
import type { Fact, Host, Linkage } from '../types.ts'
import { context } from './context.ts'
import { isCudaLibrary } from './cuda-names.ts'
import { asksForCuda, patternOf, versionOf, wantsOf } from './engine-file.ts'
import { crowded, foldersNear } from './engine-folders.ts'
import { loader } from './loader.ts'
import { process_ } from './process.ts'
import { python, type PythonView } from './python.ts'
import { target } from './target.ts'

export type Engine = 'onnxruntime' | 'ctranslate2' | 'ggml' | 'torch' | 'sherpa-onnx' | 'other'

/** One library that decides whether the target's speech engine can use the GPU: an execution provider, or the engine itself. */
export interface EngineLibrary {
  readonly engine: Engine
  /** As the target names it, without a `/proc/PID/root` prefix. */
  readonly path: string
  /** The engine's version where a file name, a symbol version or a dist-info tells it. */
  readonly version: string | null
  /** It stands in /proc/PID/maps now. */
  readonly loaded: boolean
  /** The question that led to it, for evidence. */
  readonly foundBy: string
  /** The CUDA major it is built for, from the sonames it asks for; null = it asks for none (a CPU build). */
  readonly cudaMajor: number | null
  /** What the loader will be asked for, DT_NEEDED and known dlopen(3) calls together. */
  readonly wants: readonly { readonly soname: string; readonly how: 'needed' | 'dlopen'; readonly optional: boolean }[]
}

/** The engine libraries of the target. Empty = none found (which is not yet proof that it uses none). */
export const engines: Fact<readonly EngineLibrary[]> = {
  id: 'engines',
  about: 'the speech runtimes the target loads or lies beside',
  gather: async (host, use) => {
    const [asked, of] = await Promise.all([use(target), use(context)])
    if (asked.kind === 'library') return named(host, asked.path)
    // An unknown interpreter hides only what lies in its packages; a missing view is not an empty one, but the rest is still worth seeing.
    const view = await known(use(python))
    const pythonView = view.known ? view.value : null
    // A shell loads nothing by itself.
    if (asked.kind === 'shell' && pythonView === null) return []
    const [running, start] = await Promise.all([use(process_), known(use(loader))])
    const near = await foldersNear(host, of, pythonView)
    const listed = await Promise.all(
      near.map(async ({ path, foundBy }): Promise<Candidate[]> => {
        const names = crowded(path) ? [] : await known(host.list(of.root + path)).then((list) => (list.known ? (list.value ?? []) : []))
        const found = names.filter((name) => patternOf(name) !== null)
        const provider = crowded(path) && (await known(host.stat(`${of.root}${path}/libonnxruntime_providers_cuda.so`)).then((s) => s.known && s.value !== null)) ? ['libonnxruntime_providers_cuda.so'] : []
        return [...found, ...provider].map((name) => ({ path: join(path, name), loaded: false, foundBy }))
      }),
    )
    const maps = running?.maps.known ? running.maps.value : []
    const mapped = maps.filter(({ path, deleted }) => !deleted && patternOf(path) !== null).map(({ path }) => ({ path, loaded: true, foundBy: question.read(`${running!.folder}/maps`) }))
    const linked: Candidate[] = start.known ? start.value.memory.objects.filter(({ path }) => patternOf(path) !== null).map(({ path, loader: by }) => ({ path, loaded: false, foundBy: question.linkage(of.root + (by?.path ?? path)) })) : []
    // A program built with its engine inside asks for CUDA itself (whisper.cpp, Rust and C++ services).
    const own = start.known ? start.value.program : null
    if (own !== null && own.linkage.format === 'elf' && own.linkage.needed.some(isCudaLibrary)) linked.push({ path: own.path, loaded: running !== null && running.pid !== 'self', foundBy: question.linkage(of.root + own.path) })
    const beside = await besides(host, of.root, [...mapped, ...linked])
    return identified(host, of.root, [...mapped, ...linked, ...beside, ...listed.flat()], pythonView)
  },
}

interface Candidate {
  readonly path: string
  readonly loaded: boolean
  readonly foundBy: string
}

/** ONNX Runtime looks for its providers in its own folder (GetRuntimePath), wherever it was loaded from. */
async function besides(host: Host, root: string, cores: readonly Candidate[]): Promise<readonly Candidate[]> {
  const folders = [...new Set(cores.filter(({ path }) => patternOf(path)?.engine === 'onnxruntime').map(({ path }) => dirname(path)))]
  const found = await Promise.all(folders.map(async (folder) => ({ path: join(folder, 'libonnxruntime_providers_cuda.so'), stat: await known(host.stat(`${root}${folder}/libonnxruntime_providers_cuda.so`)) })))
  return found.flatMap(({ path, stat }) => (stat.known && stat.value !== null ? [{ path, loaded: false, foundBy: question.stat(root + path) }] : []))
}

/** The library the user named, whatever it is. */
async function named(host: Host, path: string): Promise<readonly EngineLibrary[]> {
  const linkage = await host.linkage(path)
  if (linkage === null) throw new CannotSee(`There is no file ${path}.`, 'Name a shared library with --library FILE.')
  return [described({ path, loaded: false, foundBy: question.target() }, linkage, null)]
}

async function identified(host: Host, root: string, candidates: readonly Candidate[], view: PythonView | null): Promise<readonly EngineLibrary[]> {
  const seen = await Promise.all(candidates.map(async (each) => ({ each, real: (await known(host.realpath(root + each.path))) as { value?: string | null } })))
  const unique = new Map<string, Candidate>()
  for (const { each, real } of seen) {
    const key = real.value ?? each.path
    if (!unique.has(key)) unique.set(key, each)
  }
  const described_ = await Promise.all(
    [...unique.values()].map(async (each) => {
      const linkage = await known(host.linkage(root + each.path))
      return linkage.known && linkage.value !== null ? described(each, linkage.value, view) : null
    }),
  )
  const all = described_.filter((each) => each !== null)
  // The engine itself is of interest only where no GPU part of it lies in the same folder.
  return all
    .filter((each) => patternOf(each.path)?.part === 'gpu' || !all.some((other) => other !== each && other.engine === each.engine && dirname(other.path) === dirname(each.path) && (patternOf(other.path)?.part === 'gpu' || all.indexOf(other) < all.indexOf(each))))
    .map((each) => (each.version === null ? { ...each, version: all.find((other) => other.engine === each.engine && dirname(other.path) === dirname(each.path) && other.version !== null)?.version ?? null } : each))
}

const DISTRIBUTIONS: Partial<Record<Engine, readonly string[]>> = { onnxruntime: ['onnxruntime-gpu', 'onnxruntime'], ctranslate2: ['ctranslate2'], torch: ['torch'], 'sherpa-onnx': ['sherpa-onnx'] }

function described({ path, loaded, foundBy }: Candidate, linkage: Linkage, view: PythonView | null): EngineLibrary {
  const engine = patternOf(path)?.engine ?? 'other'
  const packaged = view?.distributions.find(({ name, root }) => DISTRIBUTIONS[engine]?.includes(name.toLowerCase().replace(/_/g, '-')) && path.startsWith(`${root}/`))?.version ?? null
  const version = packaged ?? versionOf(path, linkage)
  const wants = linkage.format === 'elf' ? wantsOf(path, linkage, version) : []
  return { engine, path, version, loaded, foundBy, cudaMajor: asksForCuda(wants), wants }
}

/** Whether the file is the engine's part for the GPU, by name. */
export const isGpuPart = (library: { readonly path: string }): boolean => patternOf(library.path)?.part === 'gpu'
