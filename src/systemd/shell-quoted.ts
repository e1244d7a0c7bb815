import { wordsOf } from './words.ts'

/** `systemctl show-environment`: one `NAME=value` a line, a value with special characters as `$'…'` (before v243 `"…"`). */
export function shownEnvironmentOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=')
      return at > 0 ? [[line.slice(0, at), unquoted(line.slice(at + 1))] as const] : []
    }),
  )
}

function unquoted(shown: string): string {
  const quoted = /^\$?(['"].*['"])$/s.exec(shown)?.[1]
  if (quoted === undefined) return shown
  const { words, broken } = wordsOf(quoted)
  return broken === null ? words.join(' ') : shown
}
