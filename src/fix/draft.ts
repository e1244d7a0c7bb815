import type { Change, CheckId } from '../types.ts'
import type { LineEdit } from './edits/line.ts'
import type { Site } from './site.ts'

/** Which switch writes a target: units and their EnvironmentFiles, profiles and PATH, or none (a patch for somebody's source). */
export type Writer = 'unit' | 'path' | 'source'

export interface PlannedChange extends Change {
  readonly writer: Writer
  /** The unit whose file this is, so that its manager must read it again. */
  readonly unit: string | null
}

/** State of the targets while a plan grows. */
export interface Draft {
  readonly texts: Map<string, { readonly before: string | null; readonly text: string | null; readonly writer: Writer; readonly unit: string | null }>
  /** Edits of lines go by the numbers of the text as it is now, so they are kept together. */
  readonly lines: Map<string, readonly LineEdit[]>
  /** `scope unit section key` → the value a wish has given a key that takes one. */
  readonly single: Map<string, { readonly value: string; readonly check: CheckId }>
  /** `place NAME` → what the wishes ask of a variable that lists folders, and what stood there before any of them. */
  readonly lists: Map<string, FolderList>
}

/** Kept apart until it is written out, so that the order in which the wishes come makes no difference. */
export interface FolderList {
  readonly base: string | null
  readonly wanted: ReadonlySet<string>
  /** Those of them that must stand before or behind the others, in their order. */
  readonly first: readonly string[]
  readonly last: readonly string[]
}

export const emptyDraft = (): Draft => ({ texts: new Map(), lines: new Map(), single: new Map(), lists: new Map() })

export const copyOf = (draft: Draft): Draft => ({ texts: new Map(draft.texts), lines: new Map(draft.lines), single: new Map(draft.single), lists: new Map(draft.lists) })

/** The text a target has in the draft, or on the machine. */
export async function current(draft: Draft, { host }: Site, target: string): Promise<string | null> {
  const drafted = draft.texts.get(target)
  return drafted === undefined ? host.read(target) : drafted.text
}

export function put(draft: Draft, target: string, before: string | null, text: string | null, writer: Writer, unit: string | null = null): void {
  const start = draft.texts.get(target)
  draft.texts.set(target, { before: start === undefined ? before : start.before, text, writer, unit })
}

/** What changed from one state of the plan to a later one. */
export function between(from: Draft, to: Draft): readonly PlannedChange[] {
  return [...to.texts].flatMap(([target, { before, text, writer, unit }]) => {
    const start = from.texts.has(target) ? from.texts.get(target)!.text : before
    return start === text ? [] : [{ target, before: start, after: text, writer, unit }]
  })
}

/** Several steps of one target as one: from the first text to the last. */
export function mergedChanges(changes: readonly PlannedChange[]): readonly PlannedChange[] {
  const merged = new Map<string, PlannedChange>()
  for (const change of changes) merged.set(change.target, { ...change, before: merged.has(change.target) ? merged.get(change.target)!.before : change.before })
  return [...merged.values()].filter(({ before, after }) => before !== after)
}
