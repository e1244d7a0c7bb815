/** Lower case, letters, digits and apostrophes only; typographic apostrophes are plain ones. */
export const words = (text: string): readonly string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[’‘ʼ]/g, "'")
    .replace(/[^\p{L}\p{N}\p{M}' ]+/gu, ' ')
    .split(/\s+/)
    .map((word) => word.replace(/^'+|'+$/g, ''))
    .filter((word) => word !== '')

/** Runs go on while the gate is undecided, and each time all texts are asked about, most of which are the same. */
function once<T>(work: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    if (!known.has(text)) known.set(text, work(text))
    return known.get(text)!
  }
}

export const wordCount = once((text) => words(text).length)

/**
 * Word error rate: substitutions, deletions and insertions (Levenshtein) over the words of the reference. May exceed 1. null = both
 * are so long that the comparison would take longer than a run.
 */
export const wordErrorRate = (reference: string, heard: string): number | null => rates(reference)(heard)
const rates = once((reference) => once((heard) => errorRate(words(reference), words(heard))))

/** The same of as many words as the reference has, from where the text begins. */
export const startErrorRate = (reference: string, heard: string): number | null => startRates(reference)(heard)
const startRates = once((reference) => once((heard) => errorRate(words(reference), words(heard).slice(0, wordCount(reference)))))

function errorRate(said: readonly string[], got: readonly string[]): number | null {
  if (said.length === 0) return got.length === 0 ? 0 : 1
  const errors = distance(said, got)
  return errors === null ? null : errors / said.length
}

/** About a second's work: 20,000 words, which is two hours of speech, beside as many. */
const MOST_PAIRS = 400_000_000

function distance(said: readonly string[], got: readonly string[]): number | null {
  // What both begin and end with costs nothing.
  let from = 0
  while (from < said.length && from < got.length && said[from] === got[from]) from++
  let [to, end] = [said.length, got.length]
  while (to > from && end > from && said[to - 1] === got[end - 1]) [to, end] = [to - 1, end - 1]
  if ((to - from) * (end - from) > MOST_PAIRS) return null
  const known = new Map<string, number>()
  for (let i = from; i < to; i++) if (!known.has(said[i]!)) known.set(said[i]!, known.size)
  const others = Int32Array.from({ length: end - from }, (_, j) => known.get(got[from + j]!) ?? -1)
  const row = Int32Array.from({ length: others.length + 1 }, (_, j) => j)
  for (let i = from; i < to; i++) {
    const word = known.get(said[i]!)!
    let diagonal = row[0]!
    row[0] = i - from + 1
    for (let j = 0; j < others.length; j++) {
      const above = row[j + 1]!
      row[j + 1] = Math.min(above + 1, row[j]! + 1, diagonal + (word === others[j] ? 0 : 1))
      diagonal = above
    }
  }
  return row[others.length]!
}
