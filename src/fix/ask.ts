import { createInterface } from 'node:readline'
import type { Io } from '../io.ts'

/** Whether somebody sits there who can be asked. */
export const canAsk = (io: Io): boolean => io.stdin.isTTY === true && io.stderr.isTTY === true

/** Anything but yes is no. */
export function asked(io: Io, words: string): Promise<boolean> {
  io.stderr.write(`${words} [y/N] `)
  const lines = createInterface({ input: io.stdin, terminal: false })
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(/^\s*(y|yes)\s*$/i.test(line))
      lines.close()
    })
    lines.once('close', () => resolve(false))
  })
}
