import type * as ort from 'onnxruntime-node'
import { join } from 'node:path'
import { WrongCall } from '../../wrong-call.ts'
import { normalise } from '../engines/transducer.ts'
import { kaldiFbank, SHERPA_NEMO } from '../features/kaldi.ts'
import { nemoLogMel } from '../features/nemo.ts'
import type { Network, Sessions } from '../network.ts'
import { settings } from './fields.ts'
import { declares, jsonOf, missing, type ModelFolder } from './folder.ts'
import { singles } from './half.ts'
import { hearingPipeline, largestIn, pieceSeconds, transposed, type Encoded } from './hear.ts'
import { channels, fits, gives, metadataNumber, partsOf, takes, type Part, type Role } from './parts.ts'
import { covers, onnxAsrText, sherpaText, symbolsOf, withoutSpaces, type Symbols } from './symbols.ts'
import { first, real, whole, zeros } from './tensors.ts'

/**
 * Transducers of NeMo (Parakeet, FastConformer), with and without predicted durations (TDT), in two layouts: sherpa-onnx
 * exports encoder, decoder and joiner apart and makes features of its own kind; onnx-asr takes NeMo's own export, where
 * decoder and joiner are one graph, and NeMo's own features.
 */
const ENCODER: Role = { name: 'encoder', is: (graph) => takes(graph, 'audio_signal', 'length') && gives(graph, 'outputs', 'encoded_lengths') }
const SHERPA_ROLES: readonly Role[] = [
  ENCODER,
  { name: 'decoder', is: (graph) => takes(graph, 'targets', 'target_length') && !takes(graph, 'encoder_outputs') },
  { name: 'joiner', is: (graph) => takes(graph, 'encoder_outputs', 'decoder_outputs') },
]
const ONNX_ASR_ROLES: readonly Role[] = [ENCODER, { name: 'decoder_joint', is: (graph) => takes(graph, 'encoder_outputs', 'targets') }]

/** Of [1, mels, frames]. */
interface Features {
  readonly data: Float32Array
  readonly frames: number
  readonly valid: number
}

/** The scores of what comes next at a frame, and the memory as it is when that token was said. */
type Step = (frame: Float32Array) => Promise<{ readonly scores: Float32Array; said(token: number): Promise<void> }>

export function sherpaNemoTransducer(folder: ModelFolder): Network | null {
  if (!Object.values(folder.graphs).some((graph) => SHERPA_ROLES.slice(1).some((role) => role.is(graph)))) return null
  const [encoder, decoder, joiner] = partsOf(folder, SHERPA_ROLES) as [Part, Part, Part]
  fits(encoder, 'outputs', 1, joiner, 'encoder_outputs', 1)
  fits(decoder, 'outputs', 1, joiner, 'decoder_outputs', 1)
  declares(folder, encoder.file, encoder.graph, /^(audio_signal|length)$/, ['outputs', 'encoded_lengths'])
  if (encoder.graph.metadata['is_giga_am'] === '1') throw new WrongCall(`${encoder.path} is a GigaAM, whose features are not known here: measure its own program with --command "… {audio}".`)
  const symbols = symbolsOf(folder, 'tokens.txt')
  const blank = metadataNumber(encoder, 'vocab_size')
  lastIsBlank(symbols, blank, encoder)
  const normalised = isNormalised(encoder)
  const mels = channels(encoder, 'audio_signal', 1, metadataNumber(encoder, 'feat_dim', 80))
  const text = sherpaText(symbols)
  return {
    graphs: { encoder: encoder.path, decoder: decoder.path, joiner: joiner.path },
    pieceSeconds,
    pipeline: (runtime, sessions) => hearingPipeline<Features>({
      pieceSeconds,
      features: (samples) => sherpaFeatures(samples, mels, normalised),
      encode: (features) => encode(runtime, sessions, encoder, mels, features),
      // The largest number of tokens for one frame is the engine's (offline-transducer-greedy-search-nemo-decoder.cc).
      decode: async (encoded) => greedy(await apart(runtime, sessions, decoder, joiner, blank), encoded, blank, { withDurations: 5, without: 10 }),
      text: (tokens) => withoutSpaces(text(tokens)),
    }),
  }
}

export function onnxAsrTransducer(folder: ModelFolder): Network | null {
  if (!Object.values(folder.graphs).some(ONNX_ASR_ROLES[1]!.is)) return null
  const [encoder, decoder] = partsOf(folder, ONNX_ASR_ROLES) as [Part, Part]
  fits(encoder, 'outputs', 1, decoder, 'encoder_outputs', 1)
  declares(folder, encoder.file, encoder.graph, /^(audio_signal|length)$/, ['outputs', 'encoded_lengths'])
  declares(folder, decoder.file, decoder.graph, /^(encoder_outputs|targets|target_length|input_states_[12])$/, ['outputs', 'output_states_1', 'output_states_2'])
  const { symbols, blank, mels, most } = onnxAsrSettings(folder, encoder)
  const text = onnxAsrText(symbols)
  return {
    graphs: { encoder: encoder.path, decoder: decoder.path },
    pieceSeconds,
    pipeline: (runtime, sessions) => hearingPipeline<Features>({
      pieceSeconds,
      features: (samples) => nemoFeatures(samples, mels),
      encode: (features) => encode(runtime, sessions, encoder, mels, features),
      decode: (encoded) => greedy(together(runtime, sessions, decoder, blank), encoded, blank, { withDurations: most, without: most }),
      text,
    }),
  }
}

// ── settings, also of CTC ──────────────────────────────────────────────────────────────────────────────────

export function isNormalised({ path, graph }: Part): boolean {
  const kind = graph.metadata['normalize_type'] ?? ''
  if (!['', 'NA', 'per_feature'].includes(kind)) throw new WrongCall(`${path} wants features normalised as ${JSON.stringify(kind.slice(0, 40))}; sherpa-onnx, and bench, know per_feature.`)
  return kind === 'per_feature'
}

export function lastIsBlank(symbols: Symbols, blank: number, { path }: Part): void {
  covers(symbols, blank + 1, path)
  if (symbols.id('<blk>') !== blank || symbols.byId.length !== blank + 1) throw new WrongCall(`${symbols.file} has ${symbols.byId.length} tokens, and ${path} chooses among ${blank} and the blank, <blk>, as the last: it belongs to another model.`)
}

/** What onnx-asr reads beside the graphs: vocab.txt, and config.json where there is one. */
export function onnxAsrSettings(folder: ModelFolder, encoder: Part): { readonly symbols: Symbols; readonly blank: number; readonly mels: number; readonly most: number } {
  const symbols = symbolsOf(folder, 'vocab.txt')
  const blank = symbols.id('<blk>')
  if (blank === null) throw new WrongCall(`${symbols.file} has no blank, <blk>: it is not the vocab.txt of this model.`)
  covers(symbols, symbols.byId.length, encoder.path)
  const config = settings(join(folder.path, 'config.json'), jsonOf(folder, 'config.json') ?? {})
  const mels = config.number('features_size') ?? channels(encoder, 'audio_signal', 1, 80)
  const taken = channels(encoder, 'audio_signal', 1, mels)
  if (taken !== mels) throw new WrongCall(`${config.file} says features_size ${mels}, and ${encoder.path} takes ${taken}: it belongs to another model.`)
  return { symbols, blank, mels, most: config.number('max_tokens_per_step') ?? 10 }
}

export const hasVocabulary = ({ names }: ModelFolder): boolean => names.includes('vocab.txt')
export const hasTokens = ({ names }: ModelFolder): boolean => names.includes('tokens.txt')
export const neither = (folder: ModelFolder): WrongCall => missing(folder, 'tokens.txt', 'what the tokens stand for (onnx-asr calls it vocab.txt)')

// ── running ────────────────────────────────────────────────────────────────────────────────────────────────

export function sherpaFeatures(samples: Float32Array, mels: number, normalised: boolean, options = SHERPA_NEMO): Features | null {
  const { data, frames } = kaldiFbank(samples, { ...options, mels })
  if (frames < 2) return null
  if (normalised) normalise(data, mels)
  return { data: transposed(data, frames, mels), frames, valid: frames }
}

export function nemoFeatures(samples: Float32Array, mels: number): Features | null {
  const features = nemoLogMel(samples, mels)
  return features.valid < 2 ? null : features
}

async function encode(runtime: typeof ort, sessions: Sessions, { graph }: Part, mels: number, { data, frames, valid }: Features): Promise<Encoded> {
  const made = await sessions['encoder']!.run({ audio_signal: real(runtime, graph, 'audio_signal', data, [1, mels, frames]), length: whole(runtime, graph, 'length', [valid], [1]) })
  const [, width, there] = made['outputs']!.dims as [number, number, number]
  return { rows: transposed(singles(made['outputs']!), width, there), width, frames: Math.min(there, first(made['encoded_lengths']!)) }
}

/** Decoder and joiner as graphs of their own: the decoder runs when a token was said. */
async function apart(runtime: typeof ort, sessions: Sessions, decoder: Part, joiner: Part, blank: number): Promise<Step> {
  const states = decoder.graph.inputs.map(({ name }) => name).filter((name) => name !== 'targets' && name !== 'target_length')
  // The exporter gives them no names, so they go by their order: output, its length, states.
  const made = decoder.graph.outputs.map(({ name }) => name).slice(2)
  let state = Object.fromEntries(states.map((name) => [name, zeros(runtime, decoder.graph, name)]))
  const predict = async (token: number) => {
    const next = await sessions['decoder']!.run({ targets: whole(runtime, decoder.graph, 'targets', [token], [1, 1]), target_length: whole(runtime, decoder.graph, 'target_length', [1], [1]), ...state })
    state = Object.fromEntries(states.map((name, i) => [name, next[made[i]!]!]))
    return next[decoder.graph.outputs[0]!.name]!
  }
  let predicted = await predict(blank)
  const output = joiner.graph.outputs[0]!.name
  return async (frame) => {
    const scored = await sessions['joiner']!.run({ encoder_outputs: real(runtime, joiner.graph, 'encoder_outputs', frame, [1, frame.length, 1]), decoder_outputs: predicted })
    return { scores: singles(scored[output]!), said: async (token) => void (predicted = await predict(token)) }
  }
}

/** Both in one graph, which gives the memory as it would be: it is kept when a token was said. */
function together(runtime: typeof ort, sessions: Sessions, { graph }: Part, blank: number): Step {
  let [token, one, two] = [blank, zeros(runtime, graph, 'input_states_1'), zeros(runtime, graph, 'input_states_2')]
  return async (frame) => {
    const made = await sessions['decoder']!.run({
      encoder_outputs: real(runtime, graph, 'encoder_outputs', frame, [1, frame.length, 1]),
      targets: whole(runtime, graph, 'targets', [token], [1, 1]),
      target_length: whole(runtime, graph, 'target_length', [1], [1]),
      input_states_1: one,
      input_states_2: two,
    })
    const said = async (best: number) => void ([token, one, two] = [best, made['output_states_1']!, made['output_states_2']!])
    return { scores: singles(made['outputs']!), said }
  }
}

/** Frame by frame: what is likeliest, until that is nothing, or enough was said for one frame. Scores beyond the tokens are of how many frames to go on. */
async function greedy(step: Step, { rows, width, frames }: Encoded, blank: number, most: { readonly withDurations: number; readonly without: number }): Promise<readonly number[]> {
  const tokens: number[] = []
  let here = 0
  for (let t = 0; t < frames; ) {
    const { scores, said } = await step(rows.slice(t * width, (t + 1) * width))
    const best = largestIn(scores, 0, blank + 1)
    const durations = scores.length > blank + 1
    const duration = durations ? largestIn(scores, blank + 1, scores.length) : 0
    if (best !== blank) {
      tokens.push(best)
      await said(best)
      here++
    }
    const onward = duration > 0 ? duration : best === blank || here >= (durations ? most.withDurations : most.without) ? 1 : 0
    if (onward > 0) here = 0
    t += onward
  }
  return tokens
}
