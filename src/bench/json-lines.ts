import type { Readable } from 'node:stream'

export interface LineReader {
  /** An answer: a JSON object that says what kind it is. */
  answer(value: object & { readonly kind: string }): void
  /** Anything else that was printed, such as the words of a script around the one that answers. */
  words(text: string): void
  /** A line that does not end. Nothing is read any more. */
  tooLong(): void
}

/** Reads a child's standard output line by line, and holds no more of it than one line of `most` bytes. */
export function readJsonLines(stream: Readable, most: number, reader: LineReader): void {
  let parts: Buffer[] = []
  let length = 0
  let done = false
  const line = () => {
    const text = Buffer.concat(parts).toString('utf8')
    parts = []
    length = 0
    const value = parsed(text)
    if (value === null) reader.words(`${text}\n`)
    else reader.answer(value)
  }
  const take = (part: Buffer) => {
    length += part.length
    if (length > most) {
      done = true
      parts = []
      reader.tooLong()
    } else parts.push(part)
  }
  stream.on('data', (chunk: Buffer) => {
    let at = 0
    for (let end = chunk.indexOf(10); end >= 0 && !done; end = chunk.indexOf(10, at)) {
      take(chunk.subarray(at, end))
      at = end + 1
      if (!done) line()
    }
    if (!done) take(chunk.subarray(at))
  })
  stream.once('end', () => {
    if (!done && length > 0) line()
  })
}

function parsed(text: string): (object & { readonly kind: string }) | null {
  if (!text.trimStart().startsWith('{')) return null
  try {
    const value = JSON.parse(text) as { readonly kind?: unknown }
    return typeof value.kind === 'string' ? (value as { readonly kind: string }) : null
  } catch {
    return null
  }
}
