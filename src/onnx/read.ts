/** The parts of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3) that say where nodes will run. */
import { DTYPES } from './types.ts'
import type { Tensor } from './types.ts'
import { Malformed, next, text, varint, type Cursor, type Field, type Step } from './wire.ts'

export interface RawNode {
  domain: string
  op: string
  inputs: string[]
  outputs: string[]
  /** An element type that an attribute fixes: `to` of Cast, `dtype`, the type of a Constant. */
  dtype: string | null
  graphs: RawGraph[]
}

export interface RawGraph {
  nodes: RawNode[]
  initializers: { name: string; dtype: string; elements: number }[]
  inputs: Tensor[]
  outputs: Tensor[]
  values: Map<string, string>
}

export interface RawModel {
  irVersion: number
  producer: string
  producerVersion: string
  opsets: { domain: string; version: number }[]
  metadata: Record<string, string>
  graph: RawGraph | null
  functions: { domain: string; name: string; nodes: RawNode[] }[]
  externalFiles: Set<string>
}

const MAX_NODES = 1_000_000
const MAX_DEPTH = 32
const MAX_NAMED = 2_000_000
const MAX_METADATA = 64
const MAX_EXTERNAL = 16

const field = (): Field => ({ number: 0, wire: 0, value: 0, end: 0 })
const dtypeOf = (code: number): string => (code === 0 ? '?' : (DTYPES[code] ?? `type-${code}`))

interface Counts {
  nodes: number
  named: number
  readonly model: RawModel
}

export function* modelOf(c: Cursor, model: RawModel): Step<void> {
  const f = field()
  const counts: Counts = { nodes: 0, named: 0, model }
  while (yield* next(c, c.sizeBytes, f)) {
    const { end } = f
    if (f.number === 1 && f.wire === 0) model.irVersion = f.value
    else if (f.wire !== 2) {
      // Nothing else at this level is of interest.
    } else if (f.number === 2) model.producer = yield* text(c, f)
    else if (f.number === 3) model.producerVersion = yield* text(c, f)
    else if (f.number === 7) model.graph = yield* graphOf(c, end, 0, counts)
    else if (f.number === 8) {
      const [domain, version] = yield* pairOf(c, end)
      if (model.opsets.length < 256) model.opsets.push({ domain: domain || 'ai.onnx', version: Number(version) })
    } else if (f.number === 14) {
      const [key, value] = yield* pairOf(c, end)
      if (Object.keys(model.metadata).length < MAX_METADATA) model.metadata[key.slice(0, 200)] = value.slice(0, 200)
    } else if (f.number === 25) model.functions.push(yield* functionOf(c, end, counts))
    c.at = end
  }
}

/** OperatorSetIdProto and StringStringEntryProto alike: field 1 and field 2. */
function* pairOf(c: Cursor, end: number): Step<readonly [string, string]> {
  const f = field()
  const pair: [string, string] = ['', '']
  while (yield* next(c, end, f)) {
    if (f.number === 1 || f.number === 2) pair[f.number - 1] = f.wire === 2 ? yield* text(c, f) : String(f.value)
    c.at = f.end
  }
  return pair
}

function* graphOf(c: Cursor, end: number, depth: number, counts: Counts): Step<RawGraph> {
  if (depth > MAX_DEPTH) throw new Malformed('excessive', `its graphs are nested more than ${MAX_DEPTH} deep`)
  const f = field()
  const graph: RawGraph = { nodes: [], initializers: [], inputs: [], outputs: [], values: new Map() }
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.wire === 2) {
      if (f.number === 1) graph.nodes.push(yield* nodeOf(c, stop, depth, counts))
      else if (f.number === 5) graph.initializers.push(yield* tensorOf(c, stop, counts))
      else if (f.number === 11) graph.inputs.push(yield* valueOf(c, stop, counts))
      else if (f.number === 12) graph.outputs.push(yield* valueOf(c, stop, counts))
      else if (f.number === 13) {
        const { name, dtype } = yield* valueOf(c, stop, counts)
        if (dtype !== '?') graph.values.set(name, dtype)
      }
    }
    c.at = stop
  }
  return graph
}

function* functionOf(c: Cursor, end: number, counts: Counts): Step<{ domain: string; name: string; nodes: RawNode[] }> {
  const f = field()
  const made: { domain: string; name: string; nodes: RawNode[] } = { domain: '', name: '', nodes: [] }
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.wire === 2) {
      if (f.number === 1) made.name = yield* text(c, f)
      else if (f.number === 10) made.domain = yield* text(c, f)
      else if (f.number === 7) made.nodes.push(yield* nodeOf(c, stop, 0, counts))
    }
    c.at = stop
  }
  return made
}

function* nodeOf(c: Cursor, end: number, depth: number, counts: Counts): Step<RawNode> {
  if (++counts.nodes > MAX_NODES) throw new Malformed('excessive', `it has more than ${MAX_NODES} nodes`)
  const f = field()
  const node: RawNode = { domain: '', op: '', inputs: [], outputs: [], dtype: null, graphs: [] }
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.wire === 2) {
      if (f.number === 1) node.inputs.push(yield* named(c, f, counts))
      else if (f.number === 2) node.outputs.push(yield* named(c, f, counts))
      else if (f.number === 4) node.op = yield* text(c, f)
      else if (f.number === 5) yield* attributeOf(c, stop, depth, node, counts)
      else if (f.number === 7) node.domain = yield* text(c, f)
    }
    c.at = stop
  }
  return node
}

function* named(c: Cursor, f: Field, counts: Counts): Step<string> {
  if (++counts.named > MAX_NAMED) throw new Malformed('excessive', `it names more than ${MAX_NAMED} tensors`)
  return yield* text(c, f)
}

/** Attributes that fix an element type, and subgraphs. Field 1 is the name, 3 an int, 5 a tensor, 6 a graph, 7 and 8 lists. */
function* attributeOf(c: Cursor, end: number, depth: number, node: RawNode, counts: Counts): Step<void> {
  const f = field()
  let name = ''
  let int: number | null = null
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.number === 1 && f.wire === 2) name = yield* text(c, f)
    else if (f.number === 3 && f.wire === 0) int = f.value
    else if (f.wire === 2) {
      if (f.number === 5) node.dtype = (yield* tensorOf(c, stop, counts)).dtype
      else if (f.number === 6 || f.number === 11) node.graphs.push(yield* graphOf(c, stop, depth + 1, counts))
      else if (node.op === 'Constant' || node.op === '') {
        // value_floats (7), value_ints (8), value_string (4), value_strings (9) of a Constant.
        const listed = f.number === 7 ? 'float' : f.number === 8 ? 'int64' : f.number === 4 || f.number === 9 ? 'string' : null
        if (listed !== null && /^value_/.test(name)) node.dtype = listed
      }
    }
    c.at = stop
  }
  if (int !== null && (name === 'to' || name === 'dtype' || name === 'output_dtype' || name === 'output_datatype')) node.dtype = dtypeOf(int)
  else if (name === 'value_int') node.dtype = 'int64'
  else if (name === 'value_float') node.dtype = 'float'
}

/** TensorProto: dimensions (1), type (2), name (8), external data (13). The data itself is skipped, unread. */
function* tensorOf(c: Cursor, end: number, counts: Counts): Step<{ name: string; dtype: string; elements: number }> {
  const f = field()
  let name = ''
  let dtype = '?'
  let elements = 1
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.number === 1 && f.wire === 0) elements *= f.value
    else if (f.number === 1 && f.wire === 2) {
      while (c.at < stop) elements *= yield* varint(c, stop)
    } else if (f.number === 2 && f.wire === 0) dtype = dtypeOf(f.value)
    else if (f.number === 8 && f.wire === 2) name = yield* named(c, f, counts)
    else if (f.number === 13 && f.wire === 2) {
      const [key, value] = yield* pairOf(c, stop)
      const { externalFiles } = counts.model
      if (key === 'location' && externalFiles.size < MAX_EXTERNAL) externalFiles.add(value.slice(0, 1024))
    }
    c.at = stop
  }
  return { name, dtype, elements }
}

/** ValueInfoProto: name (1) and type (2); TypeProto.tensor_type (1) has the element type (1) and the shape (2). */
function* valueOf(c: Cursor, end: number, counts: Counts): Step<Tensor> {
  const f = field()
  let name = ''
  let dtype = '?'
  const shape: (number | string | null)[] = []
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.number === 1 && f.wire === 2) name = yield* named(c, f, counts)
    else if (f.number === 2 && f.wire === 2) {
      const type = field()
      const tensor = field()
      while (yield* next(c, stop, type)) {
        const { end: typeEnd } = type
        if (type.number === 1 && type.wire === 2) {
          while (yield* next(c, typeEnd, tensor)) {
            const { end: tensorEnd } = tensor
            if (tensor.number === 1 && tensor.wire === 0) dtype = dtypeOf(tensor.value)
            else if (tensor.number === 2 && tensor.wire === 2) yield* shapeOf(c, tensorEnd, shape)
            c.at = tensorEnd
          }
        }
        c.at = typeEnd
      }
    }
    c.at = stop
  }
  return { name, dtype, shape }
}

function* shapeOf(c: Cursor, end: number, shape: (number | string | null)[]): Step<void> {
  const f = field()
  const dimension = field()
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.number === 1 && f.wire === 2) {
      let size: number | string | null = null
      while (yield* next(c, stop, dimension)) {
        const { end: dimensionEnd } = dimension
        if (dimension.number === 1 && dimension.wire === 0) size = dimension.value
        else if (dimension.number === 2 && dimension.wire === 2) size = (yield* text(c, dimension)).slice(0, 100)
        c.at = dimensionEnd
      }
      if (shape.length < 16) shape.push(size)
    }
    c.at = stop
  }
}
