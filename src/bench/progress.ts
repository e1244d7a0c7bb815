import type { Progress } from './protocol.ts'

/** One line on a terminal that is written over; nothing in a pipe. */
export function progressLine(stream: { write(text: string): unknown; readonly isTTY?: boolean }): { tell(progress: Progress): void; clear(): void } {
  if (stream.isTTY !== true) return { tell: () => {}, clear: () => {} }
  return {
    tell: ({ phase, done, of, leftMs }) => {
      const count = of === null ? `${done + 1}` : `${done + 1} of ${of}`
      const left = leftMs === null ? '' : `, about ${Math.ceil(leftMs / 1000)} s left`
      stream.write(`\r\u001b[K${phase} ${count}${left}`)
    },
    clear: () => void stream.write('\r\u001b[K'),
  }
}
