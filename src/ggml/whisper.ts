/** A model of whisper.cpp (src/whisper.cpp, whisper_model_load): header, mel filters, vocabulary, and tensors one behind the other. */
import { tape } from '../onnx/tape.ts'
import type { ModelFile } from '../onnx/types.ts'
import { Malformed, type Bytes } from '../onnx/wire.ts'
import { GGML_FTYPES, GGML_TYPES } from './types.ts'

/** Encoder layers of whisper.cpp's model sizes (e_model). */
const SIZES: Readonly<Record<number, string>> = { 4: 'tiny', 6: 'base', 12: 'small', 24: 'medium', 32: 'large' }
const MAX_TENSORS = 10_000

export async function whisperOf(bytes: Bytes, sizeBytes: number): Promise<ModelFile> {
  const file = tape(bytes, sizeBytes)
  try {
    file.skip(4, 'its magic number')
    const head: number[] = []
    // n_vocab, audio: ctx, state, head, layer, text: ctx, state, head, layer, n_mels, ftype.
    for (let n = 0; n < 11; n++) head.push(await file.i32())
    const [vocabulary, , state, heads, audioLayers, , , , textLayers, mels, type] = head as [number, number, number, number, number, number, number, number, number, number, number]
    // Other programs, the voice detector of whisper.cpp among them, have the same magic number and another header.
    const whisper = vocabulary > 50_000 && vocabulary < 60_000 && (mels === 80 || mels === 128) && audioLayers > 0 && audioLayers < 100 && textLayers > 0 && textLayers < 100 && heads > 0 && state % heads === 0
    if (!whisper) return { format: 'ggml', sizeBytes, model: null, weights: 'unknown' }
    const whole = (): ModelFile => ({ format: 'ggml', sizeBytes, model: SIZES[audioLayers] ? `whisper ${SIZES[audioLayers]}` : null, weights: GGML_FTYPES[type % 1000] ?? `ftype ${type % 1000}` })
    const filters = [await file.i32(), await file.i32()] as const
    file.skip(4 * filters[0] * filters[1], 'the mel filters')
    const words = await file.i32()
    for (let n = 0; n < words; n++) file.skip(await file.u32(), 'the vocabulary')
    let tensors = 0
    while (file.left() > 0) {
      const [rank, length, kind] = [await file.i32(), await file.i32(), await file.i32()]
      const element = GGML_TYPES[kind]
      // A type of elements that is newer than this table has a size that is not known.
      if (element === undefined && kind >= 0 && kind < 256) return whole()
      if (rank < 0 || rank > 4 || length < 0 || element === undefined || (tensors += 1) > MAX_TENSORS) return { format: 'broken', sizeBytes, problem: 'malformed', detail: `what should be its tensor ${tensors} is none` }
      let elements = 1
      for (let n = 0; n < rank; n++) elements *= await file.i32()
      const name = await file.text(length)
      file.skip((elements / element.elements) * element.bytes, `the tensor ${name}`)
    }
    // 15 tensors a layer of the encoder, 24 of the decoder, and 11 beside; a file without any is whisper.cpp's own for tests.
    const wanted = 11 + 15 * audioLayers + 24 * textLayers
    if (tensors > 0 && tensors < wanted) return { format: 'broken', sizeBytes, problem: 'truncated', detail: `it holds ${tensors} tensors of ${wanted}` }
    return whole()
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return { format: 'broken', sizeBytes, problem: error.problem, detail: error.message }
  }
}
