import { withoutSecrets } from '../secrets.ts'
import type { Change } from '../types.ts'
import { unifiedDiff } from './diff.ts'

/** Less of it than one line is not taken by git apply, and finds its place in a changed file by its number alone. */
const CONTEXTS = [3, 2, 1]

export const holdsSecrets = (text: string): boolean => withoutSecrets(text) !== text

/** The diff, to the letter, with as much of the file around it as holds no secret where there is such a part. */
export function handedOn({ target, before, after }: Change): string {
  const diffs = CONTEXTS.map((context) => unifiedDiff(target, before, after, { context }))
  return diffs.find((diff) => !holdsSecrets(diff)) ?? diffs[0]!
}

/** The same to be looked at: nothing secret stands in it, and where something did, it can no longer be applied. */
export const shownDiff = (change: Change): string => withoutSecrets(handedOn(change))
