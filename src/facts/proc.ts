/** Pure parsers of procfs, after proc(5). */
import type { Env } from '../types.ts'

/** /proc/PID/environ and cmdline: strings, each ended by NUL. The block at exec time; later setenv(3) is not in it. */
export const nulListOf = (text: string): readonly string[] => (text === '' ? [] : text.replace(/\0$/, '').split('\0'))

export function envOf(text: string): Env {
  const entries = nulListOf(text).flatMap((line) => {
    const at = line.indexOf('=')
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : []
  })
  // getenv(3) takes the first of a doubled name.
  return Object.fromEntries(entries.reverse())
}

/** Files mapped into the process, in order of first appearance. A deleted file keeps its name; `deleted` says so. */
export interface MappedFile {
  readonly path: string
  readonly deleted: boolean
  readonly executable: boolean
}

export function mapsOf(text: string): readonly MappedFile[] {
  const files = new Map<string, MappedFile>()
  for (const line of text.split('\n')) {
    const match = /^[0-9a-f]+-[0-9a-f]+ (\S{4}) \S+ \S+ \d+ +(\/.*)$/.exec(line)
    if (!match) continue
    const deleted = match[2]!.endsWith(' (deleted)')
    const path = (deleted ? match[2]!.slice(0, -' (deleted)'.length) : match[2]!).replace(/\\012/g, '\n')
    const executable = match[1]!.includes('x') || (files.get(path)?.executable ?? false)
    files.set(path, { path, deleted, executable })
  }
  return [...files.values()]
}

export interface ProcStatus {
  readonly name: string
  /** Real, effective, saved, file-system ids. */
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  readonly groups: readonly number[]
  readonly threads: number
  readonly rssKiB: number | null
  readonly peakRssKiB: number | null
  readonly swapKiB: number | null
  readonly noNewPrivileges: boolean
  readonly fields: Readonly<Record<string, string>>
}

export function statusOf(text: string): ProcStatus {
  const fields = Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(':')
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1).trim()] as const] : []
    }),
  )
  const numbers = (name: string) => (fields[name] ?? '').split(/\s+/).filter(Boolean).map(Number)
  const kib = (name: string) => (fields[name] ? Number.parseInt(fields[name], 10) : null)
  return {
    name: fields['Name'] ?? '',
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    groups: numbers('Groups'),
    threads: numbers('Threads')[0] ?? 1,
    rssKiB: kib('VmRSS'),
    peakRssKiB: kib('VmHWM'),
    swapKiB: kib('VmSwap'),
    noNewPrivileges: fields['NoNewPrivs'] === '1',
    fields,
  }
}
