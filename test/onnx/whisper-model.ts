/** A model as whisper.cpp reads it (src/whisper.cpp, whisper_model_load), with weights of zeros: f32 (0) or q5_0 (6 as a type, 8 as a file type). */
const [AUDIO_LAYERS, TEXT_LAYERS, STATE, MELS, AUDIO_CTX, TEXT_CTX, VOCABULARY] = [4, 1, 64, 80, 1500, 448, 51865]

type Tensor = readonly [name: string, dims: readonly number[], weight: boolean]

const attention = (prefix: string, name: string): readonly Tensor[] => [
  [`${prefix}.${name}_ln.weight`, [STATE], false], [`${prefix}.${name}_ln.bias`, [STATE], false],
  [`${prefix}.${name}.query.weight`, [STATE, STATE], true], [`${prefix}.${name}.query.bias`, [STATE], false], [`${prefix}.${name}.key.weight`, [STATE, STATE], true],
  [`${prefix}.${name}.value.weight`, [STATE, STATE], true], [`${prefix}.${name}.value.bias`, [STATE], false], [`${prefix}.${name}.out.weight`, [STATE, STATE], true], [`${prefix}.${name}.out.bias`, [STATE], false],
]
const perceptron = (prefix: string): readonly Tensor[] => [
  [`${prefix}.mlp_ln.weight`, [STATE], false], [`${prefix}.mlp_ln.bias`, [STATE], false],
  [`${prefix}.mlp.0.weight`, [STATE, 4 * STATE], true], [`${prefix}.mlp.0.bias`, [4 * STATE], false], [`${prefix}.mlp.2.weight`, [4 * STATE, STATE], true], [`${prefix}.mlp.2.bias`, [STATE], false],
]
const layers = (count: number, of: (n: number) => readonly Tensor[]): readonly Tensor[] => Array.from({ length: count }, (_, n) => of(n)).flat()

const TENSORS: readonly Tensor[] = [
  ['encoder.positional_embedding', [STATE, AUDIO_CTX], false],
  ['encoder.conv1.weight', [3, MELS, STATE], false], ['encoder.conv1.bias', [1, STATE], false], ['encoder.conv2.weight', [3, STATE, STATE], false], ['encoder.conv2.bias', [1, STATE], false],
  ['encoder.ln_post.weight', [STATE], false], ['encoder.ln_post.bias', [STATE], false],
  ...layers(AUDIO_LAYERS, (n) => [...perceptron(`encoder.blocks.${n}`), ...attention(`encoder.blocks.${n}`, 'attn')]),
  ['decoder.positional_embedding', [STATE, TEXT_CTX], false], ['decoder.token_embedding.weight', [STATE, VOCABULARY], true], ['decoder.ln.weight', [STATE], false], ['decoder.ln.bias', [STATE], false],
  ...layers(TEXT_LAYERS, (n) => [...perceptron(`decoder.blocks.${n}`), ...attention(`decoder.blocks.${n}`, 'attn'), ...attention(`decoder.blocks.${n}`, 'cross_attn')]),
]

const ints = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, at) => bytes.writeInt32LE(value, 4 * at))
  return bytes
}

export function whisperModel(quantised: boolean): Buffer {
  const head = ints(0x67676d6c, VOCABULARY, AUDIO_CTX, STATE, 1, AUDIO_LAYERS, TEXT_CTX, STATE, 1, TEXT_LAYERS, MELS, quantised ? 2008 : 0)
  const words = Array.from({ length: 50257 }, (_, n) => [ints(`t${n}`.length), Buffer.from(`t${n}`)]).flat()
  const tensors = TENSORS.flatMap(([name, dims, weight]) => {
    // Convolutions of a quantised model are kept in f16.
    const type = !quantised ? 0 : weight ? 6 : /conv\d\.weight/.test(name) ? 1 : 0
    const elements = dims.reduce((product, each) => product * each, 1)
    return [ints(dims.length, name.length, type, ...dims), Buffer.from(name), Buffer.alloc(type === 6 ? (elements / 32) * 22 : elements * (type === 1 ? 2 : 4))]
  })
  return Buffer.concat([head, ints(MELS, 201), Buffer.alloc(4 * MELS * 201), ints(50257), ...words, ...tensors])
}
