/** A file read from its beginning to its end, little-endian, through a window; what is skipped is never read. */
import { Malformed, type Bytes } from './wire.ts'

export interface Tape {
  readonly at: () => number
  readonly left: () => number
  u8(): Promise<number>
  u16(): Promise<number>
  u32(): Promise<number>
  i32(): Promise<number>
  /** Beyond 2^53 it is inexact, which is beyond any file. */
  u64(): Promise<number>
  /** At most `most` bytes of it are kept. */
  text(length: number, most?: number): Promise<string>
  /** `what` stands in the reason why it cannot: the file ends before. */
  skip(length: number, what: string): void
}

const WINDOW_BYTES = 64 * 1024
/** Behind skipped weights stands a short header and more weights. */
const HOP_BYTES = 512
const MAX_VALUES = 30_000_000
const latin1 = new TextDecoder('latin1')

export function tape(bytes: Bytes, sizeBytes: number): Tape {
  let at = 0
  let base = 0
  let window: DataView = new DataView(new ArrayBuffer(0))
  let values = 0
  const ends = (what: string): Malformed => new Malformed('truncated', `it ends at byte ${sizeBytes}, inside ${what}`)
  const over = (length: number, what: string): void => {
    if (!(length >= 0) || at + length > sizeBytes) throw ends(what)
  }
  const take = async <T>(length: number, read: (view: DataView, from: number) => T): Promise<T> => {
    over(length, 'its header')
    if ((values += 1) > MAX_VALUES) throw new Malformed('excessive', 'its header has no end')
    if (at < base || at + length > base + window.byteLength) {
      const sequential = at - base - window.byteLength < HOP_BYTES && at >= base
      base = at
      const piece = await bytes(at, Math.min(Math.max(length, sequential ? WINDOW_BYTES : HOP_BYTES), sizeBytes - at))
      if (piece.length < length) throw new Malformed('truncated', 'the file grew shorter while it was read')
      window = new DataView(piece.buffer, piece.byteOffset, piece.byteLength)
    }
    const value = read(window, at - base)
    at += length
    return value
  }
  return {
    at: () => at,
    left: () => sizeBytes - at,
    u8: () => take(1, (view, from) => view.getUint8(from)),
    u16: () => take(2, (view, from) => view.getUint16(from, true)),
    u32: () => take(4, (view, from) => view.getUint32(from, true)),
    i32: () => take(4, (view, from) => view.getInt32(from, true)),
    u64: () => take(8, (view, from) => Number(view.getBigUint64(from, true))),
    text: async (length, most = 256) => {
      over(length, 'its header')
      const text = await take(Math.min(length, most), (view, from) => latin1.decode(new Uint8Array(view.buffer, view.byteOffset + from, Math.min(length, most))))
      at += length - Math.min(length, most)
      return text
    },
    skip: (length, what) => {
      over(length, what)
      at += length
    },
  }
}

/** The name under which most bytes are counted. */
export const mostOf = (bytes: ReadonlyMap<string, number>): string | null => [...bytes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
