/** Tokens to text. A token stands for bytes, and a character may be split over several of them. */

/** The bytes that each token stands for, by its number; null = a moment, which parts what is before it from what is after; undefined = no text. */
export type TokenTable = readonly (Uint8Array | null | undefined)[]

export function textFrom(table: TokenTable, tokens: readonly number[]): string {
  const parts: Uint8Array[][] = [[]]
  for (const token of tokens) {
    const bytes = table[token]
    if (bytes === null) parts.push([])
    else if (bytes !== undefined) parts.at(-1)!.push(bytes)
  }
  return parts.map((part) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(part))).join('')
}

/** GPT-2 writes bytes as letters: printable ones as themselves, the others in order from U+0100 (encoder.py, bytes_to_unicode). */
const BYTE_OF: ReadonlyMap<string, number> = (() => {
  const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
  const all = new Map<string, number>()
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) all.set(String.fromCodePoint(printable(byte) ? byte : next++), byte)
  return all
})()

/** Of byte-level BPE; what holds other letters stands for itself. */
function bytesOf(token: string): Uint8Array {
  const letters = [...token].map((letter) => BYTE_OF.get(letter))
  return letters.every((byte) => byte !== undefined) ? Uint8Array.from(letters as number[]) : new TextEncoder().encode(token)
}

/** What a token of byte-level BPE is in the table. */
export const entryOf = (token: string): Uint8Array | null | undefined => (/^<\|\d+\.\d+\|>$/.test(token) ? null : /^<\|.*\|>$/s.test(token) ? undefined : bytesOf(token))
