import { bytes, float, int, message, nested, serialise, string, type Message } from './protobuf.ts'

/**
 * Writes ONNX models: the subset of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto) that speech networks need. IR 8 and
 * opset 17, the oldest with LayerNormalization, so that an older runtime reads them too.
 */
export const IR_VERSION = 8
export const OPSET = 17

/** TensorProto.DataType. */
const TYPE = { float: 1, int64: 7 } as const
export type ElementType = keyof typeof TYPE
export type Dimension = number | string
/** The name of a value in a graph. */
export type Value = string
export type Attribute = number | string | readonly number[] | { readonly float: number }

export interface GraphBuilder {
  input(name: string, type: ElementType, shape: readonly Dimension[]): Value
  output(name: string, from: Value, type: ElementType, shape: readonly Dimension[]): void
  op(type: string, inputs: readonly Value[], attributes?: Readonly<Record<string, Attribute>>): Value
  /** For operators with several outputs; '' = not wanted. */
  ops(type: string, inputs: readonly Value[], outputs: number, attributes?: Readonly<Record<string, Attribute>>): Value[]
  floats(data: Float32Array, shape: readonly number[]): Value
  ints(data: readonly number[]): Value
  scalar(value: number): Value
  build(): Uint8Array
  readonly parameters: number
}

export function buildGraph(graphName: string): GraphBuilder {
  const nodes: Message[] = []
  const initializers: Message[] = []
  const inputs: Message[] = []
  const outputs: Message[] = []
  let parameters = 0
  let count = 0
  // Every name of ours begins with `_`: an initializer called like an input would shadow it, which the runtime only warns of.
  const fresh = () => `_${count++}`

  const tensor = (type: ElementType, shape: readonly number[], raw: Uint8Array): Value => {
    const name = fresh()
    initializers.push(message(...shape.map((d) => int(1, d)), int(2, TYPE[type]), string(8, name), bytes(9, raw)))
    return name
  }
  const ops: GraphBuilder['ops'] = (type, from, wanted, attributes = {}) => {
    const names = Array.from({ length: wanted }, fresh)
    nodes.push(
      message(
        ...from.map((name) => string(1, name)),
        ...names.map((name) => string(2, name)),
        string(3, `${type}${nodes.length}`),
        string(4, type),
        ...Object.entries(attributes).map(([name, value]) => nested(5, attribute(name, value))),
      ),
    )
    return names
  }
  const ints: GraphBuilder['ints'] = (data) => tensor('int64', [data.length], new Uint8Array(BigInt64Array.from(data.map(BigInt)).buffer))
  return {
    ops,
    ints,
    op: (type, from, attributes) => ops(type, from, 1, attributes)[0]!,
    input: (name, type, shape) => {
      inputs.push(valueInfo(name, type, shape))
      return name
    },
    output: (name, from, type, shape) => {
      nodes.push(message(string(1, from), string(2, name), string(3, `out_${name}`), string(4, 'Identity')))
      outputs.push(valueInfo(name, type, shape))
    },
    floats: (data, shape) => {
      parameters += data.length
      return tensor('float', shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    },
    scalar: (value) => tensor('float', [], new Uint8Array(Float32Array.of(value).buffer)),
    build: () => {
      const graph = message(
        ...nodes.map((node) => nested(1, node)),
        string(2, graphName),
        ...initializers.map((each) => nested(5, each)),
        ...inputs.map((each) => nested(11, each)),
        ...outputs.map((each) => nested(12, each)),
      )
      return serialise(message(int(1, IR_VERSION), string(2, 'asr-doctor'), nested(7, graph), nested(8, message(string(1, ''), int(2, OPSET)))))
    },
    get parameters() {
      return parameters
    },
  }
}

/** AttributeProto; its types are FLOAT 1, INT 2, STRING 3, INTS 7. */
function attribute(name: string, value: Attribute): Message {
  const named = string(1, name)
  if (typeof value === 'number') return message(named, int(3, value), int(20, 2))
  if (typeof value === 'string') return message(named, string(4, value), int(20, 3))
  if ('float' in value) return message(named, float(2, value.float), int(20, 1))
  return message(named, ...value.map((each) => int(8, each)), int(20, 7))
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): Message {
  const dimensions = shape.map((d) => nested(1, typeof d === 'number' ? int(1, d) : string(2, d)))
  return message(string(1, name), nested(2, nested(1, message(int(1, TYPE[type]), nested(2, message(...dimensions))))))
}
