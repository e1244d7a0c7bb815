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
const rated = new Map<string, Map<string, number>>()

/** Word error rate: substitutions, deletions and insertions (Levenshtein) over the words of the reference. May exceed 1. */
export function wordErrorRate(reference: string, heard: string): number {
  const rates = rated.get(reference) ?? new Map<string, number>()
  rated.set(reference, rates)
  const rate = rates.get(heard) ?? errorRate(reference, heard)
  rates.set(heard, rate)
  return rate
}

function errorRate(reference: string, heard: string): number {
  const said = words(reference)
  const got = words(heard)
  if (said.length === 0) return got.length === 0 ? 0 : 1
  let row = Array.from({ length: got.length + 1 }, (_, j) => j)
  said.forEach((word, i) => {
    const next = [i + 1]
    got.forEach((other, j) => next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (word === other ? 0 : 1))))
    row = next
  })
  return row[got.length]! / said.length
}
