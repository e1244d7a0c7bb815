import { join } from 'node:path'
import type * as ort from 'onnxruntime-node'
import type { OnnxModel, Tensor as Declared } from '../../onnx/types.ts'
import { WrongCall } from '../../wrong-call.ts'
import { WHISPER_RATE, whisperLogMel } from '../features/whisper.ts'
import type { Network, Sessions } from '../network.ts'
import { settings, type Settings } from './fields.ts'
import { declares, graphNamed, jsonOf, missing, type Fields, type ModelFolder } from './folder.ts'
import { inPrecision, singles } from './half.ts'
import { byPreference, precisionOf } from './precision.ts'
import { entryOf, type TokenTable } from './tokens.ts'
import { int64, lastRow, whisperModelPipeline, type Encode, type WhisperModel, type WhisperRules } from './whisper.ts'

/** Whisper as Optimum exports it, and as it lies in the repositories of onnx-community and of transformers.js. */
export function huggingFaceWhisper(folder: ModelFolder): Network | null {
  const files = [...Object.keys(folder.graphs), ...Object.keys(folder.broken)].flatMap((name) => partOf(name) ?? [])
  if (!files.some(({ part }) => part === 'encoder_model')) return null
  const config = jsonOf(folder, 'config.json')
  if (config !== null && config['model_type'] !== 'whisper') return null
  const chosen = choose(folder, files)
  const encoder = graphNamed(folder, chosen.encoder, 'the encoder')
  if (!encoder.inputs.some(({ name }) => name === 'input_features')) return null
  if (config === null) throw missing(folder, 'config.json', 'the shape of the model')
  const first = graphNamed(folder, chosen.decoder, 'the decoder')
  const later = chosen.withPast === null ? null : graphNamed(folder, chosen.withPast, 'the decoder for all tokens but the first')
  declares(folder, chosen.encoder, encoder, /^input_features$/, ['last_hidden_state'])
  declares(folder, chosen.decoder, first, INPUTS, ['logits'])
  if (later !== null) declares(folder, chosen.withPast!, later, INPUTS, ['logits'])
  const shape = settings(join(folder.path, 'config.json'), config)
  const model = modelOf(folder, shape, encoder)
  const at = (name: string) => join(folder.path, name)
  return {
    graphs: { encoder: at(chosen.encoder), decoder: at(chosen.decoder), ...(chosen.withPast === null ? {} : { decoderWithPast: at(chosen.withPast) }) },
    pieceSeconds: model.windowSamples / WHISPER_RATE,
    pipeline: (runtime, sessions) => whisperModelPipeline(model, encodeWith(runtime, sessions, { encoder, first, later }, headsOf(shape))),
  }
}

// ── files ──────────────────────────────────────────────────────────────────────────────────────────────────

const PARTS = ['encoder_model', 'decoder_model_merged', 'decoder_with_past_model', 'decoder_model'] as const
interface Part {
  readonly name: string
  readonly part: (typeof PARTS)[number]
  /** `_fp16`, `_quantized` … as in the name; `` = as it was exported. */
  readonly precision: string
}

function partOf(name: string): Part | null {
  const [, part, precision] = /^(?:onnx\/)?(encoder_model|decoder_model_merged|decoder_with_past_model|decoder_model)((?:_.+)?)\.onnx$/.exec(name) ?? []
  return part === undefined ? null : { name, part: part as Part['part'], precision: precisionOf(precision!) }
}

interface Chosen {
  readonly encoder: string
  readonly decoder: string
  /** null = the decoder reads on by itself: it is merged, or has no memory. */
  readonly withPast: string | null
}

/** The plain files, or those of the precision of the one that was named; each part is taken as near to it as there is. */
function choose(folder: ModelFolder, files: readonly Part[]): Chosen {
  const named = files.find(({ name }) => name === folder.named)
  const best = (...parts: readonly Part['part'][]): Part | undefined => byPreference(files.filter(({ part }) => parts.includes(part)), named?.precision ?? '')[0]
  const beside = (part: Part['part'], precision: string): Part | undefined => files.find((file) => file.part === part && file.precision === precision)
  const encoder = named?.part === 'encoder_model' ? named : best('encoder_model')!
  const decoder = named !== undefined && named.part !== 'encoder_model' ? named : best('decoder_model_merged', 'decoder_model', 'decoder_with_past_model')
  if (decoder === undefined) throw missing(folder, encoder.name.replace('encoder_model', 'decoder_model_merged'), 'the decoder')
  // Of equal precision the merged one comes first, as it does for Optimum itself.
  const merged = beside('decoder_model_merged', decoder.precision)
  if (decoder.part === 'decoder_model_merged' || (decoder !== named && merged !== undefined)) return { encoder: encoder.name, decoder: (merged ?? decoder).name, withPast: null }
  const first = beside('decoder_model', decoder.precision)
  if (first === undefined) throw missing(folder, decoder.name.replace('decoder_with_past_model', 'decoder_model'), 'the decoder for the first token')
  return { encoder: encoder.name, decoder: first.name, withPast: beside('decoder_with_past_model', decoder.precision)?.name ?? null }
}

const INPUTS = /^(input_ids|encoder_hidden_states|use_cache_branch|cache_position|past_key_values\.\d+\.(encoder|decoder)\.(key|value))$/

// ── settings ───────────────────────────────────────────────────────────────────────────────────────────────

function modelOf(folder: ModelFolder, config: Settings, encoder: OnnxModel): WhisperModel {
  const generation = jsonOf(folder, 'generation_config.json')
  const said = generation === null ? config : settings(join(folder.path, 'generation_config.json'), generation)
  const [, mels, frames] = encoder.inputs.find(({ name }) => name === 'input_features')!.shape
  const channels = typeof mels === 'number' ? mels : (config.number('num_mel_bins') ?? 80)
  if (channels !== 80 && channels !== 128) throw new WrongCall(`${folder.path} takes ${channels} mel channels; a Whisper has 80 or 128.`)
  const length = typeof frames === 'number' ? frames : 2 * (config.number('max_source_positions') ?? 1500)
  if (length < 2 || length > 30_000) throw new WrongCall(`${folder.path} hears ${length} frames at once; a Whisper hears 3000.`)
  const windowSamples = (length * WHISPER_RATE) / 100
  return {
    rules: rulesOf(said, config),
    tokens: tokensOf(folder),
    windowSamples,
    features: (samples) => {
      const window = new Float32Array(windowSamples)
      window.set(samples)
      return { ...whisperLogMel(window, channels), heardFrames: length }
    },
  }
}

/** As generate() of transformers begins (generation_whisper.py, _retrieve_init_tokens). */
function rulesOf(said: Settings, config: Settings): WhisperRules {
  const start = said.number('decoder_start_token_id') ?? config.number('decoder_start_token_id')
  const end = said.number('eos_token_id') ?? config.number('eos_token_id')
  if (start === null || end === null) throw new WrongCall(`${said.file} lacks ${start === null ? 'decoder_start_token_id' : 'eos_token_id'}. Fetch it anew, with generation_config.json.`)
  const languages = said.byName('lang_to_id')
  const tasks = said.byName('task_to_id')
  const [language, task] = [said.text('language'), said.text('task')]
  const forced = language === null && task === null ? (said.places('forced_decoder_ids') ?? config.places('forced_decoder_ids') ?? []) : []
  const prompt: (number | null)[] = [start, ...forced.map(([, token]) => token)]
  if (language !== null) prompt[1] = languageToken(language, languages ?? {}, said.file)
  else if (languages !== null && (prompt[1] ?? null) === null) prompt[1] = null
  const wanted = task ?? (language === null ? null : 'transcribe')
  const taskToken = wanted === null ? undefined : tasks?.[wanted]
  if (taskToken !== undefined && !prompt.includes(taskToken)) prompt.push(taskToken)
  const noTimestamps = said.number('no_timestamps_token_id')
  if (noTimestamps !== null && prompt.at(-1) !== noTimestamps) prompt.push(noTimestamps)
  const among = Object.values(languages ?? {})
  // Without languages there is none to be heard.
  const first = among.length === 0 ? prompt.filter((token) => token !== null) : prompt.filter((token, i) => token !== null || i === 1)
  const positions = Math.min(config.number('max_target_positions') ?? 448, said.number('max_length') ?? Infinity)
  const most = Math.max(0, Math.min(positions - first.length, said.number('max_new_tokens') ?? Infinity))
  return {
    prompt: first, languages: among, end,
    suppressed: said.numbers('suppress_tokens') ?? [],
    suppressedFirst: said.numbers('begin_suppress_tokens') ?? [],
    most: () => most,
  }
}

/** `<|de|>`, `de` or `german`. */
function languageToken(language: string, languages: Readonly<Record<string, number>>, file: string): number {
  const wanted = language.toLowerCase()
  const names = new Intl.DisplayNames(['en'], { type: 'language' })
  const code = Object.keys(languages).find((each) => {
    const bare = each.replace(/^<\|(.*)\|>$/, '$1')
    return wanted === each || wanted === bare || (/^[a-z]{2,3}$/.test(bare) && names.of(bare)?.toLowerCase() === wanted)
  })
  if (code === undefined) throw new WrongCall(`${file}: the language ${JSON.stringify(language.slice(0, 60))} is not in lang_to_id.`)
  return languages[code]!
}

const MOST_TOKENS = 1_000_000

/** tokenizer.json, or vocab.json with added_tokens.json as older repositories have it. */
function tokensOf(folder: ModelFolder): TokenTable {
  const whole = jsonOf(folder, 'tokenizer.json')
  const vocabulary = whole === null ? jsonOf(folder, 'vocab.json') : (whole['model'] as Fields | undefined)?.['vocab']
  if (whole === null && vocabulary === null) throw missing(folder, 'tokenizer.json', 'what the tokens stand for')
  const file = join(folder.path, whole === null ? 'vocab.json' : 'tokenizer.json')
  const table: (Uint8Array | null | undefined)[] = []
  const put = (id: unknown, token: unknown) => {
    if (typeof token !== 'string' || !Number.isInteger(id) || (id as number) < 0 || (id as number) >= MOST_TOKENS) throw new WrongCall(`${file} holds no table of tokens with their numbers. Fetch it anew.`)
    table[id as number] = entryOf(token)
  }
  if (typeof vocabulary !== 'object' || vocabulary === null || Array.isArray(vocabulary)) put(null, null)
  for (const [token, id] of Object.entries(vocabulary as Fields)) put(id, token)
  const added = whole === null ? jsonOf(folder, 'added_tokens.json') : whole['added_tokens']
  if (Array.isArray(added)) for (const each of added as readonly (Fields | null)[]) put(each?.['id'], each?.['content'])
  else for (const [token, id] of Object.entries((added ?? {}) as Fields)) put(id, token)
  return table
}

// ── running ────────────────────────────────────────────────────────────────────────────────────────────────

interface Graphs {
  readonly encoder: OnnxModel
  readonly first: OnnxModel
  readonly later: OnnxModel | null
}

type Values = Record<string, ort.Tensor>

/** Of the decoder's attention. */
interface Heads {
  readonly count: number
  readonly size: number
}

function headsOf(config: Settings): Heads {
  const count = Math.max(1, config.number('decoder_attention_heads') ?? 1)
  return { count, size: Math.floor((config.number('d_model') ?? count) / count) }
}

function encodeWith(runtime: typeof ort, sessions: Sessions, graphs: Graphs, heads: Heads): Encode {
  const { Tensor } = runtime
  const memory = (graphs.later ?? graphs.first).inputs.filter(({ name }) => name.startsWith('past_key_values.'))
  const precise = (graph: OnnxModel, values: Values): Values =>
    Object.fromEntries(graph.inputs.map(({ name, dtype }) => [name, dtype === 'float' || dtype === 'float16' ? inPrecision(runtime, dtype, values[name]!) : values[name]!]))

  return async (mel, frames) => {
    const features = new Tensor('float32', mel, [1, mel.length / frames, frames])
    const hidden = (await sessions['encoder']!.run(precise(graphs.encoder, { input_features: features })))['last_hidden_state']!
    return { output: singles(hidden), read: () => reader(hidden) }
  }

  function reader(hidden: ort.Tensor): (tokens: readonly number[]) => Promise<Float32Array> {
    let past: Values = Object.fromEntries(memory.map((each) => [each.name, empty(each)]))
    let read: readonly number[] = []
    return async (tokens) => {
      const begun = read.length > 0
      const graph = begun && graphs.later !== null ? graphs.later : graphs.first
      // Without a memory everything is read again with each token.
      const ids = memory.length === 0 ? [...read, ...tokens] : tokens
      const from = read.length + tokens.length - ids.length
      const made = await sessions[graph === graphs.later ? 'decoderWithPast' : 'decoder']!.run(precise(graph, {
        ...past,
        input_ids: int64(runtime, ids, [1, ids.length]),
        encoder_hidden_states: hidden,
        use_cache_branch: new Tensor('bool', [begun], [1]),
        cache_position: int64(runtime, ids.map((_, i) => from + i), [ids.length]),
      }))
      // The keys and values over the sound are made once; later the graph gives them empty or not at all.
      past = Object.fromEntries(memory.map(({ name }) => {
        const next = made[name.replace('past_key_values.', 'present.')]
        return [name, next === undefined || (begun && name.includes('.encoder.')) ? past[name]! : next]
      }))
      read = [...read, ...tokens]
      const logits = made['logits']!
      return lastRow(singles(logits), logits.dims)
    }
  }

  function empty({ shape, dtype }: Declared): ort.Tensor {
    const dims = [1, sizeAt(shape, 1) ?? heads.count, 0, sizeAt(shape, 3) ?? heads.size]
    return dtype === 'float16' ? new Tensor('float16', new Uint16Array(0), dims) : new Tensor('float32', new Float32Array(0), dims)
  }
}

const sizeAt = (shape: Declared['shape'], index: number): number | null => (typeof shape[index] === 'number' ? shape[index] : null)
