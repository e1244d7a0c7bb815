/**
 * Reads a profile as ONNX Runtime writes it (onnxruntime/core/common/profiler.cc, EndProfiling): an array with one event a
 * line. Lines are read one by one, so that a profile of any size, or one cut short, gives the sums of what it holds.
 */
import { CannotSee } from '../cannot-see.ts'
import type { ProfileReading, ShapeRuns } from './types.ts'

interface Event {
  readonly cat?: unknown
  readonly name?: unknown
  readonly dur?: unknown
  readonly args?: { readonly provider?: unknown; readonly op_name?: unknown; readonly node_index?: unknown; readonly input_type_shape?: unknown; readonly activation_size?: unknown; readonly output_size?: unknown }
}

const MAX_LINE_BYTES = 1024 * 1024
/** What is kept by its name: nodes, operators, providers and shapes. No profile of the field comes near. */
const MAX_NAMES = 300_000
const MAX_NAME_CHARACTERS = 24_000_000
const MAX_SHAPES = 50
const MAX_RUNS_KEPT = 1000

/** null = the line that was being written when the process ended. */
function eventOf(json: string): Event | null {
  try {
    return JSON.parse(json) as Event
  } catch {
    return null
  }
}

interface Sum {
  readonly nodes: Set<string>
  runs: number
  hostUs: number
}

export interface ProfileReader {
  push(chunk: Uint8Array): void
  finish(source: string): ProfileReading
}

/** Benign on the CPU: ONNX Runtime keeps arithmetic on shapes there (GetCpuPreferredNodes), and copies stand for themselves. */
const COPY = /^Memcpy(To|From)Host$/

export function profileReader(): ProfileReader {
  const decoder = new TextDecoder()
  let rest = ''
  let sizeBytes = 0
  let events = 0
  let closed = false
  let runs = 0
  let loadUs: number | null = null
  let kernelUs: number | null = null
  let shape: string | null = null
  const providers = new Map<string, Sum>()
  const cpuOps = new Map<string, Sum>()
  const mostBytes = new Map<string, number>()
  const memcpy = { nodes: new Set<string>(), runs: 0 }
  const shapes = new Map<string, number[]>()

  let names = 0
  let characters = 0

  /** Counts one more name that is kept. */
  const keep = (name: string): void => {
    characters += name.length
    if (++names > MAX_NAMES || characters > MAX_NAME_CHARACTERS) throw new CannotSee('The profile names more nodes than any model has.', 'Give a profile of fewer sessions: --profile FILE.')
  }

  const addNode = (nodes: Set<string>, node: string): void => {
    if (nodes.has(node)) return
    keep(node)
    nodes.add(node)
  }

  const add = (map: Map<string, Sum>, key: string, node: string, us: number): void => {
    const sum = map.get(key) ?? { nodes: new Set<string>(), runs: 0, hostUs: 0 }
    if (sum.runs === 0) {
      keep(key)
      map.set(key, sum)
    }
    addNode(sum.nodes, node)
    sum.runs++
    sum.hostUs += us
  }

  const take = (event: Event): void => {
    const us = typeof event.dur === 'number' && Number.isFinite(event.dur) && event.dur >= 0 ? event.dur : 0
    const name = String(event.name ?? '')
    events++
    if (event.cat === 'Session') {
      if (name === 'session_initialization') loadUs = (loadUs ?? 0) + us
      if (name === 'model_run') {
        runs++
        const key = shape ?? '?'
        const list = shapes.get(key)
        if (list !== undefined) {
          if (list.length < MAX_RUNS_KEPT) list.push(us)
        } else if (shapes.size < MAX_SHAPES) {
          keep(key)
          shapes.set(key, [us])
        }
        shape = null
      }
      return
    }
    if (event.cat === 'Kernel') {
      kernelUs = (kernelUs ?? 0) + us
      return
    }
    // Fences of older releases stand beside each kernel and are no work.
    if (event.cat !== 'Node' || !name.endsWith('_kernel_time')) return
    const { provider, op_name, node_index, input_type_shape, activation_size, output_size } = event.args ?? {}
    if (typeof provider !== 'string' || typeof op_name !== 'string') return
    shape ??= shapeWords(input_type_shape)
    const node = `${String(node_index ?? '')} ${name}`
    if (COPY.test(op_name)) {
      addNode(memcpy.nodes, node)
      memcpy.runs++
      return
    }
    add(providers, provider, node, us)
    if (provider !== 'CPUExecutionProvider') return
    add(cpuOps, op_name, node, us)
    const bytes = Math.max(...[activation_size, output_size].map((size) => (typeof size === 'string' && /^\d+$/.test(size) ? Number(size) : -1)))
    if (bytes >= 0) mostBytes.set(op_name, Math.max(bytes, mostBytes.get(op_name) ?? 0))
  }

  const line = (text: string): void => {
    const trimmed = text.trim()
    if (trimmed === ']') closed = true
    const json = trimmed.replace(/^\[/, '').replace(/,$/, '')
    if (!json.startsWith('{')) return
    const event = eventOf(json)
    if (event !== null) take(event)
  }

  return {
    push(chunk) {
      sizeBytes += chunk.length
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop()!.slice(-MAX_LINE_BYTES)
      for (const each of lines) line(each)
    },
    finish(source) {
      line(rest)
      return {
        source,
        sizeBytes,
        events,
        truncated: !closed,
        providers: [...providers].map(([provider, { nodes: of, runs: n, hostUs }]) => ({ provider, nodes: of.size, runs: n, hostUs })).sort((a, b) => b.nodes - a.nodes),
        memcpy: { nodes: memcpy.nodes.size, runs: memcpy.runs },
        cpuOps: [...cpuOps].map(([op, { nodes: of, runs: n, hostUs }]) => ({ op, nodes: of.size, runs: n, hostUs, ...(mostBytes.has(op) ? { mostBytes: mostBytes.get(op)! } : {}) })).sort((a, b) => b.hostUs - a.hostUs).slice(0, 20),
        runs,
        shapes: [...shapes].map(([each, times]) => shapeRuns(each, times)),
        loadUs,
        kernelUs,
      }
    },
  }
}

/** Cut before it is joined: a part of a string keeps the whole of it in memory. */
const shapeWords = (shape: unknown): string => {
  const words = JSON.stringify(shape ?? null)
  return words.length <= 200 ? words : [...words.slice(0, 200)].join('')
}

function shapeRuns(shape: string, [first, ...later]: readonly number[]): ShapeRuns {
  const sorted = [...later].sort((a, b) => a - b)
  return { shape, runs: later.length + 1, firstUs: first!, laterUs: sorted[Math.floor(sorted.length / 2)] ?? null }
}
