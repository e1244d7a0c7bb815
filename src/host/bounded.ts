import { CannotSee } from '../cannot-see.ts'
import type { Ask } from './host.ts'

/** No question outlives the deadline, not even one stuck in the kernel: a read of a dead network mount, say. */
export const bounded = (ask: Ask, deadline: number): Ask => (asked) => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const limitMs = Math.max(0, deadline - Date.now()) + 300
    timer = setTimeout(() => reject(new CannotSee(`“${asked.key.slice(0, 80)}” was not answered in time.`, 'Give it longer with --timeout SECONDS.')), limitMs)
  })
  return Promise.race([ask(asked), late]).finally(() => clearTimeout(timer))
}
