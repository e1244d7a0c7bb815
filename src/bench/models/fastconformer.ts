import { buildGraph, type GraphBuilder, type Value } from '../onnx/graph.ts'
import { layers, SEED } from './weights.ts'

/**
 * The FastConformer transducer in its published shapes (Rekesh et al. 2023, arXiv 2305.05084; NVIDIA NeMo
 * examples/asr/conf/fastconformer): 8-fold depthwise sub-sampling, relative-position attention, kernel 9.
 */
export interface FastConformerShape {
  readonly width: number
  readonly layers: number
  readonly heads: number
  readonly subsamplingChannels: number
}

export const SHAPES = {
  'fastconformer-s': { width: 176, layers: 16, heads: 4, subsamplingChannels: 176 },
  'fastconformer-m': { width: 256, layers: 16, heads: 4, subsamplingChannels: 256 },
  'fastconformer-l': { width: 512, layers: 17, heads: 8, subsamplingChannels: 256 },
} as const satisfies Record<string, FastConformerShape>

export const MELS = 80
const KERNEL = 9
const EXPANSION = 4

export interface Built {
  readonly bytes: Uint8Array
  readonly parameters: number
}

/** `mel` [1, frames, 80] → `encoded` [1, frames/8, width]. */
export function fastConformerEncoder(shape: FastConformerShape, seed = SEED): Built {
  const g = buildGraph('encoder')
  const { width, heads } = shape
  const { linear, layerNorm, silu, weight, bias } = layers(g, seed)
  let x = subsample(g, shape, g.input('mel', 'float', [1, 'frames', MELS]), weight, bias)
  x = linear(x, (MELS / 8) * shape.subsamplingChannels, width)
  const positions = relativePositions(g, x, width)
  const half = (y: Value) => g.op('Mul', [y, g.scalar(0.5)])
  const feedForward = (y: Value) => linear(silu(linear(layerNorm(y, width), width, width * EXPANSION)), width * EXPANSION, width)
  for (let layer = 0; layer < shape.layers; layer++) {
    x = g.op('Add', [x, half(feedForward(x))])
    x = g.op('Add', [x, attention(g, layerNorm(x, width), positions, width, heads, linear, weight)])
    x = g.op('Add', [x, convolution(layerNorm(x, width))])
    x = g.op('Add', [x, half(feedForward(x))])
    x = layerNorm(x, width)
  }
  g.output('encoded', x, 'float', [1, 'steps', width])
  return { bytes: g.build(), parameters: g.parameters }

  function convolution(y: Value): Value {
    const wide = g.op('Conv', [g.op('Transpose', [y], { perm: [0, 2, 1] }), weight([2 * width, width, 1], width), bias(2 * width)], { kernel_shape: [1] })
    const [a, b] = g.ops('Split', [wide], 2, { axis: 1 })
    const gated = g.op('Mul', [a!, g.op('Sigmoid', [b!])])
    const deep = g.op('Conv', [gated, weight([width, 1, KERNEL], KERNEL), bias(width)], { kernel_shape: [KERNEL], group: width, pads: [(KERNEL - 1) / 2, (KERNEL - 1) / 2] })
    const narrow = g.op('Conv', [silu(deep), weight([width, width, 1], width), bias(width)], { kernel_shape: [1] })
    return g.op('Transpose', [narrow], { perm: [0, 2, 1] })
  }
}

type Weight = (shape: readonly number[], fanIn: number) => Value

/** Three strided 3×3 convolutions, the last two depthwise separable: time and frequency both shrink 8-fold. */
function subsample(g: GraphBuilder, shape: FastConformerShape, mel: Value, weight: Weight, bias: (size: number) => Value): Value {
  const channels = shape.subsamplingChannels
  const strided = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }
  let x = g.op('Unsqueeze', [mel, g.ints([1])])
  x = g.op('Relu', [g.op('Conv', [x, weight([channels, 1, 3, 3], 9), bias(channels)], strided)])
  for (let i = 0; i < 2; i++) {
    x = g.op('Conv', [x, weight([channels, 1, 3, 3], 9), bias(channels)], { ...strided, group: channels })
    x = g.op('Relu', [g.op('Conv', [x, weight([channels, channels, 1, 1], channels), bias(channels)], { kernel_shape: [1, 1] })])
  }
  const flat = g.op('Transpose', [x], { perm: [0, 2, 1, 3] })
  return g.op('Reshape', [flat, g.ints([0, 0, -1])])
}

/** Sinusoids of the distances T-1 … -(T-1), computed in the graph so that any length fits. */
function relativePositions(g: GraphBuilder, x: Value, width: number): Value {
  const length = g.op('Squeeze', [g.op('Slice', [g.op('Shape', [x]), g.ints([1]), g.ints([2]), g.ints([0])]), g.ints([0])])
  const one = g.op('Squeeze', [g.ints([1]), g.ints([0])])
  const minusOne = g.op('Squeeze', [g.ints([-1]), g.ints([0])])
  const distances = g.op('Cast', [g.op('Range', [g.op('Sub', [length, one]), g.op('Mul', [length, minusOne]), minusOne])], { to: 1 })
  const column = g.op('Unsqueeze', [distances, g.ints([1])])
  const rates = Float32Array.from({ length: width / 2 }, (_, i) => Math.exp((-Math.log(10000) * 2 * i) / width))
  const angles = g.op('Mul', [column, g.floats(rates, [1, width / 2])])
  return g.op('Concat', [g.op('Sin', [angles]), g.op('Cos', [angles])], { axis: 1 })
}

/** Transformer-XL attention (Dai et al. 2019): content and position scores, the latter shifted into place. */
function attention(g: GraphBuilder, x: Value, positions: Value, width: number, heads: number, linear: (x: Value, from: number, to: number, biased?: boolean) => Value, weight: Weight): Value {
  const size = width / heads
  const split = (y: Value) => g.op('Reshape', [y, g.ints([0, 0, heads, size])])
  const toHeads = (y: Value, perm: readonly number[]) => g.op('Transpose', [y], { perm })
  const q = split(linear(x, width, width))
  const k = toHeads(split(linear(x, width, width)), [0, 2, 3, 1])
  const v = toHeads(split(linear(x, width, width)), [0, 2, 1, 3])
  const p = toHeads(g.op('Reshape', [linear(positions, width, width, false), g.ints([1, -1, heads, size])]), [0, 2, 3, 1])
  const withBias = (): Value => toHeads(g.op('Add', [q, weight([heads, size], size)]), [0, 2, 1, 3])
  const content = g.op('MatMul', [withBias(), k])
  const position = shift(g, g.op('MatMul', [withBias(), p]), heads)
  const sameLength = g.op('Shape', [content])
  const cut = g.op('Slice', [position, g.ints([0]), g.op('Slice', [sameLength, g.ints([3]), g.ints([4]), g.ints([0])]), g.ints([3])])
  const scores = g.op('Div', [g.op('Add', [content, cut]), g.scalar(Math.sqrt(size))])
  const mixed = g.op('MatMul', [g.op('Softmax', [scores], { axis: -1 }), v])
  return linear(g.op('Reshape', [toHeads(mixed, [0, 2, 1, 3]), g.ints([0, 0, width])]), width, width)
}

/** Pads one column on the left, then reads the same numbers with one row more: row i moves i places to the left. */
function shift(g: GraphBuilder, scores: Value, heads: number): Value {
  const shape = g.op('Shape', [scores])
  const at = (axis: number) => g.op('Slice', [shape, g.ints([axis]), g.ints([axis + 1]), g.ints([0])])
  const padded = g.op('Pad', [scores, g.ints([0, 0, 0, 1, 0, 0, 0, 0])])
  const turned = g.op('Reshape', [padded, g.op('Concat', [g.ints([1, heads, -1]), at(2)], { axis: 0 })])
  const rest = g.op('Slice', [turned, g.ints([1]), g.ints([2 ** 31]), g.ints([2])])
  return g.op('Reshape', [rest, shape])
}
