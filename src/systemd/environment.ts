import type { Env } from '../types.ts'
import type { FileVariable } from './environment-file.ts'
import { expanded, resolved, type Specifiers } from './specifiers.ts'
import { listOf, type Assignment } from './unit-file.ts'
import { wordsOf } from './words.ts'

/** One variable as one line sets it. */
export interface Setting {
  readonly name: string
  readonly value: string
  readonly file: string
  readonly line: number
  /** The line as written, or the part of it that counts. */
  readonly raw: string
}

/** What the Environment= lines of a unit amount to. */
export interface Settings {
  readonly settings: readonly Setting[]
  /** Words that systemd drops: no `NAME=value`, an unclosed quote, a bad escape. */
  readonly dropped: readonly { readonly word: string; readonly because: string; readonly assignment: Assignment }[]
  /** Assignments that need a specifier whose value is not known here. */
  readonly unknown: readonly Assignment[]
}

/** env_name_is_valid() of basic/env-util.c. */
const isVariableName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)

/** config_parse_environ(): words are split and unquoted first, then specifiers are put in; the last one of a name wins. */
export function environmentOf(assignments: readonly Assignment[], specifiers: Specifiers): Settings {
  const settings: Setting[] = []
  const dropped: Settings['dropped'][number][] = []
  const unknown: Assignment[] = []
  for (const assignment of listOf(assignments, 'Service', 'Environment')) {
    const { words, broken } = wordsOf(assignment.value)
    for (const word of words) {
      const answer = resolved(word, specifiers)
      if (answer === 'unknown') unknown.push(assignment)
      else if (answer === 'invalid') dropped.push({ word, because: 'it holds a % that is no specifier', assignment })
      if (typeof answer === 'string') continue
      const whole = answer.text
      const at = whole.indexOf('=')
      if (at > 0 && isVariableName(whole.slice(0, at))) {
        settings.push({ name: whole.slice(0, at), value: whole.slice(at + 1), file: assignment.file, line: assignment.line, raw: assignment.raw.trim() })
      } else dropped.push({ word: whole, because: 'it is no NAME=value', assignment })
    }
    if (broken !== null) dropped.push({ word: assignment.value, because: broken, assignment })
  }
  return { settings, dropped, unknown }
}

/** The names of PassEnvironment= (`assignments` false) or the names and assignments of UnsetEnvironment=. */
export const namesOf = (assignments: readonly Assignment[], key: 'PassEnvironment' | 'UnsetEnvironment', specifiers: Specifiers): readonly string[] =>
  listOf(assignments, 'Service', key).flatMap((each) => wordsOf(each.value).words.flatMap((word) => expanded(word, specifiers) ?? []))

/** One path of EnvironmentFile=. It takes the whole line: blanks belong to the name, and there are no quotes. */
export interface FileReference {
  readonly path: string
  readonly optional: boolean
  readonly assignment: Assignment
}

export const filesOf = (assignments: readonly Assignment[], specifiers: Specifiers): readonly FileReference[] =>
  listOf(assignments, 'Service', 'EnvironmentFile').flatMap((assignment) => {
    const whole = expanded(assignment.value, specifiers)
    if (whole === null) return []
    const optional = whole.startsWith('-')
    const path = optional ? whole.slice(1) : whole
    return path.startsWith('/') ? [{ path: path.replace(/\/{2,}/g, '/'), optional, assignment }] : []
  })

export const settingsOfFile = (variables: readonly FileVariable[], file: string): readonly Setting[] =>
  variables
    .filter(({ name }) => isVariableName(name))
    .map(({ name, value, line }) => ({ name, value, file, line, raw: `${name}=${value}` }))

/** The order of systemd.exec(5), ENVIRONMENT VARIABLES IN SPAWNED PROCESSES: each source overrides the ones before it. */
export function merged(sources: readonly Env[], unset: readonly string[]): Env {
  const all = new Map(sources.flatMap((source) => Object.entries(source)).filter(([name]) => isVariableName(name)))
  for (const word of unset) {
    const at = word.indexOf('=')
    if (at < 0) all.delete(word)
    else if (all.get(word.slice(0, at)) === word.slice(at + 1)) all.delete(word.slice(0, at))
  }
  return Object.fromEntries(all)
}
