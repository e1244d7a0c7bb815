import { join } from 'node:path'
import { WHISPER_RATE } from '../features/whisper.ts'
import type { Network } from '../network.ts'
import { settings } from './fields.ts'
import { declares, graphNamed, jsonOf, missing, type ModelFolder } from './folder.ts'
import { choose, partOf } from './whisper-hugging-face-files.ts'
import { encodeWith, headsOf } from './whisper-hugging-face-run.ts'
import { modelOf } from './whisper-hugging-face-settings.ts'
import { whisperModelPipeline } from './whisper.ts'

const INPUTS = /^(input_ids|encoder_hidden_states|use_cache_branch|cache_position|past_key_values\.\d+\.(encoder|decoder)\.(key|value))$/

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
