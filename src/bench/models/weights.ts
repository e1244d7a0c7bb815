import type { GraphBuilder, Value } from '../onnx/graph.ts'

export const SEED = 0x5eed_a5f1

/**
 * Seeded pseudo-random weights (xorshift32, Marsaglia 2003), uniform with the variance that keeps activations in range.
 * Never constants: on a GPU, products of predictable numbers draw less power and run faster than real ones.
 */
export function seeded(seed: number): (count: number, scale: number) => Float32Array {
  let state = seed | 0 || 1
  return (count, scale) => {
    const out = new Float32Array(count)
    let x = state
    const factor = scale / 0x8000_0000
    for (let i = 0; i < count; i++) {
      x ^= x << 13
      x ^= x >>> 17
      x ^= x << 5
      out[i] = x * factor
    }
    state = x
    return out
  }
}

/** The layers all our networks are made of. */
export function layers(g: GraphBuilder, seed: number) {
  const random = seeded(seed)
  const weight = (shape: readonly number[], fanIn: number): Value =>
    g.floats(random(shape.reduce((a, b) => a * b, 1), Math.sqrt(3 / fanIn)), shape)
  const bias = (size: number): Value => g.floats(random(size, 0.02), [size])
  const linear = (x: Value, from: number, to: number, biased = true): Value => {
    const product = g.op('MatMul', [x, weight([from, to], from)])
    return biased ? g.op('Add', [product, bias(to)]) : product
  }
  const layerNorm = (x: Value, size: number): Value => {
    const gain = g.floats(random(size, 0.1).map((v) => 1 + v), [size])
    return g.op('LayerNormalization', [x, gain, bias(size)], { axis: -1, epsilon: { float: 1e-5 } })
  }
  const silu = (x: Value): Value => g.op('Mul', [x, g.op('Sigmoid', [x])])
  /** The exact form by the error function, which runtimes fuse. */
  const gelu = (x: Value): Value => {
    const erf = g.op('Erf', [g.op('Div', [x, g.scalar(Math.SQRT2)])])
    return g.op('Mul', [g.op('Mul', [x, g.op('Add', [erf, g.scalar(1)])]), g.scalar(0.5)])
  }
  return { weight, bias, linear, layerNorm, silu, gelu }
}
