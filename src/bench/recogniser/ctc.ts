import type * as ort from 'onnxruntime-node'
import { WrongCall } from '../../wrong-call.ts'
import { kaldiFbank, SHERPA, SHERPA_NEMO_CTC, SHERPA_WENET } from '../features/kaldi.ts'
import type { Network } from '../network.ts'
import { declares, type ModelFolder } from './folder.ts'
import { singles } from './half.ts'
import { hearingPipeline, largestIn, pieceSeconds, ZIPFORMER_SECONDS, type Encoded } from './hear.ts'
import { channels, gives, metadataNumber, partsOf, takes, type Part, type Role } from './parts.ts'
import { covers, onnxAsrText, sherpaText, symbolsOf, type Symbols } from './symbols.ts'
import { hasTokens, hasVocabulary, isNormalised, lastIsBlank, neither, nemoFeatures, onnxAsrSettings, sherpaFeatures } from './transducer-nemo.ts'
import { first, real, whole } from './tensors.ts'

/** One graph, a token or a blank for each frame. */
const NEMO: Role = { name: 'model', is: (graph) => takes(graph, 'audio_signal') && gives(graph, 'logprobs') }
const KALDI: Role = { name: 'model', is: (graph) => takes(graph, 'x', 'x_lens') && KINDS.includes(graph.metadata['model_type'] ?? '') }
const KINDS = ['zipformer2_ctc', 'wenet_ctc']

/** NeMo's in sherpa-onnx's layout (tokens.txt and metadata) or onnx-asr's (vocab.txt). */
export function nemoCtc(folder: ModelFolder): Network | null {
  const parts = partsOf(folder, [NEMO])
  if (parts === null) return null
  const [model] = parts as [Part]
  declares(folder, model.file, model.graph, /^(audio_signal|length)$/, ['logprobs'])
  if (hasVocabulary(folder) && !(hasTokens(folder) && model.graph.metadata['vocab_size'] !== undefined)) return onnxAsrCtc(folder, model)
  if (!hasTokens(folder)) throw neither(folder)
  if (model.graph.metadata['is_giga_am'] === '1') throw new WrongCall(`${model.path} is a GigaAM, whose features are not known here: measure its own program with --command "… {audio}".`)
  const symbols = symbolsOf(folder, 'tokens.txt')
  const blank = metadataNumber(model, 'vocab_size')
  lastIsBlank(symbols, blank, model)
  const subsampling = metadataNumber(model, 'subsampling_factor')
  const mels = channels(model, 'audio_signal', 1, 80)
  const normalised = isNormalised(model)
  return network(model, {
    pieceSeconds,
    features: (samples) => sherpaFeatures(samples, mels, normalised, SHERPA_NEMO_CTC),
    scores: (runtime, session, features) => scoresOf(runtime, session, model, mels, features, (frames) => Math.floor(frames / subsampling)),
    blank,
    text: sherpaCtcText(symbols),
  })
}

function onnxAsrCtc(folder: ModelFolder, model: Part): Network {
  const { symbols, blank, mels } = onnxAsrSettings(folder, model)
  const declared = model.graph.outputs[0]!.shape.at(-1)
  if (typeof declared === 'number') covers(symbols, declared, model.path)
  return network(model, {
    pieceSeconds,
    features: (samples) => nemoFeatures(samples, mels),
    scores: (runtime, session, features) => scoresOf(runtime, session, model, mels, features, (frames) => Math.floor((frames - 1) / 8) + 1),
    blank,
    text: onnxAsrText(symbols),
  })
}

/** Zipformer's and WeNet's, in sherpa-onnx's layout. */
export function kaldiCtc(folder: ModelFolder): Network | null {
  const parts = partsOf(folder, [KALDI])
  if (parts === null) return null
  const [model] = parts as [Part]
  declares(folder, model.file, model.graph, /^(x|x_lens)$/, [])
  const symbols = symbolsOf(folder, 'tokens.txt')
  const blank = ['<blk>', '<eps>', '<blank>'].map(symbols.id).find((id) => id !== null)
  if (blank === undefined) throw new WrongCall(`${symbols.file} has no blank (<blk>, <eps> or <blank>): it is not the tokens.txt of this model.`)
  const declared = model.graph.outputs[0]!.shape.at(-1)
  if (typeof declared === 'number') covers(symbols, declared, model.path)
  const options = { ...(model.graph.metadata['model_type'] === 'wenet_ctc' ? SHERPA_WENET : SHERPA), mels: channels(model, 'x', 2, SHERPA.mels) }
  return network(model, {
    pieceSeconds: ZIPFORMER_SECONDS,
    features: (samples) => {
      const { data, frames } = kaldiFbank(samples, options)
      return frames < 9 ? null : { data, frames, valid: frames }
    },
    scores: async (runtime, session, { data, frames }) => {
      const made = await session.run({ x: real(runtime, model.graph, 'x', data, [1, frames, options.mels]), x_lens: whole(runtime, model.graph, 'x_lens', [frames], [1]) })
      const [scores, lengths] = model.graph.outputs.map(({ name }) => made[name]!) as [ort.Tensor, ort.Tensor]
      return { rows: singles(scores), width: scores.dims[2]!, frames: Math.min(scores.dims[1]!, first(lengths)) }
    },
    blank,
    text: sherpaCtcText(symbols),
  })
}

interface Features {
  readonly data: Float32Array
  readonly frames: number
  readonly valid: number
}

interface Ctc {
  readonly pieceSeconds: number
  features(samples: Float32Array): Features | null
  scores(runtime: typeof ort, session: ort.InferenceSession, features: Features): Promise<Encoded>
  readonly blank: number
  text(tokens: readonly number[]): string
}

const network = (model: Part, { pieceSeconds, features, scores, blank, text }: Ctc): Network => ({
  graphs: { model: model.path },
  pieceSeconds,
  pipeline: (runtime, sessions) => hearingPipeline<Features>({ pieceSeconds, features, encode: (heard) => scores(runtime, sessions['model']!, heard), decode: async (encoded) => collapsed(encoded, blank), text }),
})

async function scoresOf(runtime: typeof ort, session: ort.InferenceSession, { graph }: Part, mels: number, { data, frames, valid }: Features, lengthOf: (frames: number) => number): Promise<Encoded> {
  const length = takes(graph, 'length') ? { length: whole(runtime, graph, 'length', [valid], [1]) } : {}
  const { logprobs } = await session.run({ audio_signal: real(runtime, graph, 'audio_signal', data, [1, mels, frames]), ...length })
  return { rows: singles(logprobs!), width: logprobs!.dims[2]!, frames: Math.min(logprobs!.dims[1]!, lengthOf(valid)) }
}

/** The likeliest of each frame, repetitions once, blanks not at all. */
function collapsed({ rows, width, frames }: Encoded, blank: number): readonly number[] {
  const best = Array.from({ length: frames }, (_, t) => largestIn(rows, t * width, (t + 1) * width))
  return best.filter((token, t) => token !== blank && token !== best[t - 1])
}

/** sherpa-onnx leaves out two tokens that stand for no text (offline-recognizer-ctc-impl.h). */
function sherpaCtcText(symbols: Symbols): (tokens: readonly number[]) => string {
  const silent = [symbols.id('SIL'), symbols.id('</s>')]
  const text = sherpaText(symbols)
  return (tokens) => text(tokens.filter((token) => !silent.includes(token)))
}
