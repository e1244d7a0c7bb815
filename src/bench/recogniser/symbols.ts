import { join } from 'node:path'
import { WrongCall } from '../../wrong-call.ts'
import { missing, textOf, type ModelFolder } from './folder.ts'

/** What a line of tokens.txt or vocab.txt says: the tokens as they are written there, by their numbers. */
export interface Symbols {
  readonly file: string
  readonly byId: readonly string[]
  /** The number of a token. null = there is none of this name. */
  id(symbol: string): number | null
}

const MOST_SYMBOLS = 1_000_000

/** A token and its number on each line; of a blank only the number is left (sherpa-onnx, symbol-table.cc). */
export function symbolsOf(folder: ModelFolder, name: string): Symbols {
  const text = textOf(folder, name)
  if (text === null) throw missing(folder, name, 'what the tokens stand for')
  const file = join(folder.path, name)
  const byId: string[] = []
  const ids = new Map<string, number>()
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const fields = line.trim().split(/[ \t\f\v]+/)
    const [symbol, id] = fields.length === 1 ? [' ', fields[0]!] : (fields as [string, string])
    if (fields.length > 2 || !/^\d{1,7}$/.test(id) || Number(id) >= MOST_SYMBOLS) throw new WrongCall(`${file}: line ${i + 1} is not a token and its number. Fetch it anew.`)
    byId[Number(id)] ??= symbol
    if (!ids.has(symbol)) ids.set(symbol, Number(id))
  }
  if (byId.length === 0) throw new WrongCall(`${file} holds no tokens. Fetch it anew.`)
  return { file, byId, id: (symbol) => ids.get(symbol) ?? null }
}

/** The network chooses among so many tokens: each of them needs a name. */
export function covers({ file, byId }: Symbols, count: number, by: string): void {
  const absent = Array.from({ length: count }, (_, i) => i).find((i) => byId[i] === undefined)
  if (absent !== undefined) throw new WrongCall(`${file} has ${Object.keys(byId).length} tokens and none with the number ${absent}, while ${by} chooses among ${count}: it belongs to another model.`)
}

// ── sherpa-onnx ────────────────────────────────────────────────────────────────────────────────────────────

const WORD = '▁'
const encoder = new TextEncoder()

/** icefall's alphabet of bytes: 32 to 126 as themselves, the others in order from U+0100 on but for some doubled letters (byte_utils.py). */
const BYTE_LETTERS: ReadonlyMap<string, number> = (() => {
  const left = new Set([0x132, 0x133, 0x13f, 0x140, 0x149, 0x17f])
  const all = new Map<string, number>([['⁇', 32]])
  let letter = 0x100
  for (let byte = 0; byte < 256; byte++) {
    while (left.has(letter)) letter++
    all.set(String.fromCodePoint(byte >= 32 && byte < 127 ? byte : letter++), byte)
  }
  return all
})()

/** Byte-level BPE has no other letters than those, and among them the one that is latest in the alphabet (symbol-table.cc, IsByteBPE). */
function isByteLevel(byId: readonly string[]): boolean {
  const bytes = byId.filter((symbol) => symbol !== undefined).map((symbol) => Buffer.from(symbol.startsWith(WORD) ? symbol.slice(1) : symbol))
  const most = bytes.map((each) => each.reduce((max, byte) => Math.max(max, byte), 0))
  return most.every((byte) => byte <= 0xc6) && most.includes(0xc6)
}

/** Tokens to text as sherpa-onnx does it. A character may be split over several tokens; what is no whole one is left out, as in its Python face. */
export function sherpaText({ byId, id }: Symbols): (tokens: readonly number[]) => string {
  const byteLevel = isByteLevel(byId)
  const first = id('<0x00>')
  const fallback = first !== null && id('<0xFF>') === first + 255
  const bytesOf = (token: number): Uint8Array => {
    const symbol = byId[token] ?? ''
    if (fallback && /^<0x[0-9A-F]{2}>$/.test(symbol) && token - first === parseInt(symbol.slice(3, 5), 16)) return Uint8Array.of(token - first)
    return encoder.encode(symbol.startsWith(WORD) && !byteLevel ? ` ${symbol.slice(1)}` : symbol)
  }
  return (tokens) => {
    const text = whole(Buffer.concat(tokens.map(bytesOf)))
    return byteLevel ? whole(Uint8Array.from(fromLetters(text))) : text
  }
}

function fromLetters(text: string): readonly number[] {
  const bytes: number[] = []
  for (const letter of text) {
    const byte = BYTE_LETTERS.get(letter)
    const last = bytes.at(-1)
    if (byte !== undefined) bytes.push(byte)
    else if (letter === WORD && last !== undefined && last > 32 && last < 127) bytes.push(32)
  }
  return bytes
}

const whole = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).replaceAll('�', '')

const CJK = /[\u1100-\u11ff\u2e80-\ua4cf\ua840-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff65-\uffdc\u{20000}-\u{2ffff}]/u
const PUNCTUATION = /[!-/:-@[-`{-~\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]/u

/** What sherpa-onnx does to the text of transducers (text-utils.cc, RemoveSpaceBetweenCjk): no space within Chinese, Japanese and Korean, none before a full stop. */
export function withoutSpaces(text: string): string {
  const letters = [...text]
  const dropped = (i: number) => i > 0 && i + 1 < letters.length && letters[i] === ' ' && ((CJK.test(letters[i - 1]!) && CJK.test(letters[i + 1]!)) || PUNCTUATION.test(letters[i + 1]!))
  return letters.filter((_, i) => !dropped(i)).join('')
}

// ── onnx-asr ───────────────────────────────────────────────────────────────────────────────────────────────

/** Tokens to text as onnx-asr does it (asr.py, DECODE_SPACE_PATTERN): a space stays where a letter or digit follows. */
export const onnxAsrText = ({ byId }: Symbols) => (tokens: readonly number[]): string => {
  const text = tokens.map((token) => (byId[token] ?? '').replaceAll(WORD, ' ')).join('')
  return text.replace(/\s/gu, (_, at: number) => (at > 0 && /^[\p{L}\p{N}_]/u.test(text.slice(at + 1, at + 3)) ? ' ' : ''))
}
