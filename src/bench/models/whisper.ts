import { buildGraph, type GraphBuilder, type Value } from '../onnx/graph.ts'
import type { Built } from './fastconformer.ts'
import { layers, SEED } from './weights.ts'

/** Whisper in its published shapes (Radford et al. 2022; openai/whisper model.py): pre-norm Transformer over 30 s windows. */
export interface WhisperShape {
  readonly width: number
  readonly layers: number
  readonly heads: number
}

export const WHISPER_SHAPES = {
  'whisper-tiny': { width: 384, layers: 4, heads: 6 },
  'whisper-base': { width: 512, layers: 6, heads: 8 },
} as const satisfies Record<string, WhisperShape>

export const WHISPER_MELS = 80
export const WHISPER_FRAMES = 3000
export const WHISPER_STATES = 1500
export const WHISPER_VOCABULARY = 51865

type Layers = ReturnType<typeof layers>

/** `mel` [1, 80, 3000] → `encoded` [1, 1500, width], and each decoder layer's keys and values over it. */
export function whisperEncoder(shape: WhisperShape, seed = SEED): Built {
  const g = buildGraph('encoder')
  const l = layers(g, seed)
  const { width } = shape
  let x = g.input('mel', 'float', [1, WHISPER_MELS, WHISPER_FRAMES])
  x = l.gelu(g.op('Conv', [x, l.weight([width, WHISPER_MELS, 3], WHISPER_MELS * 3), l.bias(width)], { kernel_shape: [3], pads: [1, 1] }))
  x = l.gelu(g.op('Conv', [x, l.weight([width, width, 3], width * 3), l.bias(width)], { kernel_shape: [3], pads: [1, 1], strides: [2] }))
  x = g.op('Add', [g.op('Transpose', [x], { perm: [0, 2, 1] }), sinusoids(g, width)])
  for (let i = 0; i < shape.layers; i++) {
    const y = l.layerNorm(x, width)
    const [q, k, v] = [l.linear(y, width, width), l.linear(y, width, width, false), l.linear(y, width, width)]
    x = g.op('Add', [x, l.linear(attend(g, shape, heads(g, shape, q), heads(g, shape, k), heads(g, shape, v)), width, width)])
    x = g.op('Add', [x, l.linear(l.gelu(l.linear(l.layerNorm(x, width), width, 4 * width)), 4 * width, width)])
  }
  x = l.layerNorm(x, width)
  g.output('encoded', x, 'float', [1, WHISPER_STATES, width])
  for (let i = 0; i < shape.layers; i++) {
    g.output(`cross_k${i}`, heads(g, shape, l.linear(x, width, width, false)), 'float', [1, shape.heads, WHISPER_STATES, width / shape.heads])
    g.output(`cross_v${i}`, heads(g, shape, l.linear(x, width, width)), 'float', [1, shape.heads, WHISPER_STATES, width / shape.heads])
  }
  return { bytes: g.build(), parameters: g.parameters }
}

/** One token with its cache: `token`, `position`, past keys and values → `logits` and the grown cache. */
export function whisperStep(shape: WhisperShape, seed = SEED): Built {
  const g = buildGraph('decoder')
  const l: Layers = layers(g, seed ^ 0xdec0)
  const { width } = shape
  const size = width / shape.heads
  const embedding = l.weight([WHISPER_VOCABULARY, width], width)
  const token = g.input('token', 'int64', [1, 1])
  const position = g.input('position', 'int64', [1, 1])
  let x = g.op('Add', [g.op('Gather', [embedding, token]), g.op('Gather', [l.weight([448, width], width), position])])
  for (let i = 0; i < shape.layers; i++) {
    const past = (name: string) => g.input(`${name}${i}`, 'float', [1, shape.heads, 'past', size])
    const cross = (name: string) => g.input(`cross_${name}${i}`, 'float', [1, shape.heads, WHISPER_STATES, size])
    const y = l.layerNorm(x, width)
    const k = g.op('Concat', [past('past_k'), heads(g, shape, l.linear(y, width, width, false))], { axis: 2 })
    const v = g.op('Concat', [past('past_v'), heads(g, shape, l.linear(y, width, width))], { axis: 2 })
    g.output(`next_k${i}`, k, 'float', [1, shape.heads, 'next', size])
    g.output(`next_v${i}`, v, 'float', [1, shape.heads, 'next', size])
    x = g.op('Add', [x, l.linear(attend(g, shape, heads(g, shape, l.linear(y, width, width)), k, v), width, width)])
    const z = heads(g, shape, l.linear(l.layerNorm(x, width), width, width))
    x = g.op('Add', [x, l.linear(attend(g, shape, z, cross('k'), cross('v')), width, width)])
    x = g.op('Add', [x, l.linear(l.gelu(l.linear(l.layerNorm(x, width), width, 4 * width)), 4 * width, width)])
  }
  const flat = g.op('Reshape', [l.layerNorm(x, width), g.ints([1, width])])
  g.output('logits', g.op('Gemm', [flat, embedding], { transB: 1 }), 'float', [1, WHISPER_VOCABULARY])
  return { bytes: g.build(), parameters: g.parameters }
}

const heads = (g: GraphBuilder, shape: WhisperShape, x: Value): Value =>
  g.op('Transpose', [g.op('Reshape', [x, g.ints([0, 0, shape.heads, shape.width / shape.heads])])], { perm: [0, 2, 1, 3] })

function attend(g: GraphBuilder, shape: WhisperShape, q: Value, k: Value, v: Value): Value {
  const scaled = g.op('Mul', [q, g.scalar(1 / Math.sqrt(shape.width / shape.heads))])
  const scores = g.op('MatMul', [scaled, g.op('Transpose', [k], { perm: [0, 1, 3, 2] })])
  const mixed = g.op('MatMul', [g.op('Softmax', [scores], { axis: -1 }), v])
  return g.op('Reshape', [g.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }), g.ints([0, 0, shape.width])])
}

function sinusoids(g: GraphBuilder, width: number): Value {
  const half = width / 2
  const data = new Float32Array(WHISPER_STATES * width)
  for (let t = 0; t < WHISPER_STATES; t++) {
    for (let i = 0; i < half; i++) {
      const angle = t * Math.exp((-Math.log(10000) * i) / (half - 1))
      data[t * width + i] = Math.sin(angle)
      data[t * width + half + i] = Math.cos(angle)
    }
  }
  return g.floats(data, [WHISPER_STATES, width])
}
