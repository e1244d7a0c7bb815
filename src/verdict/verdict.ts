/** On the GPU or not, from the strongest evidence there is, and never beyond what it proves. */
import type { GpuVerdict } from '../types.ts'
import type { ProbeVerdict } from '../probe/judge.ts'
import { opsInWords, placed, seenIn, slowest, standing, type Signs } from './signs.ts'

export function verdictOf(signs: Signs): GpuVerdict {
  const own = byProfile(signs) ?? byPlacement(signs) ?? byFailure(signs)
  const probed = own === null ? byProbe(signs) : null
  const judged = own ?? probed ?? byLesserSigns(signs)
  const speed = slowest(signs)
  const words = [judged.because, ...(probed === null ? probeWords(signs, judged) : []), ...(speed === null ? [] : [speedInWords(speed)]), ...(judged.onGpu === true ? [] : modelWords(signs, judged))]
  // What a probe shows is worth saying even where nothing else was seen; what something small can do is no more than T2 of the service.
  return { ...judged, tier: judged.tier ?? tierOfProbe(signs), because: words.join(' ') }
}

/** T4: the profile names the provider of every node. Its times for CUDA are launches and say nothing of the GPU. */
function byProfile({ profiles }: Signs): GpuVerdict | null {
  const read = profiles.filter(({ reading }) => reading.providers.length > 0)
  if (read.length === 0) return null
  const sum = (provider: RegExp) => read.reduce((total, { reading }) => total + reading.providers.filter((each) => provider.test(each.provider)).reduce((n, each) => n + each.nodes, 0), 0)
  const gpu = sum(/^(CUDA|Tensorrt|NvTensorRTRTX)ExecutionProvider$/)
  const cpu = sum(/^CPUExecutionProvider$/)
  const copies = read.reduce((total, { reading }) => total + reading.memcpy.nodes, 0)
  const heavy = read.flatMap(({ reading }) => reading.cpuOps).filter(({ op }) => !BENIGN_ON_CPU.has(op))
  const tier = read.some(({ reading }) => reading.kernelUs !== null) ? 'T5' : 'T4'
  if (gpu === 0) return { onGpu: false, tier: 'T4', because: `The profile shows ${cpu} nodes on the CPU and none on a GPU.` }
  if (heavy.length === 0) return { onGpu: true, tier, because: `The profile shows ${gpu} nodes on the GPU${cpu > 0 ? ` and ${cpu} on the CPU, all of them arithmetic on shapes` : ' and none on the CPU'}.` }
  return { onGpu: null, tier, because: `The profile shows ${gpu} nodes on the GPU and ${cpu} on the CPU, with ${copies} copies between them; on the CPU are ${heavy.slice(0, 4).map(({ op, nodes }) => `${op} ×${nodes}`).join(', ')}. How much of the work each does, launch times on the host do not tell.` }
}

/** Operators that ONNX Runtime keeps on the CPU for the sake of shapes and indices (GetCpuPreferredNodes). */
export const BENIGN_ON_CPU: ReadonlySet<string> = new Set('Shape Size Gather Slice Concat Unsqueeze Squeeze Cast Reshape Range ConstantOfShape Equal Where Expand Add Sub Mul Div Mod Min Max Neg Floor Ceil ReduceProd ReduceMin ReduceMax ReduceSum Greater Less Not And Or If Identity Transpose Tile Constant NonZero Flatten'.split(' '))

/** T4: the verbose log counts the nodes on each side. */
function byPlacement(signs: Signs): GpuVerdict | null {
  const counted = seenIn(signs, ({ id }) => /^ort-(all|some)-on-(cuda|cpu)$/.test(id))
  if (counted.length === 0) return null
  const sum = (side: 'cuda' | 'cpu') => counted.filter(({ signature }) => signature.id.endsWith(side)).reduce((total, { hit }) => total + Number(/Number of nodes: (\d+)/.exec(hit.text)?.[1] ?? 0), 0)
  const [gpu, cpu] = [sum('cuda'), sum('cpu')]
  const missing = countOf(signs, 'ort-kernel-missing')
  const copies = countOf(signs, 'ort-memcpy')
  if (gpu === 0) return { onGpu: false, tier: 'T4', because: `The log places ${cpu} nodes on the CPU and none on CUDA.` }
  const wholeOnCpu = seenIn(signs, ({ id }) => id === 'ort-all-on-cpu').length
  if (missing === 0 && copies === 0 && wholeOnCpu === 0) return { onGpu: true, tier: 'T4', because: `The log places ${gpu} nodes on CUDA${cpu > 0 ? `, and ${cpu} on the CPU without any copy between them` : ' and none on the CPU'}.` }
  const rest = [...(missing > 0 ? [`${missing} times no CUDA kernel was found`] : []), ...(copies > 0 ? ['copies were added between the two'] : []), ...(wholeOnCpu > 0 ? ['one graph lies wholly on the CPU'] : [])]
  return { onGpu: null, tier: 'T4', because: `The log places ${gpu} nodes on CUDA and ${cpu} on the CPU; ${rest.join(', ')}.` }
}

const countOf = ({ logs }: Signs, id: string): number => logs.reduce((sum, { reading }) => sum + (reading.counts[id] ?? 0), 0)

/**
 * T4 and T5, of a second copy in the service's place. A copy on the CPU settles it, for the service has the same libraries; one on
 * the GPU only where the running service asks for the GPU, has its provider in memory, and it was its own model. What something small proves is in `probeWords`.
 */
function byProbe(signs: Signs): GpuVerdict | null {
  const { probe, asks, provider } = signs
  if (probe === undefined || asks?.asks === 'cpu') return null
  const of = (shown: ProbeVerdict['shown']) => probe.verdicts.filter((each) => each.shown === shown)
  const [own, cpu] = [of('own'), of('cpu')]
  const because = (verdicts: readonly ProbeVerdict[]) => [TRIED[probe.place], ...verdicts.map((each) => each.because)].join(' ')
  // A program that does not run now may fetch the libraries by itself before (import torch, preload_dlls); in one that runs they would be seen.
  const settled = cpu.every(({ cpuOnly, engine }) => probe.place === 'running' || cpuOnly || engine.engine !== 'onnxruntime')
  if (cpu.length > 0 && cpu.length === probe.verdicts.length && settled && provider?.state !== 'loaded') return { onGpu: false, tier: cpu.map(({ tier }) => tier).sort().at(-1)!, because: because(cpu) }
  // A process that runs and has no CUDA provider in its memory does not use one, whatever a copy made now can do.
  if (own.length === 0 || cpu.length > 0 || probe.place !== 'running' || (provider?.state !== 'loaded' && own.some(({ engine }) => engine.engine === 'onnxruntime'))) return null
  const heavy = own.flatMap(({ onCpu }) => onCpu).filter((op) => !BENIGN_ON_CPU.has(op))
  const tier = own.map(({ tier }) => tier).sort().at(-1)!
  if (asks?.asks !== 'gpu') return { onGpu: null, tier, because: `${because(own)} Nothing seen says that the service asks for the GPU.` }
  return { onGpu: heavy.length === 0 ? true : null, tier, because: `${because(own)} That was a second copy, made as the service is asked to make its own.` }
}

const TRIED = {
  running: 'Tried in its place (its environment, user and files, but not its cgroup).',
  configured: 'Tried as the unit would start it (its environment and user, but not its cgroup and sandbox).',
  caller: 'Tried with this interpreter.',
} as const

const tierOfProbe = ({ probe }: Signs): GpuVerdict['tier'] => (probe === undefined || probe.verdicts.length === 0 ? null : probe.verdicts.some(({ shown }) => shown === 'can' || shown === 'own') ? 'T2' : 'T0')

/** What a probe adds where it does not decide: that the GPU can be used there is not that it is used. */
function probeWords({ probe, provider }: Signs, { onGpu }: GpuVerdict): readonly string[] {
  if (probe === undefined || probe.verdicts.length === 0) return []
  const can = probe.verdicts.some(({ shown }) => shown === 'can' || shown === 'own')
  return [TRIED[probe.place], ...probe.verdicts.map(({ because }) => because), ...(!can ? [] : onGpu === false ? ['So the GPU can be used there now, and a restart may be all the service needs.'] : ['So the GPU can be used there; that the service does use it is not shown by this.']), ...(provider?.state === 'loaded' && probe.verdicts.some(({ shown }) => shown === 'cpu' || shown === 'broken') ? ['The service itself has its CUDA provider in memory, so its program does something for it that the probe does not.'] : [])]
}

/** The engine says that it does not use the GPU, and nothing later in the same log says otherwise. */
function byFailure(signs: Signs): GpuVerdict | null {
  const written = { ...signs, logs: signs.logs.filter(({ asked }) => asked !== signs.probe?.asked) }
  const said = standing(written, ({ id, shows, confirms }) => SAYS_CPU.has(id) || (shows === 'fault' && confirms.includes('provider-not-loaded')))
  const [first] = said
  if (first === undefined) return null
  return { onGpu: false, tier: 'T2', because: `${first.signature.meaning} (${first.log.name}, line ${first.hit.line})` }
}

const SAYS_CPU = new Set(['ort-falling-back', 'ort-provider-not-available', 'ort-node-removed', 'ort-rs-none', 'ct2-device-cpu', 'sherpa-fallback', 'ggml-no-gpu', 'cpu-retry', 'torch-cpu-wheel', 'torch-no-driver', 'torch-no-gpus'])

function byLesserSigns(signs: Signs): GpuVerdict {
  const lines = seenIn(signs, ({ tier }) => tier !== null && tier < 'T4')
  const best = [...lines].sort((a, b) => (a.signature.tier! < b.signature.tier! ? 1 : -1))[0]
  if (best !== undefined && best.signature.tier! >= 'T2') {
    const what = best.signature.tier === 'T3' ? 'a GPU part was loaded and took memory' : 'a GPU part was registered'
    return { onGpu: null, tier: best.signature.tier, because: `The log shows that ${what} (${best.log.name}, line ${best.hit.line}); where the work is done does not follow from it.` }
  }
  if (signs.provider?.state === 'loaded') return { onGpu: null, tier: 'T2', because: `${signs.provider.evidence.saw} is loaded in the process; where the work is done does not follow from it.` }
  if (signs.provider?.state === 'tried') return { onGpu: false, tier: 'T2', because: `The process asked ONNX Runtime for a provider of its own file, and libonnxruntime_providers_cuda.so is not in its memory.` }
  if (best !== undefined || signs.asks?.asks === 'gpu') return { onGpu: null, tier: 'T0', because: 'The GPU is asked for; nothing seen says whether it is used.' }
  if (signs.asks?.asks === 'cpu') return { onGpu: null, tier: 'T0', because: 'The CPU is asked for; nothing seen says where the work is done.' }
  return { onGpu: null, tier: null, because: 'Nothing that was seen says where the work is done.' }
}

/** RTF and RTFx both, for each is taken for the other. */
function speedInWords({ rtf, totalMs, audioS, encoderMs }: NonNullable<ReturnType<typeof slowest>>): string {
  const factor = `RTF ${rtf.toFixed(2)} (RTFx ${(1 / rtf).toFixed(2)}: ${rtf < 1 ? 'faster' : 'slower'} than the audio runs)`
  if (totalMs === null || audioS === null) return `The slowest transcription in the log took ${factor}.`
  const encoder = encoderMs === null ? '' : `, ${(encoderMs / 1000).toFixed(0)} s of it in the encoder`
  return `The slowest transcription in the log took ${(totalMs / 1000).toFixed(0)} s for ${audioS.toFixed(0)} s of audio${encoder}: ${factor}.`
}

/** What the model file foretells, where the placement itself was not seen. */
function modelWords(signs: Signs, { tier }: GpuVerdict): readonly string[] {
  if (tier !== null && tier >= 'T4') return []
  return placed(signs).filter(({ forecast }) => forecast.cpuNodes > 0).slice(0, 2).map(({ path, forecast }) => `${path.split('/').at(-1)} holds ${forecast.cpuNodes} nodes of ${forecast.nodes} that have no CUDA kernel in ONNX Runtime ${forecast.release} (${opsInWords(forecast)}), so they run on the CPU.`)
}
