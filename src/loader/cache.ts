import type { CacheEntry } from './types.ts'

/** `ldconfig -p` of glibc: `\tNAME (FLAG,FLAG, hwcap: "LEVEL") => PATH`, in the order in which the loader looks. */
export function cacheOf(text: string): readonly CacheEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\t(\S+) \(([^)]*)\) => (.+)$/.exec(line)
    if (!match) return []
    const parts = match[2]!.split(',').map((part) => part.trim())
    const hwcap = parts.map((part) => /^hwcap: "?([^"]+)"?$/.exec(part)?.[1]).find((name) => name !== undefined) ?? null
    return [{ soname: match[1]!, flags: parts.filter((part) => !part.includes(':')), hwcap, path: match[3]! }]
  })
}

/** How ldconfig marks libraries of a machine; a name that is not here is told apart when the file is opened. */
const MARKS: Readonly<Record<string, string>> = { x86_64: 'x86-64', x32: 'x32', aarch64: 'AArch64', ppc64: '64bit', ppc64le: '64bit', s390x: '64bit' }
const FOREIGN = new Set(['x86-64', 'x32', 'AArch64', '64bit', 'IA-64', 'N32', 'ELF'])

/** The entry the loader takes: the best usable hwcap level, else the first for the machine (dl-cache.c search_cache). */
export function cached(cache: readonly CacheEntry[], soname: string, machine: string, hwcaps: readonly string[]): CacheEntry | null {
  const mark = MARKS[machine]
  const own = cache.filter((e) => e.soname === soname && (mark === undefined ? !e.flags.some((f) => FOREIGN.has(f)) : e.flags.includes(mark)))
  for (const level of hwcaps) {
    const best = own.find((entry) => entry.hwcap === level)
    if (best !== undefined) return best
  }
  return own.find((entry) => entry.hwcap === null) ?? null
}
