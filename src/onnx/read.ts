/** The parts of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3) that say where nodes will run. */
import { atMost, type Counts } from './counts.ts'
import { dtypeOf, field, pairOf, tensorOf, valueOf } from './read-tensor.ts'
import type { Tensor } from './types.ts'
import { Malformed, next, text, type Cursor, type Step } from './wire.ts'

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

const MAX_DEPTH = 32
const MAX_METADATA = 64
const MAX_OPSETS = 256

export function* modelOf(c: Cursor, model: RawModel): Step<void> {
  const f = field()
  const counts: Counts = { nodes: 0, names: 0, values: 0, externalFiles: model.externalFiles }
  while (yield* next(c, c.sizeBytes, f)) {
    const { end } = f
    if (f.number === 1 && f.wire === 0) model.irVersion = f.value
    else if (f.wire !== 2) {
      // Nothing else at this level is of interest.
    } else if (f.number === 2) model.producer = yield* text(c, f)
    else if (f.number === 3) model.producerVersion = yield* text(c, f)
    else if (f.number === 7) model.graph = yield* graphOf(c, end, 0, counts)
    else if (f.number === 8) {
      const [domain, version] = yield* pairOf(c, end, 200)
      if (model.opsets.length < MAX_OPSETS) model.opsets.push({ domain: domain || 'ai.onnx', version: Number(version) })
    } else if (f.number === 14) {
      const [key, value] = yield* pairOf(c, end, 200)
      if (Object.keys(model.metadata).length < MAX_METADATA) model.metadata[key] = value
    } else if (f.number === 25) model.functions.push(yield* functionOf(c, end, counts))
    c.at = end
  }
}

function* graphOf(c: Cursor, end: number, depth: number, counts: Counts): Step<RawGraph> {
  if (depth > MAX_DEPTH) throw new Malformed('excessive', `its graphs are nested more than ${MAX_DEPTH} deep`)
  atMost(counts, 'values')
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
  atMost(counts, 'values')
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
  atMost(counts, 'nodes')
  const f = field()
  const node: RawNode = { domain: '', op: '', inputs: [], outputs: [], dtype: null, graphs: [] }
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.wire === 2) {
      if (f.number === 1) {
        atMost(counts, 'names')
        node.inputs.push(yield* text(c, f))
      } else if (f.number === 2) {
        atMost(counts, 'names')
        node.outputs.push(yield* text(c, f))
      } else if (f.number === 4) node.op = yield* text(c, f)
      else if (f.number === 5) yield* attributeOf(c, stop, depth, node, counts)
      else if (f.number === 7) node.domain = yield* text(c, f)
    }
    c.at = stop
  }
  // An array that grew is larger than what is in it, and there are many.
  return { ...node, inputs: node.inputs.slice(), outputs: node.outputs.slice() }
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
