/**
 * A case: one recorded machine as Markdown. Headings are questions, fences are answers; whatever stands before the
 * first heading of level two is prose. A case is a bug report, a test and something to replay, in one file.
 */
import type { Json } from '../types.ts'
import type { Answer } from './replay.ts'

export interface Case {
  readonly title: string
  readonly story: string
  /** Lines of the `expect` block: `error cuda/libraries-hidden`, `unknown cgroup/cpu-throttled`. null = there is none. */
  readonly expect: readonly string[] | null
  readonly answers: ReadonlyMap<string, Answer>
  /** Whatever follows under `## removed`: what redaction took out. */
  readonly removed: readonly string[]
}

export class NotACase extends Error {}

const VERBS = /^(target|platform|caller|environment|read|list|stat|realpath|readlink|linkage|digest|watch|run|inventory|transcribe|otherwise)(?: |$)/

export function caseOf(text: string): Case {
  const lines = text.replace(/\r\n/g, '\n').split('\n')
  const sections = sectionsOf(lines)
  const title = /^# (.+)$/.exec(lines.find((line) => line.trim() !== '') ?? '')?.[1]
  if (title === undefined) throw new NotACase('it has no title line ("# …")')
  const answers = new Map<string, Answer>()
  let expect: string[] | null = null
  let removed: string[] = []
  for (const { heading, body } of sections.slice(1)) {
    if (heading === 'expect') expect = (fencesOf(body)[0]?.text ?? '').split('\n').map((line) => line.trim()).filter(Boolean)
    else if (heading === 'removed') removed = body.filter((line) => line.startsWith('- ')).map((line) => line.slice(2))
    else if (VERBS.test(heading)) {
      if (answers.has(heading)) throw new NotACase(`“${heading}” is answered twice`)
      answers.set(heading, answerOf(heading, body))
    } else throw new NotACase(`“## ${heading}” is no question`)
  }
  if (!answers.has('target')) throw new NotACase('it does not say what was examined ("## target")')
  for (const key of ['target', 'platform', 'caller', 'environment']) {
    const answer = answers.get(key)
    if (answer === undefined) continue
    if (!('value' in answer) || typeof answer.value !== 'object' || answer.value === null || Array.isArray(answer.value)) throw new NotACase(`the answer to “${key}” is not an object`)
  }
  return { title, story: sections[0]!.body.filter((line) => !line.startsWith('# ')).join('\n').trim(), expect, answers, removed }
}

interface Section {
  readonly heading: string
  readonly body: string[]
}

/** Splits at `## ` headings outside fences. */
function sectionsOf(lines: readonly string[]): readonly Section[] {
  const sections: Section[] = [{ heading: '', body: [] }]
  let fence: string | null = null
  for (const line of lines) {
    const ticks = /^(`{3,})/.exec(line)?.[1]
    if (fence === null && line.startsWith('## ')) {
      sections.push({ heading: line.slice(3).trim(), body: [] })
      continue
    }
    if (fence === null && ticks) fence = ticks
    else if (fence !== null && line.trimEnd() === fence) fence = null
    sections.at(-1)!.body.push(line)
  }
  if (fence !== null) throw new NotACase('a fence is not closed; the file may be cut short')
  return sections
}

interface Fence {
  readonly info: string
  readonly text: string
}

function fencesOf(body: readonly string[]): readonly Fence[] {
  const fences: Fence[] = []
  let open: { ticks: string; info: string; lines: string[] } | null = null
  for (const line of body) {
    const match = /^(`{3,})(.*)$/.exec(line)
    if (open === null && match) open = { ticks: match[1]!, info: match[2]!.trim(), lines: [] }
    else if (open !== null && line.trimEnd() === open.ticks) {
      const text = open.lines.join('\n')
      fences.push({ info: open.info, text: open.lines.length > 0 && !open.info.endsWith('no-newline') ? `${text}\n` : text })
      open = null
    } else open?.lines.push(line)
  }
  return fences
}

function answerOf(heading: string, body: readonly string[]): Answer {
  const prose = proseOf(body)
  const fences = fencesOf(body)
  if (prose[0] === 'absent') return { value: null }
  const cannot = prose.find((line) => line.startsWith('cannot be seen: '))
  if (cannot !== undefined) {
    const how = prose.find((line) => line.startsWith('to see it: '))
    return { because: cannot.slice('cannot be seen: '.length), how: how?.slice('to see it: '.length) ?? null }
  }
  if (heading.startsWith('run ')) return { value: outputOf(heading, prose, fences) }
  const [fence] = fences
  if (fence === undefined) throw new NotACase(`“## ${heading}” has no answer`)
  return { value: heading.startsWith('read ') ? textOf(fence) : jsonOf(heading, fence.text) }
}

const proseOf = (body: readonly string[]): readonly string[] => {
  const prose: string[] = []
  let fence: string | null = null
  for (const line of body) {
    const ticks = /^(`{3,})/.exec(line)?.[1]
    if (fence === null && ticks) fence = ticks
    else if (fence !== null && line.trimEnd() === fence) fence = null
    else if (fence === null && line.trim() !== '') prose.push(line.trim())
  }
  return prose
}

/** Text with control characters travels as a JSON string; all other text as itself. */
function textOf(fence: Fence): string {
  if (!fence.info.startsWith('json')) return fence.text
  try {
    return String(JSON.parse(fence.text))
  } catch {
    throw new NotACase('an answer marked as JSON is not JSON')
  }
}

function jsonOf(heading: string, text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    throw new NotACase(`the answer to “${heading}” is not JSON`)
  }
}

function outputOf(heading: string, prose: readonly string[], fences: readonly Fence[]): Json {
  const [, kind, value] = /^(exit|signal) (\S+)$/.exec(prose[0] ?? 'exit 0') ?? []
  if (kind === undefined) throw new NotACase(`“## ${heading}” does not say how the program ended`)
  const part = (name: string) => fences.find((f) => f.info.split(' ')[1] === name || f.info.split(' ')[0] === name)
  const stdout = part('stdout') ?? fences.find((f) => !f.info.includes('stderr'))
  const stderr = part('stderr')
  return {
    code: kind === 'exit' ? Number(value) : null,
    signal: kind === 'signal' ? value! : null,
    stdout: stdout ? textOf(stdout) : '',
    stderr: stderr ? textOf(stderr) : '',
  }
}

// ── writing ────────────────────────────────────────────────────────────────────────────────────────────────

export function caseText(of: Case): string {
  const parts = [`# ${of.title}`, of.story]
  if (of.expect) parts.push('## expect', fence('', of.expect.length > 0 ? `${of.expect.join('\n')}\n` : ''))
  for (const [heading, answer] of of.answers) parts.push(`## ${heading}`, answerText(heading, answer))
  if (of.removed.length > 0) parts.push('## removed', of.removed.map((line) => `- ${line}`).join('\n'))
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function answerText(heading: string, answer: Answer): string {
  if (!('value' in answer)) return [`cannot be seen: ${answer.because}`, ...(answer.how ? [`to see it: ${answer.how}`] : [])].join('\n\n')
  const { value } = answer
  if (value === null) return 'absent'
  if (heading.startsWith('read ')) return textFence('text', String(value))
  if (!heading.startsWith('run ')) return fence('json', `${JSON.stringify(value, null, 1)}\n`)
  const output = value as { code: number | null; signal: string | null; stdout: string; stderr: string }
  const end = output.signal === null ? `exit ${output.code}` : `signal ${output.signal}`
  return [end, ...(output.stdout === '' ? [] : [textFence('text stdout', output.stdout)]), ...(output.stderr === '' ? [] : [textFence('text stderr', output.stderr)])].join('\n\n')
}

function textFence(info: string, text: string): string {
  if (/[\u0000-\u0008\u000b-\u001f\u007f\u0085\u2028\u2029]/.test(text)) return fence(info.replace('text', 'json'), `${JSON.stringify(text)}\n`)
  return fence(text === '' || text.endsWith('\n') ? info : `${info} no-newline`, text)
}

function fence(info: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const ticks = '`'.repeat(longest + 1)
  return `${ticks}${info}\n${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${ticks}`
}
