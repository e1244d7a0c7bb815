import type * as ort from 'onnxruntime-node'
import { WrongCall } from '../../wrong-call.ts'
import { MODEL_RATE } from '../audio/load.ts'
import { kaldiFbank, SHERPA } from '../features/kaldi.ts'
import type { Network, Sessions } from '../network.ts'
import { declares, type ModelFolder } from './folder.ts'
import { singles } from './half.ts'
import { hearingPipeline, largestIn, ZIPFORMER_SECONDS, type Encoded, type Hearing } from './hear.ts'
import { channels, fits, gives, metadataNumber, partsOf, takes, type Part, type Role } from './parts.ts'
import { covers, sherpaText, symbolsOf, withoutSpaces, type Symbols } from './symbols.ts'
import { first, real, whole, zeros } from './tensors.ts'

/**
 * Transducers of k2 (Zipformer and its forerunners) as icefall's export-onnx*.py exports them and sherpa-onnx runs them: a
 * prediction network without memory that sees the last tokens, at most one token for each frame.
 */
const ROLES: readonly Role[] = [
  { name: 'encoder', is: (graph) => takes(graph, 'x') && gives(graph, 'encoder_out') },
  { name: 'decoder', is: (graph) => graph.inputs.length === 1 && gives(graph, 'decoder_out') },
  { name: 'joiner', is: (graph) => takes(graph, 'encoder_out', 'decoder_out') && gives(graph, 'logit') },
]
const BLANK = 0

interface Rules {
  readonly context: number
  readonly vocabulary: number
  /** The number of `<unk>`, which is taken for a blank. */
  readonly unknown: number | null
}

interface Features {
  readonly data: Float32Array
  readonly frames: number
}

export function k2Transducer(folder: ModelFolder): Network | null {
  const parts = partsOf(folder, ROLES)
  if (parts === null) return null
  const [encoder, decoder, joiner] = parts as [Part, Part, Part]
  fits(encoder, 'encoder_out', 2, joiner, 'encoder_out', 1)
  fits(decoder, 'decoder_out', 1, joiner, 'decoder_out', 1)
  const symbols = symbolsOf(folder, 'tokens.txt')
  const rules: Rules = { context: metadataNumber(decoder, 'context_size'), vocabulary: metadataNumber(decoder, 'vocab_size'), unknown: symbols.id('<unk>') }
  covers(symbols, rules.vocabulary, decoder.path)
  const mels = channels(encoder, 'x', 2, SHERPA.mels)
  const streaming = !takes(encoder.graph, 'x_lens')
  if (encoder.graph.metadata['feature'] === 'whisper') throw new WrongCall(`${encoder.path} wants features as of Whisper, which are not known here for a transducer.`)
  if (streaming) statesOf(encoder)
  else declares(folder, encoder.file, encoder.graph, /^(x|x_lens)$/, ['encoder_out', 'encoder_out_lens'])
  return {
    graphs: { encoder: encoder.path, decoder: decoder.path, joiner: joiner.path },
    ...(streaming ? {} : { pieceSeconds: ZIPFORMER_SECONDS }),
    pipeline: (runtime, sessions) => hearingPipeline<Features>({
      ...(streaming ? inChunks(runtime, sessions, encoder, mels) : atOnce(runtime, sessions, encoder, mels)),
      decode: (encoded) => greedy(runtime, sessions, decoder, joiner, rules, encoded),
      text: textOf(symbols),
    }),
  }
}

const textOf = (symbols: Symbols) => {
  const text = sherpaText(symbols)
  return (tokens: readonly number[]) => withoutSpaces(text(tokens))
}

type Front = Pick<Hearing<Features>, 'features' | 'encode' | 'pieceSeconds'>

function atOnce(runtime: typeof ort, sessions: Sessions, { graph }: Part, mels: number): Front {
  return {
    pieceSeconds: ZIPFORMER_SECONDS,
    features: (samples) => someFrames(kaldiFbank(samples, { ...SHERPA, mels })),
    encode: async ({ data, frames }) => {
      const made = await sessions['encoder']!.run({ x: real(runtime, graph, 'x', data, [1, frames, mels]), x_lens: whole(runtime, graph, 'x_lens', [frames], [1]) })
      return { rows: singles(made['encoder_out']!), width: made['encoder_out']!.dims[2]!, frames: first(made['encoder_out_lens']!) }
    },
  }
}

const someFrames = (features: Features): Features | null => (features.frames < 9 ? null : features)

// ── streaming ──────────────────────────────────────────────────────────────────────────────────────────────

/** Silence after the recording, so that its end is heard as well (python-api-examples of sherpa-onnx). */
const TAIL = Math.floor(0.66 * MODEL_RATE)

function statesOf({ path, graph }: Part): readonly string[] {
  const states = graph.inputs.map(({ name }) => name).filter((name) => name !== 'x')
  const lost = states.find((name) => !gives(graph, `new_${name}`))
  if (lost !== undefined) throw new WrongCall(`${path} wants an input ${lost} and gives no new_${lost}: streaming models of this kind are not known here.`)
  return states
}

/** The chunks of a streaming model one after another, each with the states that the one before left. */
function inChunks(runtime: typeof ort, sessions: Sessions, encoder: Part, mels: number): Front {
  const { graph } = encoder
  const states = statesOf(encoder)
  const [size, shift] = [metadataNumber(encoder, 'T'), metadataNumber(encoder, 'decode_chunk_len')]
  return {
    pieceSeconds: Infinity,
    features: (samples) => {
      const padded = new Float32Array(samples.length + TAIL)
      padded.set(samples)
      return kaldiFbank(padded, { ...SHERPA, mels })
    },
    encode: async ({ data, frames }) => {
      let state = Object.fromEntries(states.map((name) => [name, zeros(runtime, graph, name)]))
      const chunks: Float32Array[] = []
      let width = 0
      for (let at = 0; at + size < frames; at += shift) {
        const made = await sessions['encoder']!.run({ x: real(runtime, graph, 'x', data.slice(at * mels, (at + size) * mels), [1, size, mels]), ...state })
        state = Object.fromEntries(states.map((name) => [name, made[`new_${name}`]!]))
        width = made['encoder_out']!.dims[2]!
        chunks.push(singles(made['encoder_out']!))
      }
      const rows = new Float32Array(chunks.reduce((sum, { length }) => sum + length, 0))
      chunks.reduce((at, chunk) => (rows.set(chunk, at), at + chunk.length), 0)
      return { rows, width, frames: width === 0 ? 0 : rows.length / width }
    },
  }
}

// ── decoding ───────────────────────────────────────────────────────────────────────────────────────────────

/** offline-transducer-greedy-search-decoder.cc; the streaming one does the same. */
async function greedy(runtime: typeof ort, sessions: Sessions, decoder: Part, joiner: Part, { context, vocabulary, unknown }: Rules, { rows, width, frames }: Encoded): Promise<readonly number[]> {
  const input = decoder.graph.inputs[0]!.name
  const tokens = [...Array<number>(context - 1).fill(-1), BLANK]
  const predict = async () => (await sessions['decoder']!.run({ [input]: whole(runtime, decoder.graph, input, tokens.slice(-context), [1, context]) }))['decoder_out']!
  let predicted = await predict()
  for (let t = 0; t < frames; t++) {
    const { logit } = await sessions['joiner']!.run({ encoder_out: real(runtime, joiner.graph, 'encoder_out', rows.slice(t * width, (t + 1) * width), [1, width]), decoder_out: predicted })
    const best = largestIn(singles(logit!), 0, vocabulary)
    if (best === BLANK || best === unknown) continue
    tokens.push(best)
    predicted = await predict()
  }
  return tokens.slice(context)
}
