/**
 * Element types of what a node makes, from those of what it takes, after https://onnx.ai/onnx/operators. `?` = not to be
 * told. Only types are followed, never values.
 */
import type { RawNode } from './read.ts'

const PREDICATES = new Set('Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not IsNaN IsInf'.split(' '))
const COUNTS = new Set('Shape Size NonZero ArgMax ArgMin'.split(' '))
/** A float unless an attribute says otherwise. */
const MADE = new Set('RandomNormal RandomUniform MelWeightMatrix HannWindow HammingWindow BlackmanWindow ConstantOfShape'.split(' '))
const QUANTISED = new Set('MatMulInteger ConvInteger'.split(' '))

export function outputTypes(node: RawNode, ins: readonly string[], body: readonly string[] | null): readonly string[] {
  const { op, dtype } = node
  const n = node.outputs.length
  const all = (type: string | undefined) => Array.from({ length: n }, () => type || '?')
  if (op === 'If') return body === null ? all('?') : Array.from({ length: n }, (_, at) => body[at] ?? '?')
  if (op === 'Loop') return body === null ? all('?') : Array.from({ length: n }, (_, at) => body[at + 1] ?? '?')
  if (op === 'Scan') return body === null ? all('?') : Array.from({ length: n }, (_, at) => body[at] ?? '?')
  if (op === 'Constant') return all(dtype ?? '?')
  if (op === 'Cast') return all(dtype ?? '?')
  if (op === 'CastLike' || op === 'Where' || op === 'DequantizeLinear') return all(op === 'DequantizeLinear' ? (dtype ?? ins[1]) : ins[1])
  if (op === 'QuantizeLinear') return all(ins[2] || dtype || 'uint8')
  if (op === 'DynamicQuantizeLinear') return ['uint8', 'float', 'uint8'].slice(0, n)
  if (op === 'QLinearConv' || op === 'QLinearMatMul') return all(ins[7])
  if (op === 'MatMulIntegerToFloat') return all(ins[2])
  if (QUANTISED.has(op)) return all('int32')
  if (PREDICATES.has(op)) return all('bool')
  if (COUNTS.has(op)) return all('int64')
  if (MADE.has(op)) return all(dtype ?? 'float')
  if (op === 'OneHot') return all(ins[2])
  if (op === 'TopK' || op === 'Unique') return [ins[0] || '?', ...all('int64').slice(1)]
  if (op === 'MaxPool') return [ins[0] || '?', ...all('int64').slice(1)]
  if (op === 'Dropout') return [ins[0] || '?', ...all('bool').slice(1)]
  if (op === 'EyeLike' || op === 'Multinomial' || op === 'Bernoulli' || /^Random.*Like$/.test(op)) return all(dtype ?? (op === 'Multinomial' ? 'int32' : ins[0]))
  if (/Sequence|Optional|String|Tokenizer/.test(op)) return all('?')
  const known = node.domain === '' || node.domain === 'ai.onnx' || node.domain === 'com.microsoft'
  return all(known ? ins[0] : '?')
}
