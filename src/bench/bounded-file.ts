import { closeSync, openSync, readSync } from 'node:fs'

const CHUNK = 1 << 20

/** The whole of a file or pipe that is expected to be small; more than `most` bytes are not held. Throws what the system says. */
export function boundedFile(path: string, most: number): Buffer | 'too large' {
  const file = openSync(path, 'r')
  try {
    const chunks: Buffer[] = []
    const chunk = Buffer.alloc(CHUNK)
    for (let length = 0; length <= most; ) {
      const got = readSync(file, chunk)
      if (got === 0) return Buffer.concat(chunks)
      chunks.push(Buffer.from(chunk.subarray(0, got)))
      length += got
    }
    return 'too large'
  } finally {
    closeSync(file)
  }
}
