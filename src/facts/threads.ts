import { DoesNotApply, known } from '../cannot-see.ts'
import { threadFlagOf } from '../cgroup/thread-flags.ts'
import { basename } from '../paths.ts'
import { question } from '../question.ts'
import type { Env, Evidence, Fact, Host } from '../types.ts'
import { cgroupCpu } from './cgroup-cpu.ts'
import { usableCpus } from './cgroup-cpuset.ts'
import { unitLimits } from './cgroup-unit.ts'
import { context } from './context.ts'
import { engines, type Engine, type EngineLibrary } from './engines.ts'
import { process_ } from './process.ts'
import { target } from './target.ts'

/** How many threads the engine computes with at once. */
export interface Threads {
  readonly engine: Engine | null
  readonly count: number
  /** `asked`: the command line says so. `default`: what the engine does when its caller says nothing; code may say otherwise. */
  readonly chosen: 'asked' | 'default'
  /** The end of a sentence: why that many. */
  readonly because: string
  readonly evidence: readonly Evidence[]
}

export interface ThreadView {
  readonly threads: Threads | null
  /** Threads the process has now, of all kinds. null = it does not run, or is the shell. */
  readonly running: { readonly count: number; readonly evidence: Evidence } | null
  /** The engine is in memory: what it starts at the outset has been started. */
  readonly loaded: boolean
}

/** Asked only where something limits the CPU: to count the machine's cores is slow, and of no use elsewhere. */
export const threads: Fact<ThreadView> = {
  id: 'threads',
  about: 'how many threads the speech engine computes with',
  gather: async (host, use) => {
    const [asked, cpu, usable, unit] = await Promise.all([use(target), known(use(cgroupCpu)), use(usableCpus), use(unitLimits)])
    const quota = cpu.known ? cpu.value?.quota : undefined
    const narrow = usable !== null && (usable.cpuset !== null || (usable.allowed?.count ?? usable.online) < usable.online)
    if (quota === null && !narrow && (unit === null || unit.active || unit.cpuQuota === null)) throw new DoesNotApply('Neither a CPU quota nor a set of CPUs limits it.')
    if (asked.kind === 'shell') return { threads: null, running: null, loaded: false }
    const [process, of, libraries] = await Promise.all([use(process_), use(context), known(use(engines))])
    const all = libraries.known ? libraries.value : []
    const library = chief(all)
    const env = of.env.known ? of.env.value : {}
    const short = library?.engine === 'ggml' || /whisper/.test(basename(of.exe ?? ''))
    const argvSource = process === null ? (unit?.cpuQuota?.evidence.at(-1)?.source ?? question.target()) : question.read(`${process.folder}/cmdline`)
    // A start script may be told the number and hand it on in a way that cannot be seen.
    const lines = [{ argv: of.argv, source: argvSource }, ...(process?.launchers ?? [])]
    const flag = lines.map(({ argv, source }) => ({ told: threadFlagOf(argv, short), source })).find(({ told }) => told !== null)
    const running = process === null || process.pid === 'self' ? null : { count: process.status.threads, evidence: { source: question.read(`${process.folder}/status`), saw: `Threads: ${process.status.threads}` } }
    const threads: Threads | null =
      flag !== undefined
        ? { engine: library?.engine ?? null, count: flag.told!.count, chosen: 'asked', because: `its command line says ${flag.told!.saw}`, evidence: [{ source: flag.source, saw: flag.told!.saw }] }
        : library === null || usable === null ? null : await byDefault(host, library, env, of.envSource, usable.allowed?.count ?? usable.online)
    return { threads, running, loaded: library?.loaded ?? false }
  },
}

/** The engine that does the speech where several lie about: sherpa-onnx brings its own ONNX Runtime, faster-whisper uses one for its VAD. */
const ORDER: readonly Engine[] = ['sherpa-onnx', 'ctranslate2', 'ggml', 'onnxruntime', 'torch']

function chief(libraries: readonly EngineLibrary[]): EngineLibrary | null {
  const loaded = libraries.filter((library) => library.loaded)
  const among = loaded.length > 0 ? loaded : libraries
  return ORDER.map((engine) => among.find((library) => library.engine === engine)).find((library) => library !== undefined) ?? null
}

/**
 * Defaults, from the sources: CTranslate2 src/utils.cc set_num_threads (OMP_NUM_THREADS, else at most 4); whisper.cpp examples
 * min(4, hardware_concurrency); sherpa-onnx OfflineModelConfig::num_threads 2 (1 for streaming); ATen ParallelCommon.cpp
 * (OMP_NUM_THREADS, MKL_NUM_THREADS, else physical cores); ONNX Runtime: physical cores of the host, whatever the affinity, the quota
 * or OMP_NUM_THREADS (measured with 1.30), and ORT_INTRA_OP_NUM_THREADS in 1.28 to 1.30.
 */
async function byDefault(host: Host, library: EngineLibrary, env: Env, envSource: string, usable: number): Promise<Threads | null> {
  const { engine } = library
  const seen: Evidence = { source: library.foundBy, saw: library.path }
  const set = (name: string): number | null => (/^[1-9]\d{0,3}$/.test(env[name]?.split(',')[0] ?? '') ? Number(env[name]!.split(',')[0]) : null)
  const from = (name: string): Threads => ({ engine, count: set(name)!, chosen: 'default', because: `${name}=${env[name]}`, evidence: [{ source: envSource, saw: `${name}=${env[name]}` }, seen] })
  const capped = (count: number, because: string): Threads => ({ engine, count: Math.min(count, usable), chosen: 'default', because, evidence: [seen] })
  if (engine === 'ctranslate2') return set('OMP_NUM_THREADS') !== null ? from('OMP_NUM_THREADS') : capped(4, 'CTranslate2 takes up to 4 when it is told nothing')
  if (engine === 'ggml') return capped(4, 'whisper.cpp takes up to 4 when it is told nothing')
  if (engine === 'sherpa-onnx') return capped(2, 'sherpa-onnx takes up to 2 when it is told nothing')
  if (engine === 'onnxruntime') {
    if (/^1\.(28|29|30)\b/.test(library.version ?? '') && set('ORT_INTRA_OP_NUM_THREADS') !== null) return from('ORT_INTRA_OP_NUM_THREADS')
    const cores = await physicalCores(host)
    return cores === null ? null : { engine, count: cores.count, chosen: 'default', because: 'ONNX Runtime takes one for each core of the machine when it is told nothing', evidence: [seen, cores.evidence] }
  }
  if (engine !== 'torch') return null
  if (set('MKL_NUM_THREADS') !== null) return from('MKL_NUM_THREADS')
  if (set('OMP_NUM_THREADS') !== null) return from('OMP_NUM_THREADS')
  const cores = await physicalCores(host)
  return cores === null ? null : { ...capped(cores.count, 'PyTorch takes one for each core when it is told nothing'), evidence: [seen, cores.evidence] }
}

async function physicalCores(host: Host): Promise<{ readonly count: number; readonly evidence: Evidence } | null> {
  const answer = await known(host.inventory('cpu'))
  const count = answer.known ? (answer.value as { physicalCores?: number } | null)?.physicalCores : undefined
  return count === undefined || !(count > 0) ? null : { count, evidence: { source: question.inventory('cpu'), saw: `physicalCores: ${count}` } }
}
