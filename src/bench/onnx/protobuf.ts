/**
 * The part of the protocol buffer wire format that writing a model needs
 * (https://protobuf.dev/programming-guides/encoding). A message is a list of chunks, so weights are never copied until
 * the very end.
 */
export interface Message {
  readonly chunks: readonly Uint8Array[]
  readonly sizeBytes: number
}

const text = new TextEncoder()

export function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value))
  const out: number[] = []
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    out.push(rest === 0n ? low : low | 0x80)
  } while (rest !== 0n)
  return Uint8Array.from(out)
}

const tag = (field: number, wire: number) => varint((field << 3) | wire)

export const message = (...parts: readonly Message[]): Message => ({
  chunks: parts.flatMap((part) => part.chunks),
  sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
})

const of = (...chunks: readonly Uint8Array[]): Message => ({ chunks, sizeBytes: chunks.reduce((sum, c) => sum + c.length, 0) })

export const int = (field: number, value: number | bigint): Message => of(tag(field, 0), varint(value))

export function float(field: number, value: number): Message {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return of(tag(field, 5), bytes)
}

export const bytes = (field: number, value: Uint8Array): Message => of(tag(field, 2), varint(value.length), value)

export const string = (field: number, value: string): Message => bytes(field, text.encode(value))

export const nested = (field: number, inner: Message): Message => ({
  chunks: [tag(field, 2), varint(inner.sizeBytes), ...inner.chunks],
  sizeBytes: tag(field, 2).length + varint(inner.sizeBytes).length + inner.sizeBytes,
})

export function serialise(whole: Message): Uint8Array {
  const out = new Uint8Array(whole.sizeBytes)
  let at = 0
  for (const chunk of whole.chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}
