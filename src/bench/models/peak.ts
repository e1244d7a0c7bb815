import { buildGraph } from '../onnx/graph.ts'
import { layers, SEED } from './weights.ts'

/** One pass warms up, the best of the others counts. */
export const PEAK_PASSES = 4

/** Large enough that launching, memory and the copy of one number each way are nothing beside the arithmetic. */
const SIZES = { cpu: { size: 512, products: 16 }, gpu: { size: 2048, products: 16 } } as const

/**
 * Square matrix products in a row, from one number in to one number out, so that no copy to the device is measured. Weights are
 * random: of constant ones a GPU multiplies faster, since it then takes less power.
 */
export function peakModel(tier: 'cpu' | 'gpu'): { readonly bytes: Uint8Array; readonly flops: number; readonly size: number } {
  const { size, products } = SIZES[tier]
  const g = buildGraph('peak')
  const { weight } = layers(g, SEED ^ 0x9ea6)
  const [a, b] = [weight([size, size], size), weight([size, size], size)]
  // The factor is an input, so that nothing can be folded away when the graph is loaded.
  let x = g.op('Mul', [a, g.input('x', 'float', [1, 1])])
  for (let i = 0; i < products; i++) x = g.op('MatMul', [x, b])
  g.output('y', g.op('ReduceMean', [x], { keepdims: 0 }), 'float', [])
  return { bytes: g.build(), flops: products * 2 * size ** 3, size }
}
