/** glob(7) and fnmatch(3) patterns: `*`, `?`, `[…]`, backslash. */
export const isPattern = (text: string): boolean => /[*?[]/.test(text)

export function globMatches(pattern: string, text: string): boolean {
  let source = ''
  for (let at = 0; at < pattern.length; at++) {
    const c = pattern[at]!
    const set = c === '[' ? /^\[([!^]?)(\]?[^\]]*)\]/.exec(pattern.slice(at)) : null
    if (c === '*') source += '.*'
    else if (c === '?') source += '.'
    else if (set) {
      source += `[${set[1] ? '^' : ''}${set[2]!.replace(/[\\\]^]/g, '\\$&')}]`
      at += set[0].length - 1
    } else if (c === '\\' && at + 1 < pattern.length) source += literal(pattern[++at]!)
    else source += literal(c)
  }
  return new RegExp(`^${source}$`, 's').test(text)
}

const literal = (c: string): string => c.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
