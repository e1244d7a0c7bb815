/** One pass over the bytes of a log. Memory does not grow with the log: only the first and last lines of a signature are kept. */
import { SIGNATURES } from './signatures.ts'
import { ANCHOR_BYTES, foundIn, newlinesIn, searchOf, type Search } from './search.ts'
import { timeOf } from './time.ts'
import { processNotes } from './processes.ts'
import type { Hit, LogReading, Signature } from './types.ts'
import { writerOf, type Writer } from './writer.ts'

const NEWLINE = 10
/** How much of a line before and after a literal is looked at. */
const REACH_BYTES = 2048
const SHOWN_CHARACTERS = 400
const KEPT_FIRST = 3
const KEPT_MARKERS = 60
/** Lines at the beginning whose writers are noted, and how many writers at most. */
const LINES_NOTED = 200
/** As much of its end is looked at for who writes there. */
const TAIL_BYTES = 16 * 1024
const MOST_WRITERS = 32
/** A longer line is taken for several. */
const LONGEST_LINE_BYTES = 4 * 1024 * 1024

const encoder = new TextEncoder()
const utf8 = new TextDecoder()

interface Matcher {
  readonly search: Search
  /** For each anchor, the signatures whose literal it stands for. */
  readonly owners: readonly (readonly { readonly signature: Signature; readonly literal: string }[])[]
}

let matcher: Matcher | null = null

/** A short piece of each literal, the one least like ordinary text: it is looked for first, the rest only around it. */
export function anchorOf(literal: string): string {
  let best = ''
  let rarest = -1
  for (let at = 0; at < literal.length; at++) {
    // Bytes are looked for, and a letter beyond ASCII has several.
    let end = at
    while (end < literal.length && encoder.encode(literal.slice(at, end)).length < ANCHOR_BYTES) end++
    const piece = literal.slice(at, end)
    const bytes = encoder.encode(piece)
    if (bytes.length !== ANCHOR_BYTES || utf8.decode(bytes) !== piece) continue
    const rarity = [...piece].reduce((sum, character) => sum + (/[a-z ]/.test(character) ? ('etaoinsrhld '.includes(character) ? 0 : 1) : /[0-9:.,=/-]/.test(character) ? 1 : 2), 0)
    if (rarity > rarest) [best, rarest] = [piece, rarity]
  }
  return best
}

function matcherOf(): Matcher {
  const owners = new Map<string, { signature: Signature; literal: string }[]>()
  for (const signature of SIGNATURES) {
    for (const literal of signature.literals) {
      const anchor = anchorOf(literal)
      owners.set(anchor, [...(owners.get(anchor) ?? []), { signature, literal }])
    }
  }
  return { search: searchOf([...owners.keys()].map((anchor) => encoder.encode(anchor))), owners: [...owners.values()] }
}

export interface Scanner {
  push(chunk: Uint8Array): void
  finish(source: string, cut?: boolean): LogReading
}

export function scanner(): Scanner {
  const { search, owners } = (matcher ??= matcherOf())
  const counts = new Map<string, number>()
  const sums = new Map<string, number>()
  const kept = new Map<string, Hit[]>()
  const written = new Map<string, Map<string, number>>()
  const programs = new Set<string>()
  const processes = processNotes()
  let tail: Uint8Array = new Uint8Array(0)
  let noted = 0
  let sizeBytes = 0
  let lines = 0
  /** The line that the last chunk ended in. */
  let begun: Uint8Array = new Uint8Array(0)

  /** One line with anchors in it. A signature counts once a line. */
  const judge = (line: number, bytes: Uint8Array, whole: boolean, anchors: ReadonlySet<number>): void => {
    const text = plainOf(utf8.decode(bytes))
    const seen = new Set<string>()
    // Of a line that is looked at in its middle only, the writer is not seen.
    const writer = whole ? writerOf(text) : null
    const of = writer === null ? null : ownerOf(writer)
    if (writer !== null) processes.note(writer, line)
    for (const anchor of anchors) {
      for (const { signature, literal } of owners[anchor]!) {
        const at = text.indexOf(literal)
        if (at < 0 || seen.has(signature.id) || (signature.where && !signature.where.test(text))) continue
        seen.add(signature.id)
        counts.set(signature.id, (counts.get(signature.id) ?? 0) + 1)
        const number = signature.sums?.exec(text)?.[1]
        if (number !== undefined) sums.set(signature.id, (sums.get(signature.id) ?? 0) + Number(number))
        const from = Math.max(0, Math.min(at - SHOWN_CHARACTERS / 2, text.length - SHOWN_CHARACTERS))
        if (of !== null) written.get(of)!.set(signature.id, (written.get(of)!.get(signature.id) ?? 0) + 1)
        keep({ id: signature.id, line, text: text.slice(from, from + SHOWN_CHARACTERS).trim(), ...(of === null ? {} : { of }), ...(writer?.pid === undefined ? {} : { pid: writer.pid }), atMs: timeOf(text) }, signature)
      }
    }
  }

  const note = (program: string | null): void => {
    if (program !== null && programs.size < MOST_WRITERS) programs.add(program)
  }

  const ownerOf = ({ program, of }: Writer): string | null => {
    if (of === null) return null
    note(program)
    const known = written.has(of) || written.size < MOST_WRITERS ? of : 'others'
    if (!written.has(known)) written.set(known, new Map())
    return known
  }

  const keep = (hit: Hit, { shows }: Signature): void => {
    const key = `${hit.id} ${hit.of ?? ''}`
    const list = kept.get(key) ?? []
    const room = shows === 'marker' || shows === 'symptom' ? KEPT_MARKERS : KEPT_FIRST
    if (list.length <= room) list.push(hit)
    else list[room] = hit
    kept.set(key, list)
  }

  /** Whole lines, from the start of one to the end of one (or of the log). */
  const whole = (bytes: Uint8Array): void => {
    for (let at = 0; noted < LINES_NOTED && at < bytes.length; noted++) {
      const end = bytes.indexOf(NEWLINE, at)
      const writer = writerOf(plainOf(utf8.decode(bytes.subarray(at, Math.min(at + REACH_BYTES, end < 0 ? bytes.length : end)))))
      note(writer.program)
      processes.note(writer, noted + 1)
      at = end < 0 ? bytes.length : end + 1
    }
    let counted = 0
    let passed = 0
    const found = foundIn(search, bytes)
    for (let n = 0; n < found.length; ) {
      const { at } = found[n]!
      const next = bytes.indexOf(NEWLINE, at)
      const end = next < 0 ? bytes.length : next
      const anchors = new Set<number>()
      for (; n < found.length && found[n]!.at < end; n++) anchors.add(found[n]!.anchor)
      passed += newlinesIn(bytes, counted, at)
      counted = at
      const start = bytes.lastIndexOf(NEWLINE, at) + 1
      judge(lines + passed + 1, bytes.subarray(Math.max(start, at - REACH_BYTES), Math.min(end, at + REACH_BYTES)), start >= at - REACH_BYTES, anchors)
    }
    lines += passed + newlinesIn(bytes, counted, bytes.length)
    tail = bytes.length >= TAIL_BYTES ? Uint8Array.prototype.slice.call(bytes, -TAIL_BYTES) : joinedOf(tail, bytes).slice(-TAIL_BYTES)
  }

  return {
    push(chunk) {
      sizeBytes += chunk.length
      const last = chunk.lastIndexOf(NEWLINE)
      if (last < 0 && begun.length + chunk.length < LONGEST_LINE_BYTES) {
        begun = joinedOf(begun, chunk)
        return
      }
      // What began in the chunk before is completed with the first line of this one.
      const first = begun.length === 0 ? -1 : chunk.indexOf(NEWLINE)
      if (begun.length > 0) whole(joinedOf(begun, chunk.subarray(0, first + 1 || chunk.length)))
      if (last > first) whole(chunk.subarray(first + 1, last + 1))
      begun = last < 0 ? new Uint8Array(0) : Uint8Array.prototype.slice.call(chunk, last + 1)
    },
    finish(source, cut = false) {
      if (begun.length > 0) {
        whole(begun)
        lines++
      }
      begun = new Uint8Array(0)
      const ends = utf8.decode(tail).replace(/\n$/, '').split('\n')
      // Its first line may be a part of one.
      ends.forEach((text, at) => processes.note(writerOf(plainOf(text.slice(0, REACH_BYTES))), lines - ends.length + 1 + at))
      return { source, sizeBytes, ...(cut ? { cut } : {}), lines, counts: Object.fromEntries(counts), ...(written.size > 0 ? { owners: [...written].map(([of, each]) => ({ of, counts: Object.fromEntries(each) })) } : {}), ...(programs.size > 0 ? { programs: [...programs] } : {}), ...processes.all(), ...(sums.size > 0 ? { sums: Object.fromEntries(sums) } : {}), hits: [...kept.values()].flat().sort((a, b) => a.line - b.line) }
    },
  }
}

const joinedOf = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  if (a.length === 0) return b
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** Without colour codes and carriage returns. ONNX Runtime colours its messages wherever stderr leads. */
export const plainOf = (text: string): string => text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '').replace(/\r/g, '')
