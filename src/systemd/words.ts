/** systemd's quoting: extract_first_word() with EXTRACT_UNQUOTE and EXTRACT_CUNESCAPE (basic/extract-word.c, basic/escape.c). */

export interface Words {
  readonly words: readonly string[]
  /** What stopped the reading (systemd takes the words before it and ignores the rest of the line); null = read to the end. */
  readonly broken: 'unclosed quote' | 'bad escape' | 'not UTF-8' | null
}

const SEPARATORS = ' \t\n\r'
const SIMPLE: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '"': '"', "'": "'", s: ' ' }

export function wordsOf(text: string): Words {
  const words: string[] = []
  let at = 0
  for (;;) {
    const next = firstWord(text, at)
    if (next === null) return { words, broken: null }
    if (typeof next === 'string') return { words, broken: next }
    at = next.end
    if (next.word === null) return { words, broken: 'not UTF-8' }
    words.push(next.word)
  }
}

type First = { readonly word: string | null; readonly end: number } | 'unclosed quote' | 'bad escape' | null

/** The word that begins at or after `start`; `end` is the place after it and its separators. null = there is none. */
export function firstWord(text: string, start: number): First {
  let at = start
  while (at < text.length && SEPARATORS.includes(text[at]!)) at++
  if (at >= text.length) return null
  const bytes: (string | number)[] = []
  let quote: string | null = null
  for (; at < text.length; at++) {
    const c = text[at]!
    if (c === '\\') {
      const escape = unescaped(text.slice(at + 1, at + 10))
      if (escape === null) return 'bad escape'
      bytes.push(escape.value)
      at += escape.length
    } else if (quote !== null) {
      if (c === quote) quote = null
      else bytes.push(c)
    } else if (c === '"' || c === "'") quote = c
    else if (SEPARATORS.includes(c)) break
    else bytes.push(c)
  }
  if (quote !== null) return 'unclosed quote'
  while (at < text.length && SEPARATORS.includes(text[at]!)) at++
  return { word: joined(bytes), end: at }
}

/** One escape sequence after its backslash (cunescape_one). A number is a raw byte, to be joined with its neighbours. */
function unescaped(rest: string): { readonly value: string | number; readonly length: number } | null {
  const simple = SIMPLE[rest[0] ?? '']
  if (simple !== undefined) return { value: simple, length: 1 }
  const numeric = /^x([0-9a-fA-F]{2})|^u([0-9a-fA-F]{4})|^U([0-9a-fA-F]{8})|^([0-7]{3})/.exec(rest)
  if (numeric === null) return null
  const [all, byte, short, long, octal] = numeric
  const code = Number.parseInt((byte ?? short ?? long ?? octal)!, octal === undefined ? 16 : 8)
  if (code === 0 || code > 0x10ffff) return null
  if (byte !== undefined || octal !== undefined) return code > 0xff ? null : { value: code, length: all.length }
  if (code >= 0xd800 && code <= 0xdfff) return null
  return { value: String.fromCodePoint(code), length: all.length }
}

/** Raw bytes and text together as one string; null = not UTF-8. */
function joined(parts: readonly (string | number)[]): string | null {
  if (parts.every((part) => typeof part === 'string' || part < 0x80)) return parts.map((part) => (typeof part === 'string' ? part : String.fromCharCode(part))).join('')
  const encoder = new TextEncoder()
  // Surrogate halves are pushed one by one; glue neighbouring text before it is encoded.
  const bytes: number[] = []
  let run = ''
  for (const part of parts) {
    if (typeof part === 'string') run += part
    else {
      bytes.push(...encoder.encode(run), part)
      run = ''
    }
  }
  bytes.push(...encoder.encode(run))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
  } catch {
    return null
  }
}
