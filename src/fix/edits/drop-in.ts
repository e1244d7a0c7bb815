import { expanded } from '../../systemd/specifiers.ts'
import { assignmentsOf, type Assignment } from '../../systemd/unit-file.ts'
import { wordsOf } from '../../systemd/words.ts'
import type { Directive } from '../../types.ts'
import { Refused } from '../refused.ts'
import { isList, written } from './systemd-text.ts'
import { linesOf, textOf } from './text.ts'

const HEADER = '# Written by asr-doctor. What it wrote itself, "asr-doctor fix --undo" takes back.'

/** systemd gives up on a longer line (LONG_LINE_MAX in basic/def.h). */
const MAX_LINE_BYTES = 1024 * 1024 - 1

/**
 * The text of our drop-in in which `set` holds, starting from what stands there. A key with one value is replaced, a
 * list is added to; Environment counts by variable. `why` becomes a comment above what is new.
 */
export function dropIn(set: readonly Directive[], why: string, before: string | null, file: string): string {
  const start = linesOf(before ?? `${HEADER}\n`)
  let lines = start.lines
  for (const directive of grouped(set)) {
    const values = directive.values.map((value) => written(directive.key, value))
    for (const [value, raw] of values.map((value, at) => [value, directive.values[at]!] as const)) {
      const line = `${directive.key}=${value}`
      if (new TextEncoder().encode(line).length > MAX_LINE_BYTES) throw new Refused(`${directive.key}= would be a line of more than 1 MiB, which systemd does not read.`)
      lines = placed(lines, directive, raw, line, comment(why), file)
    }
  }
  const after = textOf({ ...start, lines, closed: true })
  for (const directive of grouped(set)) prove(after, directive, file)
  return after
}

interface Group {
  readonly section: Directive['section']
  readonly key: string
  readonly values: readonly string[]
}

function grouped(set: readonly Directive[]): readonly Group[] {
  const groups = new Map<string, { section: Directive['section']; key: string; values: string[] }>()
  for (const { section, key, value } of set) {
    const group = groups.get(`${section}.${key}`) ?? { section, key, values: [] }
    groups.set(`${section}.${key}`, group)
    // Of a key with one value the last counts; a list is reset by an empty one.
    if (!isList(key)) group.values = [value]
    else if (!group.values.includes(value)) group.values.push(value)
  }
  return [...groups.values()]
}

/** One line, and not a long one: what it is about stands right below. */
function comment(why: string): string {
  const line = why.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()
  const [, words, id] = /^(.*?)( \([a-z0-9-]+\/[a-z0-9-]+\))?$/s.exec(line)!
  return `# ${words!.length > 90 ? `${words!.slice(0, 89).trimEnd()}…` : words!}${id ?? ''}`
}

/** Where a directive of ours already stands it is replaced; else it goes to the end of its section. Whoever has a hand in it is named above it. */
function placed(lines: readonly string[], { section, key }: Group, value: string, line: string, why: string, file: string): readonly string[] {
  const ours = assignmentsOf(lines.join('\n'), file).filter((each) => each.section === section && each.key === key)
  if (ours.some((each) => each.raw.trim() === line)) return lines
  const old = ours.filter((each) => replaces(key, value, each)).at(-1)
  if (old !== undefined) return named([...lines.slice(0, old.line - 1), line, ...lines.slice(old.line - 1 + old.raw.split('\n').length)], old.line - 1, why, 'beside')
  const header = lines.findIndex((each) => each.trim() === `[${section}]`)
  if (header < 0) return [...lines, ...(lines.length > 0 ? [''] : []), `[${section}]`, ...(lines.includes(why) ? [] : [why]), line]
  let end = lines.findIndex((each, at) => at > header && isHeader(each))
  if (end < 0) end = lines.length
  while (end > header + 1 && lines[end - 1]!.trim() === '') end--
  return named([...lines.slice(0, end), line, ...lines.slice(end)], end, why, 'anew')
}

const isHeader = (line: string): boolean => /^\s*\[.*\]\s*$/.test(line)
const isComment = (line: string): boolean => line.startsWith('#')

/** The comment for the line at `at`: none where those above it have it already; else beside them, or right above the line. */
function named(lines: readonly string[], at: number, why: string, how: 'beside' | 'anew'): readonly string[] {
  let last = at - 1
  while (last >= 0 && !isComment(lines[last]!) && !isHeader(lines[last]!)) last--
  const headed = last >= 0 && isComment(lines[last]!)
  let first = last
  while (headed && first > 0 && isComment(lines[first - 1]!)) first--
  if (headed && lines.slice(first, last + 1).includes(why)) return lines
  const place = headed && how === 'beside' ? last + 1 : at
  return [...lines.slice(0, place), why, ...lines.slice(place)]
}

function replaces(key: string, value: string, old: Assignment): boolean {
  if (!isList(key)) return true
  if (key !== 'Environment' || value === '') return false
  const { words } = wordsOf(old.value)
  return words.length === 1 && words[0]!.split('=')[0] === value.split('=')[0]
}

/** What systemd would read back is what was meant; anything else is not written. */
function prove(text: string, { section, key, values }: Group, file: string): void {
  const all = assignmentsOf(text, file).filter((each) => each.section === section && each.key === key)
  const lacking = values.find((value) => {
    if (!isList(key)) return all.at(-1)?.value !== written(key, value)
    if (key !== 'Environment' || value === '') return !all.some((each) => each.value === written(key, value))
    const name = `${value.split('=')[0]}=`
    const words = all.flatMap((each) => wordsOf(each.value).words.map((word) => expanded(word, {}) ?? word))
    return words.filter((word) => word.startsWith(name)).at(-1) !== value
  })
  if (lacking !== undefined) throw new Refused(`${file} would not say what is meant (${key}=); something in it, such as a line that ends in a backslash, stands in the way.`)
}
