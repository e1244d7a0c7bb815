/** Random but repeatable: the seed stands in the name of whatever fails. */
export function dice(seed: number) {
  let state = seed >>> 0
  const next = (): number => {
    // xorshift32
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
  if (state === 0) state = 1
  const whole = (below: number) => Math.floor(next() * below)
  const pick = <T>(list: readonly T[]): T => list[whole(list.length)]!
  const text = (pieces: readonly string[], most: number): string => Array.from({ length: whole(most + 1) }, () => pick(pieces)).join('')
  return { next, whole, pick, text }
}

/** What has meant something to systemd, to a shell, to YAML or to a reader of lines at some time. */
export const HOSTILE = [
  'a', 'Z', '0', ' ', '  ', '"', "'", '\\', '\\\\', '\\n', '%', '%%', '%h', '%n', '$', '$HOME', '${HOME}', '$(id)', '`id`', '\n', '\t', '\r', ';', '#', '=', ':', '/', '~', '*', '?', '[', ']', '{', '}',
  '&', '|', '<', '>', '!', ',', '-', '_', '.', 'é', 'ß', '語', '🎤', '\u00a0', '\u2028', '\x01', '\x1b[31m', '\x7f', '\u0085', '\ufeff', "\\x41", '"\n', "'\n", '\\\n', '# >>> asr-doctor >>>\n',
] as const
