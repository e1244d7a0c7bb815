/**
 * A command line as words, after the quoting rules of POSIX shells (2.2) and nothing else of them: no variables, no globs, no
 * pipes. null = a quote is not closed.
 */
export function splitWords(line: string): readonly string[] | null {
  const words: string[] = []
  let word: string | null = null
  let quote: '"' | "'" | null = null
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!
    if (quote === "'") {
      if (character === "'") quote = null
      else word += character
    } else if (character === '\\' && i + 1 < line.length && (quote === null || '"\\$`\n'.includes(line[i + 1]!))) {
      word = (word ?? '') + line[++i]!
    } else if (quote === '"') {
      if (character === '"') quote = null
      else word += character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word)
      word = null
    } else {
      word = (word ?? '') + character
    }
  }
  if (quote !== null) return null
  if (word !== null) words.push(word)
  return words
}
