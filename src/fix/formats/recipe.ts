import { expanded } from '../../systemd/specifiers.ts'
import { assignmentsOf } from '../../systemd/unit-file.ts'
import { wordsOf } from '../../systemd/words.ts'
import type { PlannedChange } from '../draft.ts'
import type { Step } from '../steps.ts'

export interface Recipe {
  readonly changes: readonly PlannedChange[]
  readonly steps: readonly Step[]
}

/** One line, in every language that has # for comments. */
export const comment = (text: string): string => `# ${text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]+/g, ' ').trim()}`

export interface Meant {
  readonly unit: string
  readonly scope: 'system' | 'user'
  readonly environment: readonly (readonly [string, string])[]
  /** Values as they stand behind `Key=`. */
  readonly settings: readonly { readonly section: string; readonly key: string; readonly value: string }[]
}

/** What a drop-in of ours says, as data again. */
export function meant(changes: readonly PlannedChange[]): readonly Meant[] {
  return changes.flatMap(({ target, after, unit }) => {
    if (unit === null || after === null || !target.endsWith('asr-doctor.conf')) return []
    const all = assignmentsOf(after, target)
    const words = all.filter(({ key }) => key === 'Environment').flatMap(({ value }) => wordsOf(value).words.map((word) => expanded(word, {}) ?? word))
    return [{
      unit, scope: target.startsWith('/etc/systemd/system/') ? 'system' as const : 'user' as const,
      environment: words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const),
      settings: all.filter(({ key }) => key !== 'Environment').map(({ section, key, value }) => ({ section: section ?? '', key, value })),
    }]
  })
}

/** Where a format has no words for a file, that is said. */
export const others = (changes: readonly PlannedChange[]): readonly string[] => changes.filter(({ target }) => !target.endsWith('asr-doctor.conf')).map(({ target }) => comment(`${target} changes too; the patch format shows how.`))
