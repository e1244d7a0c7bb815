import type { Ask } from './host/host.ts'
import { sober } from './sober.ts'

/** Only what takes longer than this is worth a line. */
const PATIENCE_MS = 300

/** A line on a terminal naming what is still waited for; nothing in a pipe. `stop` leaves the terminal as it was. */
export function progress(stream: { write(text: string): unknown }, columns: number): { readonly watch: (ask: Ask) => Ask; readonly stop: () => void } {
  const waiting = new Map<string, number>()
  const start = Date.now()
  let shown = false
  const clear = () => {
    if (shown) stream.write('\r\u001b[K')
    shown = false
  }
  const timer = setInterval(() => {
    const now = Date.now()
    const slow = [...waiting].filter(([, since]) => now - since > PATIENCE_MS).map(([key]) => key)
    clear()
    if (slow.length === 0) return
    const words = `… ${Math.round((now - start) / 1000)} s: ${slow.map((key) => key.replace(/^run (as=\S+ )?/, '').split(' ').slice(0, 3).join(' ')).join(', ')}`
    stream.write(sober(words).slice(0, Math.max(20, columns - 1)))
    shown = true
  }, 150)
  timer.unref()
  return {
    watch: (ask) => async (asked) => {
      waiting.set(asked.key, Date.now())
      try {
        return await ask(asked)
      } finally {
        waiting.delete(asked.key)
      }
    },
    stop: () => {
      clearInterval(timer)
      clear()
    },
  }
}
