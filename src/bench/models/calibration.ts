import { buildGraph } from '../onnx/graph.ts'
import { layers, SEED } from './weights.ts'

const SIZE = 512
const PRODUCTS = 16
const WIDE = 1024
/** 20 MB in all, as much as a transducer's decoder: more than a core's own cache, so that it shares what others share. */
const MATRICES = 5
const PASSES = 30

export const CALIBRATION_SHAPE = [SIZE, SIZE] as const

/**
 * The yardstick beside every timed run, of the same two kinds of work as speech recognition: 16 matrix products of 512³, which
 * the CPU's arithmetic limits as it does an encoder, and 150 products of a vector with 1024², which memory limits as it does a
 * decoder. Beside a busy neighbour the second kind slows by a third while the first does not, so one without the other misleads.
 */
export function calibrationModel(): Uint8Array {
  const g = buildGraph('calibration')
  const { weight } = layers(g, SEED ^ 0xca11b)
  let x = g.input('x', 'float', [SIZE, SIZE])
  for (let i = 0; i < PRODUCTS; i++) x = g.op('Tanh', [g.op('MatMul', [x, weight([SIZE, SIZE], SIZE)])])
  let y = g.op('Reshape', [g.op('Slice', [x, g.ints([0]), g.ints([WIDE / SIZE]), g.ints([0])]), g.ints([1, WIDE])])
  const wide = Array.from({ length: MATRICES }, () => weight([WIDE, WIDE], WIDE))
  for (let pass = 0; pass < PASSES; pass++) for (const matrix of wide) y = g.op('Tanh', [g.op('MatMul', [y, matrix])])
  g.output('y', y, 'float', [1, WIDE])
  return g.build()
}
