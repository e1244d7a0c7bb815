/**
 * Symbol versions (LSB Core, "Symbol Versioning"): chains of records, each naming the distance to the next. The distance comes
 * from the file, so a chain may only go forwards and only as often as the table says.
 */
import type { Reader } from './reader.ts'

const MAX_RECORDS = 4096
const VER_FLG_BASE = 1
const VER_FLG_WEAK = 2

/** What is needed of each library. Weak needs are left out: the loader only warns of them. */
export function neededVersions(table: Reader, count: number, strings: Reader): readonly { file: string; versions: string[] }[] {
  return chain(table, 0, count, 12).map((at) => ({
    file: strings.string(table.u32(at + 4)),
    versions: chain(table, at + table.u32(at + 8), table.u16(at + 2), 12)
      .filter((aux) => (table.u16(aux + 4) & VER_FLG_WEAK) === 0)
      .map((aux) => strings.string(table.u32(aux + 8)))
      .filter((name) => name !== ''),
  }))
}

/** What the file defines. The base definition is the file's own name, not a version. */
export function definedVersions(table: Reader, count: number, strings: Reader): readonly string[] {
  return chain(table, 0, count, 16)
    .filter((at) => (table.u16(at + 2) & VER_FLG_BASE) === 0)
    .map((at) => strings.string(table.u32(at + table.u32(at + 12))))
    .filter((name) => name !== '')
}

/** Offsets of a chain's records; the distance to the next stands at `next` in each. */
function chain(table: Reader, start: number, count: number, next: number): readonly number[] {
  const offsets: number[] = []
  for (let at = start; offsets.length < Math.min(count, MAX_RECORDS) && at + 16 <= table.length; ) {
    offsets.push(at)
    const distance = table.u32(at + next)
    if (distance === 0) break
    at += distance
  }
  return offsets
}
