import { CannotMeasure } from './engine.ts'
import type { Run } from './messages.ts'

/** Twelve hours of speech. What is longer is a log or a fault, and thousands of runs would hold it. */
export const MOST_TEXT = 1 << 20
const MOST_TOGETHER = 64 * MOST_TEXT

export const TOO_LONG = `more than ${MOST_TEXT >> 20} MiB of text, which is no transcript`

/** Every run as it may be kept: a text that was heard before takes no room again, and none is too long to be judged. */
export function textKeeper(): (run: Run) => Run {
  const texts = new Map<string, string>()
  let together = 0
  return (run) => {
    const { text } = run
    if (text === null) return run
    if (text.length > MOST_TEXT) throw new CannotMeasure(`A run gave ${TOO_LONG}.`)
    const before = texts.get(text)
    if (before !== undefined) return { ...run, text: before }
    together += text.length
    if (together > MOST_TOGETHER) throw new CannotMeasure(`The runs gave ${texts.size + 1} different texts, ${MOST_TOGETHER >> 20} MiB together, which is more than is kept.`)
    texts.set(text, text)
    return run
  }
}
