/** Where ONNX Runtime's CUDA provider will have to leave nodes to the CPU, told from the model file alone. */
import { placementOf, type Release } from './kernels.ts'
import type { OnnxModel, OpUse } from './types.ts'

export interface Forecast {
  readonly release: Release
  /** Nodes that run, without those computed while loading. */
  readonly nodes: number
  /** Uses of operators that have no CUDA kernel for their types, most frequent first. Arithmetic on shapes and constants is not among them. */
  readonly onCpu: readonly OpUse[]
  readonly cpuNodes: number
  /** Tensors that must cross between CPU and GPU for them: at least as many Memcpy nodes, before ONNX Runtime fuses anything. */
  readonly copies: number
  /** Operators of domains that ONNX Runtime's own table does not know. */
  readonly foreign: readonly OpUse[]
}

export function forecastOf(model: OnnxModel, release: Release): Forecast {
  const opset = (domain: string) => model.opsets.find((each) => each.domain === domain)?.version ?? null
  const places = model.ops.map((use) => (use.folded || use.constant || use.shape ? 'either' : placementOf(use, opset(use.domain), release)))
  const onCpu = model.ops.filter((_, at) => places[at] === 'cpu')
  const crossing = model.flows.filter(({ from, to }) => {
    const cpu = to.some((at) => places[at] === 'cpu')
    const cuda = to.some((at) => places[at] === 'cuda')
    if (from < 0) return cpu && cuda
    return places[from] === 'cpu' ? cuda : places[from] === 'cuda' && cpu
  })
  const sum = (uses: readonly OpUse[]) => uses.reduce((total, { count }) => total + count, 0)
  return {
    release,
    nodes: sum(model.ops.filter(({ folded }) => !folded)),
    onCpu: [...onCpu].sort((a, b) => b.count - a.count),
    cpuNodes: sum(onCpu),
    copies: crossing.reduce((total, { count }) => total + count, 0),
    foreign: model.ops.filter((_, at) => places[at] === 'foreign'),
  }
}

/** How a model is quantised, from the operators in it. */
export type Quantisation = 'none' | 'dynamic' | 'qoperator' | 'qdq' | 'weight-only'

export function quantisationOf(model: OnnxModel): Quantisation {
  const has = (name: RegExp) => model.ops.some(({ op, folded }) => !folded && name.test(op))
  if (has(/^(DynamicQuantizeLinear|DynamicQuantizeMatMul|DynamicQuantizeLSTM|MatMulInteger\w*|ConvInteger)$/)) return 'dynamic'
  if (has(/^(QLinear\w+|QAttention|QGemm)$/)) return 'qoperator'
  if (has(/^(QuantizeLinear|DequantizeLinear)$/)) return 'qdq'
  return has(/^(MatMulNBits|MatMulBnb4|GatherBlockQuantized)$/) ? 'weight-only' : 'none'
}
