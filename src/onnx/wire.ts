/**
 * The protocol buffer wire format (https://protobuf.dev/programming-guides/encoding), read through a window that slides
 * over a file of any size. A parser is a generator: where it needs bytes that are not in the window it yields the place,
 * and the driver fetches them. What it skips is never read.
 */

/** Asks for bytes of a file; fewer come back only at its end. */
export type Bytes = (offset: number, length: number) => Promise<Uint8Array>

/** Why the bytes are no protocol buffer, or none that may be believed. */
export class Malformed extends Error {
  constructor(
    readonly problem: 'truncated' | 'malformed' | 'excessive',
    message: string,
  ) {
    super(message)
  }
}

export interface Cursor {
  at: number
  base: number
  window: Uint8Array
  readonly sizeBytes: number
  /** Fields that may still be read. A file made of empty fields must not occupy the doctor for hours. */
  budget: number
  /** Bytes of text that may still be read: all of it may be kept. */
  textBudget: number
}

export type Step<T> = Generator<number, T, void>

const WINDOW_BYTES = 256 * 1024
const HOP_BYTES = 4096
const MAX_FIELDS = 30_000_000
const MAX_TEXT_BYTES = 64 * 1024
/** The names of a graph of 200 000 nodes take 20 MB. */
const MAX_ALL_TEXT_BYTES = 32 * 1024 * 1024
const decoder = new TextDecoder()
const latin1 = new TextDecoder('latin1')

/** Runs a parser over a file. `WINDOW_BYTES` is all that is ever held of it. */
export async function parsed<T>(bytes: Bytes, sizeBytes: number, parser: (cursor: Cursor) => Step<T>): Promise<T> {
  const cursor: Cursor = { at: 0, base: 0, window: new Uint8Array(0), sizeBytes, budget: MAX_FIELDS, textBudget: MAX_ALL_TEXT_BYTES }
  const steps = parser(cursor)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    // Behind skipped weights stands a short header and more weights; only what is read in one go is read in large pieces.
    const sequential = cursor.at - cursor.base - cursor.window.length < HOP_BYTES
    cursor.base = cursor.at
    cursor.window = await bytes(cursor.at, Math.min(Math.max(step.value, sequential ? WINDOW_BYTES : HOP_BYTES), sizeBytes - cursor.at))
    if (cursor.window.length < Math.min(step.value, sizeBytes - cursor.at)) throw new Malformed('truncated', 'the file grew shorter while it was read')
  }
}

const missing = (c: Cursor, length: number): boolean => c.at < c.base || c.at + length > c.base + c.window.length

/** A base-128 number. Beyond 2^53 it is inexact, which is beyond any length or type of this field. */
export function* varint(c: Cursor, end: number): Step<number> {
  if (missing(c, 10) && missing(c, Math.min(10, end - c.at))) yield Math.min(10, end - c.at)
  let value = 0
  let scale = 1
  for (let n = 0; n < 10; n++) {
    if (c.at >= end) throw new Malformed('truncated', `it ends inside a number at byte ${c.at}`)
    const byte = c.window[c.at++ - c.base]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 128
  }
  throw new Malformed('malformed', `a number at byte ${c.at} has no end`)
}

export interface Field {
  number: number
  wire: number
  /** The number of a varint field; the length of a delimited one. */
  value: number
  /** Where the field ends. Whatever its reader leaves over is skipped. */
  end: number
}

/** The next field before `end`, into `field`; false = there is none. The cursor stands at its contents. */
export function* next(c: Cursor, end: number, field: Field): Step<boolean> {
  if (c.at >= end) return false
  if (--c.budget < 0) throw new Malformed('excessive', 'it holds more fields than any model')
  const tag = yield* varint(c, end)
  field.wire = tag % 8
  field.number = Math.floor(tag / 8)
  field.value = 0
  if (field.number === 0) throw new Malformed('malformed', `a field at byte ${c.at} has number 0`)
  if (field.wire === 0) {
    field.value = yield* varint(c, end)
    field.end = c.at
  } else if (field.wire === 2) {
    field.value = yield* varint(c, end)
    field.end = c.at + field.value
  } else if (field.wire === 1 || field.wire === 5) field.end = c.at + (field.wire === 1 ? 8 : 4)
  else throw new Malformed('malformed', `a field at byte ${c.at} is of no known kind`)
  if (field.end > end) throw new Malformed(end === c.sizeBytes ? 'truncated' : 'malformed', `a field reaches ${field.end - end} bytes beyond its place`)
  return true
}

/** The text of a delimited field, cut at 64 KiB or before. */
export function* text(c: Cursor, field: Field, most = MAX_TEXT_BYTES): Step<string> {
  const length = Math.min(field.value, most)
  if (length === 0) return ''
  if ((c.textBudget -= length) < 0) throw new Malformed('excessive', `its names are longer than ${MAX_ALL_TEXT_BYTES / 1024 ** 2} MB together`)
  if (missing(c, length)) yield length
  const from = c.at - c.base
  const bytes = c.window.subarray(from, from + length)
  // Nearly all names are ASCII, and the decoder of one byte a letter is the faster one.
  return (length <= 256 && bytes.every((code) => code < 0x7f) ? latin1 : decoder).decode(bytes)
}
