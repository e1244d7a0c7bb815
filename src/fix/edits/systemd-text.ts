import { Refused } from '../refused.ts'
import { variable, writable } from './text.ts'

/**
 * Values as systemd reads them back: words with C escapes (systemd.syntax(7)), `%` doubled where specifiers are put in
 * (systemd.unit(5), SPECIFIERS).
 */

const NAMED: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const escaped = (text: string): string =>
  text.replace(/[\\"\u0000-\u001f\u007f]/g, (c) => NAMED[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`).replace(/%/g, '%%')

/** `NAME=value` as one quoted word of Environment=. */
export function environmentWord(assignment: string): string {
  const at = assignment.indexOf('=')
  if (at < 0) throw new Refused(`Environment= wants NAME=value, not ${JSON.stringify(assignment)}.`)
  return `"${escaped(variable(assignment.slice(0, at), assignment.slice(at + 1)))}"`
}

/** One word: bare where it needs no quotes. */
export function oneWord(text: string, key: string): string {
  writable(text, `The value of ${key}=`)
  // Not every key that takes words also takes escapes for control characters (config_parse_namespace_path_strv()).
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new Refused(`The value of ${key}= holds a control character, and systemd has no way to write one there.`)
  return /^[A-Za-z0-9_./:@~+,=-]+$/.test(text) ? text : `"${escaped(text)}"`
}

/** A value that runs to the end of its line and knows no quotes. */
export function restOfLine(text: string, key: string): string {
  writable(text, `The value of ${key}=`)
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new Refused(`The value of ${key}= holds a control character, and systemd has no way to write one there.`)
  if (text !== text.trim() || text.endsWith('\\')) throw new Refused(`The value of ${key}= begins or ends in a character that systemd would strip.`)
  return text
}

/** Keys whose values are no words: how they are written, and whether `%` is a specifier in them. systemd.exec(5), systemd.resource-control(5). */
const PATH_KEYS = new Set([
  'ReadWritePaths', 'ReadOnlyPaths', 'InaccessiblePaths', 'ExecPaths', 'NoExecPaths', 'BindPaths', 'BindReadOnlyPaths', 'TemporaryFileSystem',
  'CacheDirectory', 'StateDirectory', 'RuntimeDirectory', 'LogsDirectory', 'ConfigurationDirectory', 'SupplementaryGroups', 'PassEnvironment', 'UnsetEnvironment',
])
const SPECIFIER_KEYS = new Set(['EnvironmentFile', 'WorkingDirectory', 'RootDirectory', 'DeviceAllow', 'User', 'Group', 'ExecStart', 'ExecStartPre', 'ExecStartPost', 'Slice', 'After', 'Before', 'Wants', 'Requires', 'BindsTo', 'PartOf'])

/** The value meant, as it must stand behind `Key=`. An empty value resets the key. */
export function written(key: string, value: string): string {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(key)) throw new Refused(`${JSON.stringify(key)} is no key of a unit file.`)
  if (value === '') return ''
  if (key === 'Environment') return environmentWord(value)
  if (PATH_KEYS.has(key)) return oneWord(value, key)
  const line = restOfLine(value, key)
  return SPECIFIER_KEYS.has(key) ? line.replace(/%/g, '%%') : line
}

/** Keys whose lines add up; of all others the last line counts. systemd.unit(5), systemd.exec(5), systemd.resource-control(5). */
const LISTS = new Set([
  'Environment', 'EnvironmentFile', 'PassEnvironment', 'UnsetEnvironment', 'DeviceAllow', 'ReadWritePaths', 'ReadOnlyPaths', 'InaccessiblePaths', 'ExecPaths', 'NoExecPaths',
  'BindPaths', 'BindReadOnlyPaths', 'TemporaryFileSystem', 'CacheDirectory', 'StateDirectory', 'RuntimeDirectory', 'LogsDirectory', 'ConfigurationDirectory',
  'SupplementaryGroups', 'SystemCallFilter', 'RestrictAddressFamilies', 'AllowedCPUs', 'AllowedMemoryNodes', 'ExecStart', 'ExecStartPre', 'ExecStartPost', 'ExecStop', 'ExecReload',
  'After', 'Before', 'Wants', 'Requires', 'Requisite', 'BindsTo', 'PartOf', 'Conflicts', 'LoadCredential', 'SetCredential',
])

export const isList = (key: string): boolean => LISTS.has(key)
