import type * as ort from 'onnxruntime-node'
import type { OnnxModel, Tensor as Declared } from '../../onnx/types.ts'
import type { Sessions } from '../network.ts'
import type { Settings } from './fields.ts'
import { inPrecision, singles } from './half.ts'
import { int64, lastRow, type Encode } from './whisper.ts'

export interface Graphs {
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

export function headsOf(config: Settings): Heads {
  const count = Math.max(1, config.number('decoder_attention_heads') ?? 1)
  return { count, size: Math.floor((config.number('d_model') ?? count) / count) }
}

/** The encoder, and the decoder with whatever memory its graph takes and gives. */
export function encodeWith(runtime: typeof ort, sessions: Sessions, graphs: Graphs, heads: Heads): Encode {
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
