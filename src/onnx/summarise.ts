/** A graph as it stands in the file becomes counts: which operators, on which types, handing tensors to which others. */
import type { Flow, OnnxModel, OpUse } from './types.ts'
import { outputTypes } from './infer.ts'
import type { RawGraph, RawModel, RawNode } from './read.ts'
import { Malformed } from './wire.ts'

interface Use {
  readonly use: Omit<OpUse, 'count'>
  readonly index: number
  count: number
}

/** What is known of a tensor by its name. A subgraph sees the names around it. */
interface Scope {
  readonly outer: Scope | null
  readonly types: Map<string, string>
  readonly constants: Set<string>
  readonly shapes: Set<string>
  readonly makers: Map<string, Made>
}

interface Made {
  readonly by: number
  /** Most tensors have one reader or none, and a set is large. */
  readers: number | Set<number> | null
}

/** Nodes and names once the model's own functions stand in place of their calls. A few that call one another come to more than can be counted. */
const MAX_STEPS = 1_200_000
/** Different uses of operators. Models of the field have a few hundred. */
const MAX_USES = 20_000

const scopeWithin = (outer: Scope | null): Scope => ({ outer, types: new Map(), constants: new Set(), shapes: new Set(), makers: new Map() })
const typeIn = (scope: Scope | null, name: string): string => (scope === null ? '?' : (scope.types.get(name) ?? typeIn(scope.outer, name)))
const isIn = (set: 'constants' | 'shapes', scope: Scope | null, name: string): boolean => scope !== null && (scope[set].has(name) || (!scope.types.has(name) && isIn(set, scope.outer, name)))
const makerIn = (scope: Scope | null, name: string): Made | null => (scope === null ? null : (scope.makers.get(name) ?? makerIn(scope.outer, name)))

/** Not computed while loading: they are random, or ONNX Runtime leaves them for its own fusions. */
const NEVER_FOLDED = /^(Random|Multinomial|Bernoulli)|^DequantizeLinear$|^(If|Loop|Scan)$/
const SHAPE_SOURCES = new Set(['Shape', 'Size'])
/**
 * Inputs that the CUDA kernel of an operator takes from the CPU: a length, a shape, axes. Where a shape goes in there, the
 * result is data, and ONNX Runtime leaves the node on the GPU (fallback_cpu_capability.cc, GetCpuPreferredNodes).
 */
const TAKEN_FROM_CPU: Readonly<Record<string, readonly number[]>> = {
  Range: [0, 1, 2], ConstantOfShape: [0], Expand: [1], Reshape: [1], Tile: [1], Slice: [1, 2, 3, 4], Squeeze: [1], Unsqueeze: [1], Split: [1],
  Pad: [1, 2, 3], Resize: [1, 2, 3], OneHot: [1], TopK: [1], Trilu: [1], CumSum: [1],
}
/** What a graph's inputs are made by, as far as flows go. */
const FEED = -1

export function summaryOf(model: RawModel, sizeBytes: number): OnnxModel {
  const uses = new Map<string, Use>()
  const made: Made[] = []
  const bodies = new Map(model.functions.map((each) => [`${each.domain} ${each.name}`, each.nodes]))
  const graph = model.graph!
  let nodes = 0
  let steps = 0
  const step = (more: number): void => {
    if ((steps += more) > MAX_STEPS) throw new Malformed('excessive', 'its functions call one another more often than can be followed')
  }

  const useOf = (use: Omit<OpUse, 'count'>): Use => {
    const key = `${use.domain} ${use.op} ${use.inputs.join(',')}>${use.outputs.join(',')}${use.folded ? ' folded' : ''}${use.constant ? ' constant' : ''}${use.shape ? ' shape' : ''}`
    const known = uses.get(key)
    if (known) return known
    if (uses.size >= MAX_USES) throw new Malformed('excessive', `it has more than ${MAX_USES} different uses of operators`)
    const fresh: Use = { use, index: uses.size, count: 0 }
    uses.set(key, fresh)
    return fresh
  }

  const walk = (of: RawGraph, outer: Scope | null): readonly string[] => {
    const scope = scopeWithin(outer)
    step(of.initializers.length + of.inputs.length + of.outputs.length)
    for (const { name, dtype } of of.initializers) {
      scope.types.set(name, dtype)
      scope.constants.add(name)
    }
    for (const { name, dtype } of of.inputs) {
      if (scope.constants.has(name)) continue
      scope.types.set(name, dtype)
      if (outer === null) feed(scope, name)
    }
    for (const node of ordered(of.nodes)) visit(node, scope, of.values, 0)
    return of.outputs.map(({ name, dtype }) => (dtype === '?' ? typeIn(scope, name) : dtype))
  }

  const feed = (scope: Scope, name: string): void => {
    const entry: Made = { by: FEED, readers: null }
    scope.makers.set(name, entry)
    made.push(entry)
  }

  const visit = (node: RawNode, scope: Scope, values: ReadonlyMap<string, string>, depth: number): void => {
    step(1 + node.inputs.length + node.outputs.length)
    const domain = node.domain || 'ai.onnx'
    const body = bodies.get(`${node.domain} ${node.op}`)
    if (body !== undefined && depth < 16) {
      // ONNX Runtime puts the body of a model's own function in place of the call. Its names are its own, so no types are followed.
      for (const inner of body) visit(inner, scopeWithin(null), new Map(), depth + 1)
      for (const name of node.outputs) scope.types.set(name, values.get(name) ?? '?')
      return
    }
    nodes++
    const inputs = node.inputs.map((name) => (name === '' ? '' : typeIn(scope, name)))
    const bodyTypes = node.graphs.map((inner) => walk(inner, scope))[0] ?? null
    const guessed = outputTypes(node, inputs, bodyTypes)
    const outputs = node.outputs.map((name, at) => (name === '' ? '' : (values.get(name) ?? guessed[at] ?? '?')))
    const given = node.inputs.filter((name) => name !== '')
    const constant = (name: string) => isIn('constants', scope, name)
    const still = given.length > 0 && given.every(constant) && node.graphs.length === 0
    const folded = node.op === 'Constant' || (still && !NEVER_FOLDED.test(node.op))
    const sized = TAKEN_FROM_CPU[node.op]?.some((at) => isIn('shapes', scope, node.inputs[at] ?? '')) ?? false
    const shape = !folded && !sized && given.length > 0 && given.some((name) => isIn('shapes', scope, name)) && given.every((name) => constant(name) || isIn('shapes', scope, name))
    const use = useOf({ domain, op: node.op, inputs, outputs, folded, constant: still && !folded, shape })
    use.count++
    for (const name of folded ? [] : given) {
      const maker = makerIn(scope, name)
      if (maker !== null) maker.readers = withReader(maker.readers, use.index)
    }
    node.outputs.forEach((name, at) => {
      if (name === '') return
      scope.types.set(name, outputs[at]!)
      if (folded) scope.constants.add(name)
      else if (shape || SHAPE_SOURCES.has(node.op)) scope.shapes.add(name)
      else {
        const entry: Made = { by: use.index, readers: null }
        scope.makers.set(name, entry)
        made.push(entry)
      }
    })
  }

  walk(graph, null)
  const weights = new Map<string, { count: number; elements: number }>()
  for (const { dtype, elements } of graph.initializers) {
    const sum = weights.get(dtype) ?? { count: 0, elements: 0 }
    weights.set(dtype, { count: sum.count + 1, elements: sum.elements + elements })
  }
  const constants = new Set(graph.initializers.map(({ name }) => name))
  return {
    format: 'onnx',
    sizeBytes,
    irVersion: model.irVersion,
    producer: model.producer,
    producerVersion: model.producerVersion,
    opsets: model.opsets,
    nodes,
    ops: [...uses.values()].map(({ use, count }) => ({ ...use, count })),
    flows: flowsOf(made),
    inputs: graph.inputs.filter(({ name }) => !constants.has(name)).slice(0, 200),
    outputs: graph.outputs.slice(0, 200),
    initializers: [...weights].map(([dtype, sum]) => ({ dtype, ...sum })).sort((a, b) => b.elements - a.elements),
    externalFiles: [...model.externalFiles],
    metadata: model.metadata,
    localFunctions: model.functions.slice(0, 100).map(({ domain, name }) => `${domain}.${name}`),
  }
}

/** Makers before readers: the standard asks for it, and onnxruntime's own float16 converter puts its casts last. Cycles stay as they are. */
function ordered(nodes: readonly RawNode[]): readonly RawNode[] {
  const makers = new Map(nodes.flatMap((node, at) => node.outputs.map((name) => [name, at] as const)))
  if (nodes.every((node, at) => node.inputs.every((name) => (makers.get(name) ?? -1) < at))) return nodes
  const order: RawNode[] = []
  const state = new Uint8Array(nodes.length)
  for (let root = 0; root < nodes.length; root++) {
    const stack = [root]
    while (stack.length > 0) {
      const at = stack.at(-1)!
      if (state[at] === 2) {
        stack.pop()
        continue
      }
      if (state[at] === 1) {
        state[at] = 2
        order.push(nodes[at]!)
        stack.pop()
        continue
      }
      state[at] = 1
      for (const name of nodes[at]!.inputs) {
        const maker = makers.get(name)
        if (maker !== undefined && state[maker] === 0) stack.push(maker)
      }
    }
  }
  return order
}

const withReader = (readers: Made['readers'], one: number): Made['readers'] => (readers === null || readers === one ? one : typeof readers === 'number' ? new Set([readers, one]) : readers.add(one))

function flowsOf(made: readonly Made[]): readonly Flow[] {
  const flows = new Map<string, { from: number; to: number[]; count: number }>()
  for (const { by, readers } of made) {
    if (readers === null) continue
    const to = typeof readers === 'number' ? [readers] : [...readers].sort((a, b) => a - b)
    const key = `${by}>${to.join(',')}`
    const flow = flows.get(key) ?? { from: by, to, count: 0 }
    flow.count++
    flows.set(key, flow)
  }
  return [...flows.values()]
}
