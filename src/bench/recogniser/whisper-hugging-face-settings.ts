import { join } from 'node:path'
import type { OnnxModel } from '../../onnx/types.ts'
import { WrongCall } from '../../wrong-call.ts'
import { WHISPER_RATE, whisperLogMel } from '../features/whisper.ts'
import { settings, type Settings } from './fields.ts'
import { jsonOf, missing, type Fields, type ModelFolder } from './folder.ts'
import { entryOf, type TokenTable } from './tokens.ts'
import type { WhisperModel, WhisperRules } from './whisper.ts'

/** The numbers and words of a folder of Hugging Face: how its Whisper hears, begins and spells. */
export function modelOf(folder: ModelFolder, config: Settings, encoder: OnnxModel): WhisperModel {
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
