import { buildGraph } from '../bench/onnx/graph.ts'

const CHANNELS = 8
const FRAMES = 100
const WIDTH = 3
const OUT = 16

/** Every input 1, every weight 1: each product is a whole number that float holds exactly. */
export const INPUT_SHAPE = [1, CHANNELS, FRAMES] as const
export const OUTPUT_SHAPE = [1, CHANNELS, OUT] as const
export const RIGHT = CHANNELS * WIDTH * (FRAMES - WIDTH + 1)

/**
 * The smallest network that asks a GPU for what speech recognition asks it for: a convolution over time (cuDNN) and a matrix
 * product (cuBLAS).
 */
export function probeModel(): Uint8Array {
  const ones = (shape: readonly number[]) => g.floats(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape)
  const g = buildGraph('probe')
  const x = g.input('x', 'float', INPUT_SHAPE)
  const filtered = g.op('Relu', [g.op('Conv', [x, ones([CHANNELS, CHANNELS, WIDTH])])])
  g.output('y', g.op('MatMul', [filtered, ones([FRAMES - WIDTH + 1, OUT])]), 'float', OUTPUT_SHAPE)
  return g.build()
}
