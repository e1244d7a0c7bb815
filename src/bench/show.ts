import { colourOn, widthOf, type Io } from '../io.ts'
import { clean } from '../report/clean.ts'
import { fitted } from '../report/wrap.ts'
import { withoutSecrets } from '../secrets.ts'
import { sober, soberJson } from '../sober.ts'
import { summaryLine, textReport, type Paint } from './text.ts'
import type { Result } from './types.ts'

export interface Shown {
  result(result: Result): void
  /** Instead of a result. `word` is what it comes to, in a word or two. */
  failure(word: string, because: string): void
  /** A line on standard error, whatever else was written. */
  line(word: string, because: string): void
}

/** Where the result goes: JSON or a report on standard output, and always one line for the log of a CI job. */
export function shown(io: Io, json: boolean, version: string): Shown {
  const colour = colourOn(io.stdout, io.env, true)
  const width = io.stdout.isTTY ? widthOf(io.stdout) : null
  const line = (word: string, because: string) => void io.stderr.write(`asr-doctor bench: ${word}: ${clean(because)}\n`)
  return {
    line,
    failure: (word, because) => {
      if (json) io.stdout.write(`${soberJson({ schemaVersion: 1, tool: { name: 'asr-doctor', version }, error: withoutSecrets(because) })}\n`)
      line(word, because)
    },
    result: (result) => {
      io.stdout.write(json ? `${soberJson(result)}\n` : fitted(sobered(textReport(result, paint(colour))), width))
      const summary = summaryLine(result, paint(json ? false : colour))
      if (json) io.stderr.write(`${sober(summary)}\n`)
      else io.stdout.write(`\n${fitted(sobered(summary), width)}\n`)
    },
  }
}

/** Names and texts come from outside; our own colours and line ends stay. */
const sobered = (text: string): string => text.split('\n').map((line) => line.split(/(\u001b\[\d+m)/).map((piece, i) => (i % 2 === 1 ? piece : sober(piece))).join('')).join('\n')

function paint(colour: boolean): Paint {
  const style = (open: number, close: number) => (text: string) => (colour ? `\u001b[${open}m${text}\u001b[${close}m` : text)
  return { bold: style(1, 22), dim: style(2, 22), good: style(32, 39), bad: style(31, 39), warn: style(33, 39) }
}
