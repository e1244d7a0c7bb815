import type { Env } from '../types.ts'
import { expanded, type Specifiers } from './specifiers.ts'
import { firstWord, wordsOf } from './words.ts'

/** One command of ExecStart=, before variables are put in. systemd.service(5), COMMAND LINES. */
export interface Command {
  readonly program: string
  readonly argv: readonly string[]
  /** `:` in front: `$VAR` is left alone. */
  readonly literal: boolean
  /** `+` or `!` in front: runs with full privileges. */
  readonly privileged: boolean
}

/** The first command of one ExecStart= value; null = systemd would refuse it, or a specifier is not known. */
export function commandOf(value: string, specifiers: Specifiers): Command | null {
  const first = firstWord(value, 0)
  if (first === null || typeof first === 'string' || first.word === null) return null
  const marks = /^[-@:+!]*/.exec(first.word)![0]
  const program = expanded(first.word.slice(marks.length), specifiers)
  if (program === null || program === '') return null
  const rest: string[] = []
  let at = first.end
  while (at < value.length) {
    if (/^;([ \t\n\r]|$)/.test(value.slice(at))) break
    if (/^\\;([ \t\n\r]|$)/.test(value.slice(at))) {
      rest.push(';')
      at += 2
      while (/[ \t\n\r]/.test(value[at] ?? '')) at++
      continue
    }
    const next = firstWord(value, at)
    if (next === null) break
    if (typeof next === 'string' || next.word === null) return null
    const word = expanded(next.word, specifiers)
    if (word === null) return null
    rest.push(word)
    at = next.end
  }
  const argv = marks.includes('@') ? rest : [program, ...rest]
  return { program, argv, literal: marks.includes(':'), privileged: /[+!]/.test(marks) }
}

/**
 * argv with `${VAR}` put in, a word that begins with `$VAR` split into words and `$$` made `$` (replace_env_argv() in
 * basic/env-util.c: in such a word everything behind the dollar is the name).
 */
export const withVariables = (argv: readonly string[], env: Env): readonly string[] =>
  argv.flatMap((word, at) => {
    if (at === 0) return [word]
    if (/^\$[^{$]/.test(word)) return wordsOf((env[word.slice(1)] ?? '').replace(/\\/g, '\\\\')).words
    return [word.replace(/\$\$|\$\{([^}]*)\}/g, (all, name?: string) => (all === '$$' ? '$' : (env[name!] ?? '')))]
  })
