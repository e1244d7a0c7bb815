/** What a probe proves, engine by engine, and no more. */
import { onGpu, sideOf } from '../onnx/providers.ts'
import type { EngineProbe, ProbeReading, TriedSession, WatchedGpu } from './types.ts'

/**
 * `own`: the service's own model was placed on the GPU. `can`: something small was, so the GPU can be used in the service's
 * place. `cpu`: asked for the GPU, it works on the CPU. `broken`: it crashed, hung or failed. `untold`: none of these is shown.
 */
export type Shown = 'own' | 'can' | 'cpu' | 'broken' | 'untold'

export interface ProbeVerdict {
  readonly engine: EngineProbe
  readonly shown: Shown
  readonly tier: 'T1' | 'T2' | 'T3' | 'T4' | 'T5'
  /** One or more whole sentences. */
  readonly because: string
  /** The engine has no GPU part at all. */
  readonly cpuOnly: boolean
  /** Operators of the service's own model that stayed on the CPU. */
  readonly onCpu: readonly string[]
}

const cpuOnly = ({ engine, available, builtFor }: EngineProbe): boolean =>
  engine === 'onnxruntime' ? available !== undefined && !available.some(onGpu) : engine === 'torch' ? builtFor === null : engine !== 'ctranslate2'
const NAMES = { onnxruntime: 'ONNX Runtime', ctranslate2: 'CTranslate2', torch: 'torch', 'sherpa-onnx': 'sherpa-onnx', 'whisper.cpp': 'whisper.cpp' } as const

export const judgedProbe = (reading: ProbeReading): readonly ProbeVerdict[] => reading.engines.map(judged)

/**
 * Those that may do the work. Beside another engine a CPU build of ONNX Runtime or torch often serves voice detection alone
 * (faster-whisper), on the CPU as it should; and where the service's own model ran on the GPU, whatever did not is no matter.
 * sherpa-onnx counts as another engine where it took the provider that it was asked for.
 */
export const mayWork = (verdicts: readonly ProbeVerdict[]): readonly ProbeVerdict[] => {
  const leads = ({ engine: { engine, version }, shown }: ProbeVerdict) => (engine === 'sherpa-onnx' ? shown === 'untold' && version !== null : engine === 'ctranslate2' || engine === 'whisper.cpp')
  const done = verdicts.some(({ engine: { engine }, shown }) => engine === 'ctranslate2' && shown === 'own')
  const serves = ({ engine: { engine }, cpuOnly, shown }: ProbeVerdict) =>
    (engine === 'onnxruntime' && cpuOnly && verdicts.some((each) => leads(each) || each.engine.engine === 'torch')) || (engine === 'torch' && cpuOnly && verdicts.some(leads)) || (done && (engine === 'onnxruntime' || engine === 'torch') && shown === 'cpu')
  return verdicts.filter((each) => !serves(each))
}

export const nameOf = ({ engine, version }: EngineProbe): string => (version === null ? NAMES[engine] : `${NAMES[engine]} ${version}`)

function judged(engine: EngineProbe): ProbeVerdict {
  const shown = (how: Shown, tier: ProbeVerdict['tier'], because: string): ProbeVerdict => ({ engine, shown: how, tier, because, cpuOnly: how === 'cpu' && cpuOnly(engine), onCpu: [...new Set((engine.sessions ?? []).filter(({ model }) => model !== null).flatMap(({ cpuOps }) => cpuOps.map(({ op }) => op)))] })
  const name = nameOf(engine)
  if (engine.engine === 'sherpa-onnx') return bySherpa(engine, shown)
  const partial = (engine.sessions?.length ?? 0) > 0 || (engine.models?.length ?? 0) > 0
  // Time that runs out over the service's own model leaves what was seen before; a crash does not.
  if (engine.end !== 'answered' && !(engine.end === 'late' && partial)) return shown('broken', 'T2', `${name} ${endInWords(engine)}.`)
  if (engine.engine === 'onnxruntime') return byOnnx(engine, shown)
  if (engine.engine === 'torch') return byTorch(engine, shown)
  if (engine.engine === 'ctranslate2') return byCt2(engine, shown)
  const info = engine.systemInfo
  if (info === undefined) return shown('broken', 'T1', `${name} could not be asked: ${engine.error ?? 'it gave no answer'}.`)
  return /\b(CUDA|Vulkan|ROCm|HIP|SYCL|Metal) *:/i.test(info) ? shown('untold', 'T1', `${name} was built with a GPU backend; whether it uses it, only its own log says.`) : shown('cpu', 'T1', `${name} was built without any GPU backend: ${info.trim().slice(0, 120)}.`)
}

type Show = (how: Shown, tier: ProbeVerdict['tier'], because: string) => ProbeVerdict

function byOnnx(engine: EngineProbe, shown: Show): ProbeVerdict {
  const name = nameOf(engine)
  const sessions = engine.sessions ?? []
  const [small] = sessions
  if (small === undefined) return shown('broken', 'T2', `${name} could not be tried: ${engine.error ?? endInWords(engine)}.`)
  if (!small.wanted.some(onGpu)) return shown('untold', 'T2', `${name} was tried on the CPU, which is what it is asked for.`)
  const own = sessions.filter(({ model, got }) => model !== null && got !== null)
  const tried = own.length > 0 ? own : [small]
  const what = own.length > 0 ? `the service’s own ${own.map(({ model }) => model!.split('/').at(-1)).join(', ')}` : 'a small built-in network'
  if (small.got === null) return shown('broken', 'T2', `${name} could not create a session: ${firstLine(small.error)}.`)
  const [gpu, cpu] = [sum(tried, 'gpu'), sum(tried, 'cpu')]
  if (!small.got.some(onGpu)) {
    return shown('cpu', sum([small], 'cpu') > 0 ? 'T4' : 'T2', `${name}: asked for ${small.wanted.join(', ')}, session.get_providers() gives ${small.got.join(', ')} only${engine.available?.some(onGpu) ? ', although get_available_providers() names CUDA' : ''}.`)
  }
  const failed = tried.find(({ runError }) => runError !== null)
  const got = tried.every((each) => each.got!.some(onGpu))
  if (!got || gpu === 0) return shown('untold', 'T2', `${name}: session.get_providers() gives ${tried[0]!.got!.join(', ')} for ${what}, and its log does not say where the nodes are.`)
  const placed = `${name}: ${what} was placed with ${gpu} nodes on the GPU${cpu > 0 ? ` and ${cpu} on the CPU (${opsOf(tried)}), with ${tried.reduce((n, each) => n + each.copies, 0)} copies between them` : ' and none on the CPU'}`
  if (failed !== undefined && (failed.model === null || /CUDA|CUDNN|CUBLAS|EPFail|EP_FAIL/.test(failed.runError!))) return shown('broken', 'T4', `${placed}, and the run failed: ${firstLine(failed.runError)}.`)
  if (small.right === false) return shown('broken', 'T4', `${placed}, and what came out of the built-in network is wrong.`)
  const ran = tried.every(({ runs }) => runs !== null)
  const time = ran ? busy(own.length > 0 ? own.flatMap(({ gpus = [] }) => gpus) : (small.gpus ?? engine.gpus)) : null
  return shown(own.length > 0 ? 'own' : 'can', time === null ? 'T4' : 'T5', `${placed}${ran ? '' : '; it could not be run with made-up input'}${time === null ? '' : `; ${time}`}.`)
}

const sum = (sessions: readonly TriedSession[], side: 'gpu' | 'cpu'): number => sessions.flatMap(({ placed }) => placed).filter((each) => sideOf(each.provider) === side).reduce((n, { nodes }) => n + nodes, 0)

function opsOf(sessions: readonly TriedSession[]): string {
  const sums = new Map<string, number>()
  for (const { op, nodes } of sessions.flatMap(({ cpuOps }) => cpuOps)) sums.set(op, (sums.get(op) ?? 0) + nodes)
  return [...sums].sort((a, b) => b[1] - a[1]).slice(0, 4).map(([op, nodes]) => `${op} ×${nodes}`).join(', ') || 'kinds unknown'
}

const TOO_LARGE = /^Spared: |out of memory|^MemoryError|bad_alloc/i

function byCt2(engine: EngineProbe, shown: Show): ProbeVerdict {
  const name = nameOf(engine)
  const [model] = engine.models ?? []
  if (model?.device === 'cuda' && model.runs !== null) {
    const time = busy(model.gpus ?? [])
    return shown('own', time === null ? 'T4' : 'T5', `${name}: the service’s own ${model.model} was loaded on ${model.device} as ${model.computeType} and took one second of audio${time === null ? '' : `; ${time}`}.`)
  }
  if (model?.device === 'cpu') return shown('untold', 'T2', `${name} was tried on the CPU, which is what it is asked for.`)
  if (engine.devices === 0) return shown('cpu', 'T2', `${name}: get_cuda_device_count() gives 0${engine.error === null ? '' : ` (${firstLine(engine.error)})`}.`)
  // Too large to stand beside the service: that says nothing of the engine.
  if (model !== undefined && model.error !== null && TOO_LARGE.test(model.error)) return shown('untold', 'T2', `${name} sees ${engine.devices} GPUs; ${model.model} was not loaded a second time: ${firstLine(model.error.replace(/^\w+: /, ''))}.`)
  if (model !== undefined && model.error !== null) return shown('broken', 'T2', `${name}: ${model.model} could not be used: ${firstLine(model.error)}.`)
  if (typeof engine.devices === 'number') return shown('untold', 'T2', `${name} sees ${engine.devices} GPUs${engine.cudaTypes ? ` and offers ${engine.cudaTypes.join(', ')} on them` : ''}; no model of the service is known, so none was loaded.`)
  return shown('broken', 'T2', `${name} could not count the GPUs: ${firstLine(engine.error)}.`)
}

function byTorch(engine: EngineProbe, shown: Show): ProbeVerdict {
  const name = nameOf(engine)
  if (engine.error !== null && engine.devices === undefined) return shown('broken', 'T2', `${name} could not be imported: ${firstLine(engine.error)}.`)
  if (engine.builtFor === null) return shown('cpu', 'T1', `${name} was built without CUDA (torch.version.cuda is None).`)
  if (engine.devices === 0) return shown('cpu', 'T2', `${name}, built for CUDA ${engine.builtFor}: torch.cuda.is_available() is False${engine.error === null ? '' : ` (${firstLine(engine.error)})`}.`)
  if (engine.work === 'right') {
    const time = busy(engine.gpus)
    return shown('can', time === null ? 'T3' : 'T5', `${name}: a matrix product on the GPU came out right${time === null ? '' : `; ${time}`}. That says nothing of engines that do not use torch.`)
  }
  if (engine.work === 'wrong') return shown('broken', 'T3', `${name}: a matrix product on the GPU came out wrong.`)
  if (engine.work !== undefined && engine.work !== null) return shown('broken', 'T3', `${name} failed at a matrix product on the GPU: ${firstLine(engine.work)} (it has code for ${(engine.archs ?? []).join(', ')}; the GPU is ${(engine.capabilities ?? []).join(', ')}).`)
  return shown('untold', 'T2', `${name} sees ${engine.devices} GPUs, and none was tried.`)
}

/** It ends the process itself once it finds that the model is none of its own, which is past the point that is asked about. */
function bySherpa(engine: EngineProbe, shown: Show): ProbeVerdict {
  const name = nameOf(engine)
  const fallback = engine.said.find((line) => /Fallback to cpu/.test(line))
  if (fallback !== undefined) return shown('cpu', 'T2', `${name} was built without CUDA and takes the CPU in its place.`)
  const failed = engine.said.find((line) => /Failed to load library|Failed to load shared library|CUDA failure/.test(line)) ?? (engine.error !== null && /CUDA|providers_/.test(engine.error) ? engine.error : undefined)
  if (failed !== undefined) return shown('broken', 'T2', `${name} could not load its CUDA provider: ${firstLine(failed)}.`)
  if (/^SIG/.test(engine.end) || engine.end === 'late') return shown('broken', 'T2', `${name} ${endInWords(engine)}.`)
  return shown('untold', 'T2', engine.error !== null && engine.version === null ? `${name} could not be imported: ${firstLine(engine.error)}.` : `${name} did not refuse the provider it was asked for; where nodes are placed was not shown.`)
}

export const endInWords = ({ end, step }: EngineProbe): string => (end === 'late' ? `did not come back from ${stepOf(step)} in time` : /^SIG/.test(end) ? `died of ${end} in ${stepOf(step)}` : `ended with ${end} in ${stepOf(step)}`)
const stepOf = (step: string): string => (step.startsWith('import ') ? `“${step}”` : step === '' ? 'its start' : step)
export const firstLine = (text: string | null): string => (text ?? 'no reason given').split('\n')[0]!.trim().replace(/[.:\s]+$/, '').slice(0, 300)

/** T5: NVML saw this very process compute. Without that nothing is said: short work may fall between its samples. */
function busy(gpus: readonly WatchedGpu[]): string | null {
  const [most] = gpus.filter(({ ownSm }) => ownSm !== null && ownSm > 0).sort((a, b) => b.ownSm! - a.ownSm!)
  return most === undefined ? null : `NVML saw it use up to ${most.ownSm} % of the SMs of ${most.name}${beside(most)}${slowed(most)}`
}

/** What else was seen of it: memory, the clock, and others at work there. */
function beside({ ownSm, ownMemoryBytes, allSm, smClockMhz }: WatchedGpu): string {
  const words = [
    ...(ownMemoryBytes === null ? [] : [`with ${Math.round(ownMemoryBytes / 2 ** 20)} MiB of its memory`]),
    ...(smClockMhz === null ? [] : [`at up to ${smClockMhz[1]} MHz`]),
    // Both are of their own sampling periods, so that a little more says nothing.
    ...(allSm !== null && allSm >= ownSm! + 20 ? [`where all programs together use up to ${allSm} %`] : []),
  ]
  return words.length === 0 ? '' : `, ${words.join(', ')}`
}

/** nvml.h, nvmlClocksEventReason…: what slows a GPU down; idling and chosen clocks are left out. */
const SLOWED = [[0x4, 'its power limit'], [0x8, 'a hardware slowdown'], [0x20, 'heat (software)'], [0x40, 'heat (hardware)'], [0x80, 'the power brake']] as const

export function slowed({ throttle }: WatchedGpu): string {
  const reasons = SLOWED.filter(([bit]) => (throttle & bit) !== 0).map(([, name]) => name)
  return reasons.length === 0 ? '' : `, slowed by ${reasons.join(' and ')}`
}
