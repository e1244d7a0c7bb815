import { known } from '../cannot-see.ts'
import { basename } from '../paths.ts'
import { question } from '../question.ts'
import type { Evidence, Fact } from '../types.ts'
import { scanner } from '../log/scan.ts'
import { isGpuProviderFile } from '../onnx/providers.ts'
import { mayWork, type ProbeVerdict } from '../probe/judge.ts'
import { tellsFailure } from '../verdict/reason.ts'
import { seenIn, signatureOf, type ReadLog, type Signs } from '../verdict/signs.ts'
import { cgroupMemory, type CgroupMemory } from './cgroup-memory.ts'
import { endpoint } from './endpoint.ts'
import { engines } from './engines.ts'
import { gpuIntent, triedForCuda } from './gpu-intent.ts'
import { logs } from './log.ts'
import { certainlyUsed, modelFiles } from './model-files.ts'
import { probe } from './probe.ts'
import { process_ } from './process.ts'
import { profiles } from './profile.ts'
import { target } from './target.ts'
import { unitState } from './unit-state.ts'

/** What is known of the running inference, from every side. What cannot be seen is left out: it speaks for nothing. */
export type Session = Omit<Signs, 'outcomes'>

const ENGINE = /\/(lib)?(onnxruntime|sherpa_onnx|ctranslate2|sherpa-onnx|whisper|ggml|torch_cpu|torch_cuda)/

/** Who is linked with cuBLAS, or loads it for work of its own. */
const BRINGS_CUBLAS = /\/(?:libtorch[_.]|libonnxruntime_providers_(?!shared)|libggml-cuda|libtensorflow|xla_|cupy)/

export const session: Fact<Session> = {
  id: 'session',
  about: 'what speaks for or against work on the GPU',
  gather: async (_host, use) => {
    const asked = await use(target)
    // A shell is no program, and files alone may come from another machine: neither is asked what runs here.
    const here = asked.kind === 'unit' || asked.kind === 'pid'
    const [log, model, profile, unit, wish, running, libraries, tried, memory, served] = await Promise.all([
      known(use(logs)),
      known(use(modelFiles)),
      known(use(profiles)),
      here ? known(use(unitState)) : null,
      here ? known(use(gpuIntent)) : null,
      here ? known(use(process_)) : null,
      here ? known(use(engines)) : null,
      asked.probe === undefined || asked.probe.url !== undefined ? null : known(use(probe)),
      here ? known(use(cgroupMemory)) : null,
      asked.probe?.url === undefined ? null : known(use(endpoint)),
    ])
    const maps = running?.known && running.value !== null && running.value.maps.known ? running.value.maps.value : []
    // What lies beside a running program and is not in its memory is not part of it; of one that does not run nothing more is known.
    const near = (libraries?.known ? libraries.value : []).filter((each) => each.loaded || (running?.known === true && running.value === null))
    const loaded = maps.find(({ path }) => isGpuProviderFile(path))
    const cublas = maps.some(({ path }) => BRINGS_CUBLAS.test(path)) ? undefined : maps.find(({ path }) => /\/libcublas(?:-\w+)?\.so/.test(path))
    const mapsSource = running?.known && running.value !== null ? question.read(`${running.value.folder}/maps`) : ''
    const written = (log.known ? log.value : []).flatMap(({ asked: by, name, reading }) => (reading.known ? [{ asked: by, name, reading: reading.value }] : []))
    const provider = loaded !== undefined ? { state: 'loaded' as const, evidence: { source: mapsSource, saw: loaded.path } } : triedForCuda(maps) ? { state: 'tried' as const, evidence: { source: mapsSource, saw: maps.find(({ path }) => /providers_shared/.test(path))!.path } } : null
    // Where the service itself has what the probe could not get, its program does something for it that the probe does not.
    const works = provider?.state === 'loaded' || cublas !== undefined || seenIn({ logs: written }, ({ shows, tier }) => shows === 'gpu' && tier !== null && tier >= 'T2').length > 0
    const verdicts = tried?.known ? mayWork(tried.value.verdicts) : []
    // A probe tries the GPU where nobody asks for it as well: what that printed is then the probe's own doing.
    const told = tried?.known && !works && wish?.known && wish.value.asks === 'gpu' ? saidIn(tried.value.asked, verdicts) : null
    return {
      logs: [...written, ...(told === null ? [] : [told])],
      models: (model.known ? model.value : []).flatMap((each, _, all) => (each.file.known && each.file.value.format === 'onnx' ? [{ asked: each.asked, path: each.path, certain: certainlyUsed(each, all), given: each.how === 'given', model: each.file.value }] : [])),
      profiles: (profile.known ? profile.value : []).flatMap(({ asked: by, path, reading }) => (reading.known ? [{ asked: by, path, reading: reading.value }] : [])),
      concerns: asked.files !== undefined || (wish?.known === true && wish.value.asks === 'gpu') || near.length > 0 || maps.some(({ path }) => ENGINE.test(path)),
      engineFiles: [...near.map(({ path }) => path), ...maps.map(({ path }) => path).filter((path) => ENGINE.test(path))],
      usesOnnx: near.some(({ engine }) => engine === 'onnxruntime' || engine === 'sherpa-onnx') || maps.some(({ path }) => /\/(lib)?onnxruntime/.test(path)),
      onnxRuntime: (libraries?.known ? libraries.value : []).find(({ engine, version }) => engine === 'onnxruntime' && version !== null)?.version ?? null,
      asks: wish?.known ? { asks: wish.value.asks, evidence: wish.value.evidence } : null,
      gpuPresent: wish?.known ? wish.value.gpuPresent : null,
      provider,
      cublas: cublas === undefined ? null : { source: mapsSource, saw: cublas.path },
      limitNeverHit: memory?.known ? neverHit(memory.value) : null,
      unit: unit?.known && unit.value !== null ? { name: unit.value.name, scope: unit.value.scope, source: unit.value.source, properties: unit.value.properties } : null,
      ...(tried?.known ? { probe: { asked: tried.value.asked, place: tried.value.place, verdicts, noNvml: tried.value.reading.noNvml } } : {}),
      ...(served?.known ? { endpoint: { asked: served.value.asked, answers: served.value.answers, verdict: served.value.verdict } } : {}),
    }
  },
}

/** Of every limit above it the kernel counts how often it was run into (memory.events); reading a large file is enough for that. */
function neverHit(of: CgroupMemory | null): Evidence | null {
  const limited = (of?.uses ?? []).filter(({ level }) => of!.limits.some((limit) => limit.level.path === level.path))
  const seen = limited[0]?.evidence.hits
  return seen !== undefined && limited.every(({ hits }) => hits === 0) ? { source: seen.source, saw: `${basename(seen.source)}: ${seen.saw}` } : null
}

/** What the engines printed while they were tried, read as a log of the service: failures only, for what worked is judged by itself. */
function saidIn(asked: string, verdicts: readonly ProbeVerdict[]): ReadLog | null {
  const lines = verdicts.flatMap(({ engine: { said, error, sessions = [], models = [] } }) => [...said, ...[error, ...sessions.flatMap((each) => [each.error, each.runError]), ...models.map((each) => each.error)].flatMap((each) => (each === null ? [] : each.split('\n')))])
  const scan = scanner()
  scan.push(new TextEncoder().encode(lines.join('\n')))
  const read = scan.finish(asked)
  const hits = read.hits.filter(({ id }) => signatureOf(id) !== undefined && tellsFailure(signatureOf(id)!))
  return hits.length === 0 ? null : { asked, name: 'the probe', reading: { ...read, hits, counts: Object.fromEntries(hits.map(({ id }) => [id, read.counts[id] ?? 1])) } }
}
