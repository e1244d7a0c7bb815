import { Refused } from '../refused.ts'
import { linesOf, textOf, writable } from './text.ts'

export interface LineEdit {
  readonly file: string
  readonly line: number
  readonly before: string
  readonly after: string | null
}

/**
 * Several edits of lines in one file, by the numbers the lines had when they were seen. `before` may be several lines
 * (a directive with continuation); null takes the lines out.
 */
export function lineEdits(edits: readonly LineEdit[], before: string | null, file: string): string {
  if (before === null) throw new Refused(`${file} is no longer there.`)
  const text = linesOf(before)
  const lines: string[] = [...text.lines]
  const unique = new Map<string, LineEdit>()
  for (const edit of edits) {
    const same = unique.get(String(edit.line))
    if (same !== undefined && (same.after !== edit.after || same.before !== edit.before)) throw new Refused(`Two changes of line ${edit.line} of ${file} contradict each other.`)
    unique.set(String(edit.line), edit)
  }
  let last = Number.POSITIVE_INFINITY
  for (const edit of [...unique.values()].sort((a, b) => b.line - a.line)) {
    const old = edit.before.split('\n')
    const at = edit.line - 1
    if (at + old.length > last) throw new Refused(`Two changes of ${file} overlap at line ${edit.line}.`)
    last = at
    const found = lines.slice(at, at + old.length)
    if (found.length !== old.length || found.some((line, n) => !sameLine(line, old[n]!))) throw new Refused(`Line ${edit.line} of ${file} is not ${JSON.stringify(edit.before)} (any more).`)
    const indent = /^\s*/.exec(found[0]!)![0]
    const bare = old[0] === found[0]
    lines.splice(at, old.length, ...(edit.after === null ? [] : writable(edit.after, `The new text of ${file}`).split('\n').map((line) => (bare || line === '' ? line : indent + line))))
  }
  return textOf({ ...text, lines })
}

/** A check may quote a line without the blanks around it. */
const sameLine = (line: string, quoted: string): boolean => line === quoted || line.trim() === quoted.trim()
