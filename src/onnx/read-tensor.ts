/** Tensors as onnx.proto3 writes them down: names, element types and shapes. Their data is skipped, unread. */
import { atMost, type Counts } from './counts.ts'
import { DTYPES, type Tensor } from './types.ts'
import { next, text, varint, type Cursor, type Field, type Step } from './wire.ts'

const MAX_EXTERNAL = 16
const MAX_DIMENSIONS = 16

export const field = (): Field => ({ number: 0, wire: 0, value: 0, end: 0 })
export const dtypeOf = (code: number): string => (code === 0 ? '?' : (DTYPES[code] ?? `type-${code}`))

/** OperatorSetIdProto and StringStringEntryProto alike: field 1 and field 2. */
export function* pairOf(c: Cursor, end: number, most: number): Step<readonly [string, string]> {
  const f = field()
  const pair: [string, string] = ['', '']
  while (yield* next(c, end, f)) {
    if (f.number === 1 || f.number === 2) pair[f.number - 1] = f.wire === 2 ? yield* text(c, f, most) : String(f.value)
    c.at = f.end
  }
  return pair
}

/** TensorProto: dimensions (1), type (2), name (8), external data (13). */
export function* tensorOf(c: Cursor, end: number, counts: Counts): Step<{ name: string; dtype: string; elements: number }> {
  atMost(counts, 'values')
  const f = field()
  let name = ''
  let dtype = '?'
  let elements = 1
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.number === 1 && f.wire === 0) elements *= f.value
    else if (f.number === 1 && f.wire === 2) {
      while (c.at < stop) elements *= yield* varint(c, stop)
    } else if (f.number === 2 && f.wire === 0) dtype = dtypeOf(f.value)
    else if (f.number === 8 && f.wire === 2) name = yield* text(c, f)
    else if (f.number === 13 && f.wire === 2) {
      const [key, value] = yield* pairOf(c, stop, 1024)
      const { externalFiles } = counts
      if (key === 'location' && externalFiles.size < MAX_EXTERNAL) externalFiles.add(value)
    }
    c.at = stop
  }
  return { name, dtype, elements }
}

/** ValueInfoProto: name (1) and type (2); TypeProto.tensor_type (1) has the element type (1) and the shape (2). */
export function* valueOf(c: Cursor, end: number, counts: Counts): Step<Tensor> {
  atMost(counts, 'values')
  const f = field()
  let name = ''
  let dtype = '?'
  const shape: (number | string | null)[] = []
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.number === 1 && f.wire === 2) name = yield* text(c, f)
    else if (f.number === 2 && f.wire === 2) {
      const type = field()
      const tensor = field()
      while (yield* next(c, stop, type)) {
        const { end: typeEnd } = type
        if (type.number === 1 && type.wire === 2) {
          while (yield* next(c, typeEnd, tensor)) {
            const { end: tensorEnd } = tensor
            if (tensor.number === 1 && tensor.wire === 0) dtype = dtypeOf(tensor.value)
            else if (tensor.number === 2 && tensor.wire === 2) yield* shapeOf(c, tensorEnd, shape)
            c.at = tensorEnd
          }
        }
        c.at = typeEnd
      }
    }
    c.at = stop
  }
  return { name, dtype, shape }
}

function* shapeOf(c: Cursor, end: number, shape: (number | string | null)[]): Step<void> {
  const f = field()
  const dimension = field()
  while (yield* next(c, end, f)) {
    const { end: stop } = f
    if (f.number === 1 && f.wire === 2) {
      let size: number | string | null = null
      while (yield* next(c, stop, dimension)) {
        const { end: dimensionEnd } = dimension
        if (dimension.number === 1 && dimension.wire === 0) size = dimension.value
        else if (dimension.number === 2 && dimension.wire === 2) size = yield* text(c, dimension, 100)
        c.at = dimensionEnd
      }
      if (shape.length < MAX_DIMENSIONS) shape.push(size)
    }
    c.at = stop
  }
}
