/** Numbers and strings out of bytes. Reading beyond the end gives 0 or '', never an exception: the file may be hostile. */
export interface Reader {
  readonly length: number
  u16(at: number): number
  u32(at: number): number
  /** An address or offset: 4 or 8 bytes. Beyond 2^53 it is inexact, which is far beyond any file. */
  word(at: number): number
  /** Up to the next NUL; '' when there is none, for then it is no string. */
  string(at: number): string
}

const MAX_STRING_BYTES = 65536
const utf8 = new TextDecoder()

export function reader(bytes: Uint8Array, bits: 32 | 64, endian: 'little' | 'big'): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const little = endian === 'little'
  const inside = (at: number, width: number) => at >= 0 && at + width <= bytes.length
  const u32 = (at: number) => (inside(at, 4) ? view.getUint32(at, little) : 0)
  return {
    length: bytes.length,
    u16: (at) => (inside(at, 2) ? view.getUint16(at, little) : 0),
    u32,
    word: (at) => (bits === 32 ? u32(at) : inside(at, 8) ? Number(view.getBigUint64(at, little)) : 0),
    string: (at) => {
      if (at < 0 || at >= bytes.length) return ''
      const end = bytes.subarray(at, at + MAX_STRING_BYTES).indexOf(0)
      return end === -1 ? '' : utf8.decode(bytes.subarray(at, at + end))
    },
  }
}
