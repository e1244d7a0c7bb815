import { secondsAsShown } from './edits/timespan.ts'
import { expanded, type Specifiers } from '../systemd/specifiers.ts'
import { lastOf, listOf, type Assignment } from '../systemd/unit-file.ts'
import { wordsOf } from '../systemd/words.ts'
import { limitOf } from './edits/limits.ts'

/**
 * What `systemctl show` would say after a reload, for the properties whose lines a change touches. Names and forms:
 * org.freedesktop.systemd1(5) and systemctl's own printing (bus_print_property() in shared/bus-print-properties.c).
 */
type Shown = (assignments: readonly Assignment[], key: string, specifiers: Specifiers) => string | null

const last: Shown = (all, key, specifiers) => {
  const line = lastOf(all, 'Service', key)
  return line === null ? '' : expanded(line.value, specifiers)
}

const yesNo: Shown = (all, key) => (/^(1|yes|y|true|t|on)$/i.test(lastOf(all, 'Service', key)?.value ?? '') ? 'yes' : 'no')

/** A switch that also takes words: yes, no, read-only, tmpfs, full, strict. */
const switched: Shown = (all, key) => {
  const value = lastOf(all, 'Service', key)?.value ?? 'no'
  return /^(1|yes|y|true|t|on)$/i.test(value) ? 'yes' : /^(0|no|n|false|f|off)$/i.test(value) ? 'no' : value
}

const bytes: Shown = (all, key) => {
  const limit = limitOf(key, lastOf(all, 'Service', key)?.value ?? '')
  return limit === null ? null : limit === Number.POSITIVE_INFINITY ? 'infinity' : String(Math.floor(limit))
}

const list: Shown = (all, key, specifiers) => {
  const words = listOf(all, 'Service', key).flatMap(({ value }) => wordsOf(value).words.map((word) => expanded(word, specifiers)))
  return words.includes(null) ? null : [...new Set(words)].map((word) => quoted(word!)).join(' ')
}

/** Source, destination and options, as the manager completes them. */
const binds: Shown = (all, key, specifiers) => {
  const words = listOf(all, 'Service', key).flatMap(({ value }) => wordsOf(value).words.map((word) => expanded(word, specifiers)))
  if (words.includes(null)) return null
  return words.map((word) => {
    const [source, to = '', options = 'rbind'] = word!.split(':')
    return quoted(`${source}:${to === '' ? source!.replace(/^-/, '') : to}:${options}`)
  }).join(' ')
}

/** As systemctl prints an item of a list (shell_maybe_quote()). */
export const quoted = (word: string): string => (/^[A-Za-z0-9_./:@%+,=-]*$/.test(word) ? word : `"${word.replace(/[\\"$`]/g, '\\$&').replace(/\n/g, '\\n')}"`)

/** A line for each device, the last one first, with its rights in the order r, w, m. */
const devices: Shown = (all, key, specifiers) => {
  const lines = listOf(all, 'Service', key).map(({ value }) => expanded(value, specifiers))
  if (lines.includes(null)) return null
  return lines.reverse().map((line) => {
    const [, path, rights] = /^(.*?)(?:\s+([rwm]+))?$/.exec(line!)!
    return `${path} ${rights === undefined ? 'rwm' : [...'rwm'].filter((each) => rights.includes(each)).join('')}`
  }).join('\n')
}

const files: Shown = (all, key, specifiers) => {
  const paths = listOf(all, 'Service', key).map(({ value }) => expanded(value, specifiers))
  return paths.includes(null) ? null : paths.map((path) => `${path!.replace(/^-/, '')} (ignore_errors=${path!.startsWith('-') ? 'yes' : 'no'})`).join('\n')
}

const quota: Shown = (all) => {
  const limit = limitOf('CPUQuota', lastOf(all, 'Service', 'CPUQuota')?.value ?? '')
  return limit === null ? null : limit === Number.POSITIVE_INFINITY ? 'infinity' : secondsAsShown(limit / 100)
}

/** Property → the key of the unit file behind it, and how it is printed. */
const PROPERTIES: Readonly<Record<string, readonly [key: string, shown: Shown]>> = {
  CPUQuotaPerSecUSec: ['CPUQuota', quota],
  MemoryMax: ['MemoryMax', bytes], MemoryHigh: ['MemoryHigh', bytes], MemorySwapMax: ['MemorySwapMax', bytes], TasksMax: ['TasksMax', bytes],
  LimitMEMLOCK: ['LimitMEMLOCK', bytes], LimitAS: ['LimitAS', bytes],
  User: ['User', last], Group: ['Group', last], WorkingDirectory: ['WorkingDirectory', last], DevicePolicy: ['DevicePolicy', (all) => lastOf(all, 'Service', 'DevicePolicy')?.value ?? 'auto'],
  AllowedCPUs: ['AllowedCPUs', list], CPUAffinity: ['CPUAffinity', list], SupplementaryGroups: ['SupplementaryGroups', list],
  Environment: ['Environment', list], PassEnvironment: ['PassEnvironment', list], UnsetEnvironment: ['UnsetEnvironment', list], EnvironmentFiles: ['EnvironmentFile', files],
  DeviceAllow: ['DeviceAllow', devices], CacheDirectory: ['CacheDirectory', list], StateDirectory: ['StateDirectory', list],
  ReadWritePaths: ['ReadWritePaths', list], ReadOnlyPaths: ['ReadOnlyPaths', list], InaccessiblePaths: ['InaccessiblePaths', list], BindPaths: ['BindPaths', binds], BindReadOnlyPaths: ['BindReadOnlyPaths', binds], TemporaryFileSystem: ['TemporaryFileSystem', list],
  PrivateDevices: ['PrivateDevices', yesNo], PrivateTmp: ['PrivateTmp', yesNo], PrivateUsers: ['PrivateUsers', yesNo], NoNewPrivileges: ['NoNewPrivileges', yesNo],
  MemoryDenyWriteExecute: ['MemoryDenyWriteExecute', yesNo], ProtectKernelModules: ['ProtectKernelModules', yesNo], ProtectHome: ['ProtectHome', switched], ProtectSystem: ['ProtectSystem', switched],
}

/** The properties that change with the lines of the unit; null = what it would be is not known here. */
export function changedProperties(before: readonly Assignment[], after: readonly Assignment[], specifiers: Specifiers): ReadonlyMap<string, string | null> {
  const says = (all: readonly Assignment[], key: string) => all.filter((each) => each.section === 'Service' && each.key === key).map(({ value }) => value).join('\n')
  return new Map(
    Object.entries(PROPERTIES).flatMap(([property, [key, shown]]) => (says(before, key) === says(after, key) ? [] : [[property, shown(after, key, specifiers)] as const])),
  )
}

/** `systemctl show` output with other values for some of the properties `asked`. A list that is empty has no line at all. */
export function withProperties(shown: string, values: ReadonlyMap<string, string>, asked: readonly string[]): string {
  const done = new Set<string>()
  const lines = shown.split('\n').flatMap((line) => {
    const key = line.slice(0, Math.max(0, line.indexOf('=')))
    const value = values.get(key)
    if (value === undefined) return [line]
    if (done.has(key)) return []
    done.add(key)
    return value.split('\n').map((each) => `${key}=${each}`)
  })
  const missing = asked.filter((key) => values.has(key) && !done.has(key)).flatMap((key) => values.get(key)!.split('\n').map((each) => `${key}=${each}`))
  return [...(lines.at(-1) === '' ? lines.slice(0, -1) : lines), ...missing, ''].join('\n')
}
