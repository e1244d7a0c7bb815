import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { basename, dirname } from '../paths.ts'
import { judgedProbe, type ProbeVerdict } from '../probe/judge.ts'
import { probeModel } from '../probe/model.ts'
import { probeOf } from '../probe/read.ts'
import { probeScript } from '../probe/script.ts'
import type { ProbedEngine, ProbeReading } from '../probe/types.ts'
import type { Fact, Host, Use } from '../types.ts'
import { profilingOf } from '../verdict/profiling.ts'
import { engines as engineLibraries } from './engines.ts'
import { gpuIntent } from './gpu-intent.ts'
import { modelFiles } from './model-files.ts'
import { askPython, PROLOGUE } from './python-reply.ts'
import { interpreter, type Interpreter } from './python-interpreter.ts'
import { python } from './python.ts'
import { target } from './target.ts'

export interface Probe {
  readonly reading: ProbeReading
  readonly verdicts: readonly ProbeVerdict[]
  /** What stood in for the service: how close to it the probe came. */
  readonly place: 'running' | 'configured' | 'caller'
  /** Only engines that stand in the memory of the process were tried, not all that are installed. */
  readonly loadedOnly: boolean
  /** The question behind it, for evidence. */
  readonly asked: string
}

/** Time for the interpreter to start and for the last child to be ended, out of the probe's own. */
const START_S = 3
const MOST_MODELS = 3

const LOADED: readonly (readonly [ProbedEngine, RegExp])[] = [
  ['onnxruntime', /\/onnxruntime\/capi\//],
  ['ctranslate2', /\/(?:ctranslate2(?:\.libs)?)\//],
  ['sherpa-onnx', /\/sherpa_onnx\//],
  ['whisper.cpp', /\/_?pywhispercpp/],
  ['torch', /\/torch\/lib\//],
]

/**
 * The engines of the target, tried once more by its own interpreter in its own place: environment, user and view of the file
 * system, but not its cgroup, whose limits would be spent on the probe. It is asked only where somebody asks for it.
 */
export const probe: Fact<Probe> = {
  id: 'probe',
  about: 'what the engine does when it is tried in the place of the service',
  gather: async (host, use) => {
    const asked = await use(target)
    if (asked.probe === undefined) throw new DoesNotApply('Nobody asked for a live probe (--probe).')
    if (asked.probe.url !== undefined) throw new DoesNotApply('Its endpoint was asked, and no engine was tried in its place.')
    const found = await use(interpreter)
    if (found === null) throw new CannotSee('It runs no Python, and a program of another kind cannot be tried a second time without its own ways of being called.', await otherwise(use))
    // Where the unit's sandbox would change what is seen, the fact says so.
    if (found.pid === null && found.context.origin === 'configured') await use(python)
    const loaded = await loadedBy(host, found)
    const engines = loaded.length > 0 ? loaded : LOADED.map(([engine]) => engine)
    const words = [found.scriptFolder ?? '', (await wantsGpu(use)) ? 'gpu' : 'cpu', engines.join(','), ...(await ownModels(use))]
    const { seconds } = asked.probe
    const script = PROLOGUE + probeScript(probeModel(), Math.max(1, seconds - START_S))
    const { value, source } = await askPython(host, found, 'asr-doctor-probe.py', script, words, seconds * 1000)
    const reading = probeOf(value)
    if (reading === null) throw new CannotSee(`${found.executable} gave an answer that is none.`)
    return { reading, verdicts: judgedProbe(reading), place: found.context.origin, loadedOnly: loaded.length > 0, asked: source }
  },
}

/** How its engine tells by itself. */
async function otherwise(use: Use): Promise<string> {
  const found = await known(use(engineLibraries))
  const [hint] = profilingOf((found.known ? found.value : []).map(({ path }) => path))
  return hint === undefined ? 'Its log tells which provider it took: let it transcribe once and look there.' : `Make it tell: ${hint.how}.`
}

/** The engines in the memory of the interpreter. */
async function loadedBy(host: Host, { pid }: Interpreter): Promise<readonly ProbedEngine[]> {
  const maps = pid === null ? null : await known(host.read(`/proc/${pid}/maps`))
  const text = maps?.known ? (maps.value ?? '') : ''
  return LOADED.filter(([, path]) => path.test(text)).map(([engine]) => engine)
}

/** Whoever asks for nothing is tried on the GPU: that it can be used there is what one wants to know. */
async function wantsGpu(use: Use): Promise<boolean> {
  const wish = await known(use(gpuIntent))
  return !(wish.known && wish.value.asks === 'cpu')
}

async function ownModels(use: Use): Promise<readonly string[]> {
  const found = await known(use(modelFiles))
  const models = found.known ? found.value : []
  // A file in a folder that is named may be one of many that are never loaded.
  const onnx = models.filter(({ path, how, file }) => how !== 'folder' && path.endsWith('.onnx') && file.known).slice(0, MOST_MODELS)
  const folder = models.find(({ path }) => basename(path) === 'model.bin')
  return [...onnx.map(({ path }) => `onnx:${path}`), ...(folder === undefined ? [] : [`ct2:${dirname(folder.path)}`])]
}
