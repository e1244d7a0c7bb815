import { join } from 'node:path'
import type * as ort from 'onnxruntime-node'
import type { OnnxModel } from '../../onnx/types.ts'
import { WrongCall } from '../../wrong-call.ts'
import { KALDI_CENTRED, WHISPER_RATE, whisperLogMel } from '../features/whisper.ts'
import type { Network, Sessions } from '../network.ts'
import { declares, graphNamed, missing, textOf, type ModelFolder } from './folder.ts'
import { inPrecision, singles } from './half.ts'
import { byPreference, precisionOf } from './precision.ts'
import type { TokenTable } from './tokens.ts'
import { int64, lastRow, whisperModelPipeline, type Encode, type WhisperModel } from './whisper.ts'

/** Whisper as scripts/whisper/export-onnx.py of sherpa-onnx exports it: everything that is not in tokens.txt is in the encoder's metadata. */
export function sherpaWhisper(folder: ModelFolder): Network | null {
  const files = [...Object.keys(folder.graphs), ...Object.keys(folder.broken)].flatMap((name) => partOf(name) ?? [])
  const ours = files.filter(({ name }) => isWhisper(folder.graphs[name]))
  if (ours.length === 0) return null
  const model = modelNamed(folder, files, [...new Set(ours.map(({ prefix }) => prefix))])
  const named = files.find(({ name }) => name === folder.named)
  const [encoderFile, decoderFile] = (['encoder', 'decoder'] as const).map((part) => {
    if (named?.part === part) return named.name
    const [best] = byPreference(files.filter((file) => file.part === part && file.prefix === model), named?.precision ?? '')
    if (best === undefined) throw missing(folder, `${model}${part}.onnx`, `the ${part}`)
    return best.name
  }) as [string, string]
  const encoder = graphNamed(folder, encoderFile, 'the encoder')
  const decoder = graphNamed(folder, decoderFile, 'the decoder')
  declares(folder, encoderFile, encoder, /^mel$/, ['n_layer_cross_k', 'n_layer_cross_v'])
  declares(folder, decoderFile, decoder, /^(tokens|in_n_layer_self_[kv]_cache|n_layer_cross_[kv]|offset)$/, ['logits', 'out_n_layer_self_k_cache', 'out_n_layer_self_v_cache'])
  const tokensFile = [`${model}tokens.txt`, 'tokens.txt'].find((name) => folder.names.includes(name)) ?? `${model}tokens.txt`
  const whisper = modelOf(join(folder.path, encoderFile), encoder, tokensOf(folder, tokensFile))
  return {
    graphs: { encoder: join(folder.path, encoderFile), decoder: join(folder.path, decoderFile) },
    pieceSeconds: whisper.windowSamples / WHISPER_RATE,
    pipeline: (runtime, sessions) => whisperModelPipeline(whisper, encodeWith(runtime, sessions, encoder, decoder, whisper.memory)),
  }
}

// ── files ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Part {
  readonly name: string
  /** `tiny.en-` */
  readonly prefix: string
  readonly part: 'encoder' | 'decoder'
  readonly precision: string
}

function partOf(name: string): Part | null {
  const [, prefix, part, precision] = /^(.*?)(encoder|decoder)((?:[.\-_][a-z0-9]+)?)\.onnx$/.exec(name) ?? []
  return part === undefined ? null : { name, prefix: prefix!, part: part as Part['part'], precision: precisionOf(precision!) }
}

const isWhisper = (graph: OnnxModel | undefined): boolean =>
  graph !== undefined && (/^whisper/.test(graph.metadata['model_type'] ?? '') || graph.inputs.some(({ name }) => name === 'in_n_layer_self_k_cache'))

function modelNamed(folder: ModelFolder, files: readonly Part[], prefixes: readonly string[]): string {
  const named = files.find(({ name }) => name === folder.named)
  if (named !== undefined) return named.prefix
  if (prefixes.length > 1) throw new WrongCall(`${folder.path} holds several models (${prefixes.map((prefix) => prefix.replace(/-$/, '')).join(', ')}): name one of its files with --model FILE.`)
  return prefixes[0]!
}

// ── settings ───────────────────────────────────────────────────────────────────────────────────────────────

/** sherpa-onnx hears no more than this at once, and leaves room for silence after it (offline-recognizer-whisper-impl.h). */
const MOST_FRAMES = 3000
const MOST_HEARD = MOST_FRAMES - 50
const TAIL = 1000
/** "assume at most 6 tokens per second" (offline-whisper-greedy-search-decoder.cc). */
const TOKENS_PER_SECOND = 6
const MOST_TOKENS = 1_000_000

interface Memory {
  readonly layers: number
  readonly positions: number
  readonly width: number
}

function modelOf(file: string, { metadata, inputs }: OnnxModel, tokens: TokenTable): WhisperModel & { readonly memory: Memory } {
  const number = (name: string): number => {
    const value = metadata[name] ?? ''
    if (!/^\d{1,7}$/.test(value)) throw new WrongCall(`${file} lacks ${name} in its metadata${value === '' ? '' : ` (it is ${JSON.stringify(value.slice(0, 40))})`}: export it with scripts/whisper/export-onnx.py of sherpa-onnx.`)
    return Number(value)
  }
  const numbers = (name: string): readonly number[] => {
    const value = metadata[name] ?? ''
    if (!/^\d{1,7}(,\d{1,7})*$/.test(value)) throw new WrongCall(`${file} lacks ${name} in its metadata: export it with scripts/whisper/export-onnx.py of sherpa-onnx.`)
    return value.split(',').map(Number)
  }
  const mels = number('n_mels')
  if (mels !== 80 && mels !== 128) throw new WrongCall(`${file} takes ${mels} mel channels; a Whisper has 80 or 128.`)
  const multilingual = number('is_multilingual') === 1
  const positions = number('n_text_ctx')
  const fixed = inputs[0]?.shape[2]
  return {
    rules: {
      prompt: [...numbers('sot_sequence').map((token, i) => (multilingual && i === 1 ? null : token)), number('no_timestamps')],
      // The vocabulary has them between these two (openai/whisper tokenizer.py), which is shorter to read than their list.
      languages: multilingual ? range(number('sot') + 1, number('translate')) : [],
      end: number('eot'),
      suppressed: [],
      suppressedFirst: [],
      most: (frames) => Math.min(Math.floor((frames / 100) * TOKENS_PER_SECOND), positions >> 1),
    },
    tokens,
    memory: { layers: number('n_text_layer'), positions, width: number('n_text_state') },
    windowSamples: MOST_HEARD * 160,
    features: (samples) => {
      const heard = whisperLogMel(samples, mels, KALDI_CENTRED)
      const heardFrames = Math.min(heard.frames, MOST_HEARD)
      const frames = typeof fixed === 'number' ? fixed : Math.min(heardFrames + TAIL, MOST_FRAMES)
      const data = new Float32Array(mels * frames)
      for (let m = 0; m < mels; m++) data.set(heard.data.subarray(m * heard.frames, m * heard.frames + Math.min(heardFrames, frames)), m * frames)
      return { data, frames, heardFrames }
    },
  }
}

const range = (from: number, to: number): readonly number[] => Array.from({ length: Math.max(0, Math.min(to - from, 1000)) }, (_, i) => from + i)

/** A line for each token: its bytes in Base64, and its number. */
function tokensOf(folder: ModelFolder, name: string): TokenTable {
  const text = textOf(folder, name)
  if (text === null) throw missing(folder, name, 'what the tokens stand for')
  const table: Uint8Array[] = []
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const [, token, id] = /^([A-Za-z0-9+/=]*) (\d{1,7})$/.exec(line) ?? []
    if (token === undefined || Number(id) >= MOST_TOKENS) throw new WrongCall(`${join(folder.path, name)}: line ${i + 1} is not a token in Base64 and its number, as Whisper's tokens are written. Fetch it anew.`)
    table[Number(id)] = Buffer.from(token, 'base64')
  }
  if (table.length === 0) throw new WrongCall(`${join(folder.path, name)} holds no tokens. Fetch it anew.`)
  return table
}

// ── running ────────────────────────────────────────────────────────────────────────────────────────────────

function encodeWith(runtime: typeof ort, sessions: Sessions, encoder: OnnxModel, decoder: OnnxModel, { layers, positions, width }: Memory): Encode {
  const { Tensor } = runtime
  const precise = (graph: OnnxModel, values: Record<string, ort.Tensor>) =>
    Object.fromEntries(graph.inputs.map(({ name, dtype }) => [name, dtype === 'float' || dtype === 'float16' ? inPrecision(runtime, dtype, values[name]!) : values[name]!]))
  return async (mel, frames) => {
    const heard = await sessions['encoder']!.run(precise(encoder, { mel: new Tensor('float32', mel, [1, mel.length / frames, frames]) }))
    const [k, v] = [heard['n_layer_cross_k']!, heard['n_layer_cross_v']!]
    return {
      output: singles(k),
      read: () => {
        const empty = () => new Tensor('float32', new Float32Array(layers * positions * width), [layers, 1, positions, width])
        let past: readonly [ort.Tensor, ort.Tensor] = [empty(), empty()]
        let offset = 0
        return async (tokens) => {
          const made = await sessions['decoder']!.run(precise(decoder, {
            tokens: int64(runtime, tokens, [1, tokens.length]),
            in_n_layer_self_k_cache: past[0],
            in_n_layer_self_v_cache: past[1],
            n_layer_cross_k: k,
            n_layer_cross_v: v,
            offset: int64(runtime, [offset], [1]),
          }))
          past = [made['out_n_layer_self_k_cache']!, made['out_n_layer_self_v_cache']!]
          offset += tokens.length
          const logits = made['logits']!
          return lastRow(singles(logits), logits.dims)
        }
      },
    }
  }
}
