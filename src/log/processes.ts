/** Which processes write into a log, and from where to where, so that a run which came behind another is told from it. */
import type { LogReading, Writing } from './types.ts'
import type { Writer } from './writer.ts'

/** Those that wrote last are kept. */
const MOST = 32

export interface ProcessNotes {
  note(writer: Writer, line: number): void
  all(): Pick<LogReading, 'processes'>
}

export function processNotes(): ProcessNotes {
  const seen = new Map<string, Writing>()
  return {
    note({ program, pid }, line) {
      if (program === null || pid === undefined) return
      const key = `${program} ${pid}`
      const known = seen.get(key)
      // Taken out and put in again, so that who has been silent longest comes first.
      seen.delete(key)
      seen.set(key, { program, pid, first: Math.min(known?.first ?? line, line), last: Math.max(known?.last ?? line, line) })
      if (seen.size > MOST) seen.delete(seen.keys().next().value!)
    },
    all: () => (seen.size === 0 ? {} : { processes: [...seen.values()].sort((a, b) => a.first - b.first) }),
  }
}
