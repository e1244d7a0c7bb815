import { sideOf } from '../onnx/providers.ts'
import type { CpuOp, ProfileReading } from '../profile/types.ts'
import type { GpuVerdict } from '../types.ts'
import type { Signs } from './signs.ts'

/** Operators that ONNX Runtime keeps on the CPU for the sake of shapes and indices (GetCpuPreferredNodes). */
const OF_SHAPES: ReadonlySet<string> = new Set('Shape Size Gather Slice Concat Unsqueeze Squeeze Cast Reshape Range ConstantOfShape Equal Where Expand Add Sub Mul Div Mod Min Max Neg Floor Ceil ReduceProd ReduceMin ReduceMax ReduceSum Greater Less Not And Or If Identity Transpose Tile Constant NonZero Flatten'.split(' '))
/** The same operators work on activations as well. Shapes, indices and masks of a clip stay far below this; a layer of a recogniser far above. Our own measure. */
const SHAPE_BYTES = 64 * 1024
/** As many copies belong to more than shapes, where a profile does not tell sizes. Our own measure. */
const FEW_COPIES = 8

/** Arithmetic on shapes takes microseconds a node. Where a profile tells no sizes, so much time, and so much of the whole, is more than that. Our own measure. */
const LONG_US = 1_000_000
const LONG_SHARE = 0.2

/** T4: a profile names the provider of every node. Its times for CUDA are launches and say nothing of the GPU. */
export function byProfile({ profiles }: Pick<Signs, 'profiles'>): GpuVerdict | null {
  const read = profiles.map(({ reading }) => reading).filter(({ providers }) => providers.length > 0)
  if (read.length === 0) return null
  const all = read.flatMap(({ providers }) => providers)
  const sum = (side: ReturnType<typeof sideOf>) => all.filter(({ provider }) => sideOf(provider) === side).reduce((n, { nodes }) => n + nodes, 0)
  const [gpu, cpu] = [sum('gpu'), sum('cpu')]
  const untold = [...new Set(all.filter(({ provider }) => sideOf(provider) === 'untold').map(({ provider }) => provider))]
  const rest = profileWords(read)
  const saying = (onGpu: boolean | null, tier: 'T4' | 'T5', because: string): GpuVerdict => ({ onGpu, tier, because: [because, ...rest].join(' ') })
  const tier = read.some(({ kernelUs }) => kernelUs !== null) ? 'T5' : 'T4'
  if (untold.length > 0) return saying(null, 'T4', `The profile shows ${sum('untold')} nodes on ${untold.join(' and ')}${gpu > 0 ? `, ${gpu} on the GPU` : ''}${cpu > 0 ? ` and ${cpu} on the CPU` : ''}. Whether ${untold.length === 1 ? 'that provider works' : 'those providers work'} on a GPU, a profile does not tell.`)
  if (gpu === 0) return saying(false, 'T4', `The profile shows ${cpu} nodes on the CPU and none on a GPU.`)
  const copies = read.reduce((n, { memcpy }) => n + memcpy.nodes, 0)
  const ops = read.flatMap(({ cpuOps }) => cpuOps)
  const heavy = ops.filter((op) => !ofShapes(op, copies))
  const cpuUs = hostUsOf(all.filter(({ provider }) => sideOf(provider) === 'cpu'))
  const long = ops.some(({ mostBytes }) => mostBytes === undefined) && cpuUs >= LONG_US && cpuUs > LONG_SHARE * Math.max(hostUsOf(all), read.reduce((us, { shapes }) => us + shapes.reduce((n, { runs, firstUs, laterUs }) => n + firstUs + (runs - 1) * (laterUs ?? 0), 0), 0))
  if (heavy.length === 0 && long) return saying(null, tier, `The profile shows ${gpu} nodes on the GPU and ${cpu} on the CPU, by their kinds arithmetic on shapes (${ops.slice(0, 4).map(inWords).join(', ')}), but they take too long for that; on what sizes they work, it does not tell.`)
  if (heavy.length === 0) return saying(true, tier, `The profile shows ${gpu} nodes on the GPU${cpu > 0 ? ` and ${cpu} on the CPU, all of them arithmetic on shapes` : ' and none on the CPU'}.`)
  return saying(null, tier, `The profile shows ${gpu} nodes on the GPU and ${cpu} on the CPU, with ${copies} copies between them; on the CPU are ${heavy.slice(0, 4).map(inWords).join(', ')}. How much of the work each does, launch times on the host do not tell.`)
}

const hostUsOf = (of: readonly { readonly hostUs: number }[]): number => of.reduce((us, each) => us + each.hostUs, 0)
const ofShapes = ({ op, mostBytes }: CpuOp, copies: number): boolean => OF_SHAPES.has(op) && (mostBytes === undefined ? copies <= FEW_COPIES : mostBytes <= SHAPE_BYTES)
const inWords = ({ op, nodes, mostBytes }: CpuOp): string => `${op} ×${nodes}${mostBytes !== undefined && mostBytes > SHAPE_BYTES ? ` on up to ${mostBytes >= 2 ** 20 ? `${(mostBytes / 2 ** 20).toFixed(1)} MiB` : `${Math.round(mostBytes / 1024)} KiB`}` : ''}`

/** What is worth a word: a first run of so many times a later one and so much longer, and so much work on the CPU. Our own measure. */
const NOTABLY_LONGER = 2
const NOTABLE_US = 100_000
const NOTABLE_CPU_US = 10_000

/** What else a profile measured: on the CPU time is work, and a whole run takes what it takes. */
function profileWords(read: readonly ProfileReading[]): readonly string[] {
  const cpuUs = read.reduce((n, { providers }) => n + providers.filter(({ provider }) => sideOf(provider) === 'cpu').reduce((us, { hostUs }) => us + hostUs, 0), 0)
  const runs = read.reduce((n, each) => n + each.runs, 0)
  const loadUs = read.reduce((n, each) => n + (each.loadUs ?? 0), 0)
  const split = read.some(({ providers }) => providers.some(({ provider }) => sideOf(provider) !== 'cpu'))
  const [slow] = read.flatMap(({ shapes }) => shapes).filter(({ firstUs, laterUs }) => laterUs !== null && firstUs >= laterUs * NOTABLY_LONGER && firstUs - laterUs >= NOTABLE_US).sort((a, b) => b.firstUs - a.firstUs)
  return [
    ...(split && runs > 0 && cpuUs >= NOTABLE_CPU_US ? [`The nodes on the CPU took ${ms(cpuUs)} in ${runs === 1 ? 'its one run' : `its ${runs} runs`}.`] : []),
    ...(slow === undefined ? [] : [`The first run with an input of ${shapeInWords(slow.shape)} took ${ms(slow.firstUs)}, later ones ${ms(slow.laterUs!)}.`]),
    ...(loadUs >= 1e6 ? [`Making the session${read.length > 1 ? 's' : ''} took ${(loadUs / 1e6).toFixed(1)} s.`] : []),
    ...(read.some(({ truncated }) => truncated) ? [`${read.length === 1 ? 'The profile' : 'A profile'} breaks off before its end, so there may be more.`] : []),
  ]
}

export const ms = (us: number): string => `${us < 10_000 ? (us / 1000).toFixed(1) : Math.round(us / 1000)} ms`
/** `[{"float":[1,80,3000]}]` is 1×80×3000. */
export const shapeInWords = (shape: string): string => {
  const sizes = /\[(\d+(?:,\d+)*)\]/.exec(shape)?.[1]
  return sizes === undefined ? 'one shape' : sizes.split(',').join('×')
}
