import { join } from 'node:path'
import type * as ort from 'onnxruntime-node'
import type { OnnxModel } from '../../onnx/types.ts'
import type { Opened } from '../audio/load.ts'
import { stopwatch } from '../clock.ts'
import type { Network, Pipeline } from '../network.ts'
import { graphNamed, type ModelFolder } from './folder.ts'
import { singles } from './half.ts'
import { gives, takes } from './parts.ts'
import { real, whole, zeros } from './tensors.ts'

/** Silero VAD: for each window of 32 ms how likely it is speech. It writes no text. */
const WINDOW = 512
/** What is heard of the window before, from version 5 on. */
const CONTEXT = 64
const RATE = 16000
/** From here on Silero's own get_speech_timestamps takes a window for speech. */
const SPEECH = 0.5

interface Form {
  is(graph: OnnxModel): boolean
  readonly context: number
  /** The states, and what they are called when they come out. */
  readonly states: Readonly<Record<string, string>>
  readonly probability: string
  /** How many windows one run takes. */
  readonly windows: number
}

const FORMS: readonly Form[] = [
  // Version 5 and 6, of the wheel silero-vad and of faster-whisper 1.0.3.
  { is: (graph) => takes(graph, 'input', 'state') && gives(graph, 'output', 'stateN'), context: CONTEXT, states: { state: 'stateN' }, probability: 'output', windows: 1 },
  // Version 6 for many windows at once, silero_vad_16k_sequence.onnx and silero_vad_v6.onnx of faster-whisper.
  { is: (graph) => takes(graph, 'input', 'h', 'c') && gives(graph, 'speech_probs', 'hn', 'cn'), context: CONTEXT, states: { h: 'hn', c: 'cn' }, probability: 'speech_probs', windows: 10_000 },
  // Version 4, of faster-whisper up to 1.0.2.
  { is: (graph) => takes(graph, 'input', 'sr', 'h', 'c') && gives(graph, 'output', 'hn', 'cn'), context: 0, states: { h: 'hn', c: 'cn' }, probability: 'output', windows: 1 },
]

/** The file that was named, or the only one of the folder; where several are of this kind, the one that everybody calls silero_vad.onnx. */
export function sileroVad(folder: ModelFolder): Network | null {
  const files = Object.keys(folder.graphs).filter((file) => formOf(folder.graphs[file]!) !== undefined)
  const file = files.find((name) => name === folder.named) ?? files.find((name) => name === 'silero_vad.onnx') ?? files[0]
  if (file === undefined) return null
  const graph = graphNamed(folder, file, 'the network')
  return { graphs: { model: join(folder.path, file) }, detects: true, pipeline: (runtime, sessions) => vadPipeline(runtime, sessions['model']!, graph, formOf(graph)!) }
}

const formOf = (graph: OnnxModel): Form | undefined => FORMS.find((form) => form.is(graph))

function vadPipeline(runtime: typeof ort, session: ort.InferenceSession, graph: OnnxModel, { context, states, probability, windows }: Form): Pipeline {
  const rate: Record<string, ort.Tensor> = takes(graph, 'sr') ? { sr: whole(runtime, graph, 'sr', [RATE], []) } : {}
  return async (opened: Opened) => {
    const watch = stopwatch()
    const { samples } = opened.decode()
    watch.mark('audio')
    const inputs = windowed(samples, context)
    const width = context + WINDOW
    const count = inputs.length / width
    watch.mark('features')
    const output = new Float32Array(count)
    let state = Object.fromEntries(Object.keys(states).map((name) => [name, zeros(runtime, graph, name)]))
    for (let at = 0; at < count; at += windows) {
      const rows = Math.min(windows, count - at)
      const made = await session.run({ input: real(runtime, graph, 'input', inputs.slice(at * width, (at + rows) * width), [rows, width]), ...state, ...rate })
      state = Object.fromEntries(Object.entries(states).map(([name, next]) => [name, made[next]!]))
      output.set(singles(made[probability]!).subarray(0, rows), at)
    }
    watch.mark('detector')
    return { ...watch.total(), phases: watch.phases, text: null, speech: output.filter((value) => value >= SPEECH).length / count, output }
  }
}

/** Windows one after another, each with the end of the one before in front of it; the last is filled up with silence. */
function windowed(samples: Float32Array, context: number): Float32Array {
  const count = Math.ceil(samples.length / WINDOW)
  const width = context + WINDOW
  const rows = new Float32Array(count * width)
  for (let i = 0; i < count; i++) {
    const start = i * WINDOW
    rows.set(samples.subarray(Math.max(0, start - context), start + WINDOW), i * width + Math.max(0, context - start))
  }
  return rows
}
