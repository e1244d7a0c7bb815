import type * as ort from 'onnxruntime-node'
import type { OnnxModel } from '../../onnx/types.ts'
import { inPrecision } from './half.ts'

type Runtime = typeof ort

/** Whole numbers in the width that a graph declares for its input. */
export const whole = ({ Tensor }: Runtime, graph: OnnxModel, input: string, values: readonly number[], dims: readonly number[]): ort.Tensor =>
  graph.inputs.find(({ name }) => name === input)?.dtype === 'int32' ? new Tensor('int32', Int32Array.from(values), dims) : new Tensor('int64', BigInt64Array.from(values, BigInt), dims)

/** Numbers in the precision that a graph declares for its input. */
export const real = (runtime: Runtime, graph: OnnxModel, input: string, data: Float32Array, dims: readonly number[]): ort.Tensor =>
  inPrecision(runtime, graph.inputs.find(({ name }) => name === input)?.dtype ?? 'float', new runtime.Tensor('float32', data, dims))

/** A state before anything was heard: zeros of the declared shape, one recording at a time. */
export function zeros(runtime: Runtime, graph: OnnxModel, input: string): ort.Tensor {
  const { dtype, shape } = graph.inputs.find(({ name }) => name === input)!
  const dims = shape.map((size) => (typeof size === 'number' ? size : 1))
  const count = dims.reduce((product, size) => product * size, 1)
  return dtype === 'int64' || dtype === 'int32' ? whole(runtime, graph, input, Array<number>(count).fill(0), dims) : real(runtime, graph, input, new Float32Array(count), dims)
}

/** The only number in a tensor, or the first. */
export const first = (tensor: ort.Tensor): number => Number((tensor.data as { readonly [i: number]: number | bigint })[0])
