import type { Evidence, Fix, Immutable, Target } from '../../src/index.ts'

export const subjectOf = (target: Immutable<Target>): string =>
  target.kind === 'unit' ? target.name : target.kind === 'pid' ? `process ${target.pid}` : target.kind === 'shell' ? 'this shell' : 'path' in target ? target.path : 'it'

export const manual = (title: string, ...then: readonly string[]): Fix => ({ title, safety: 'manual', edits: [], then })

/** Evidence is never empty: whoever calls this has put at least one in. */
export const evidence = (...all: readonly (Evidence | null | undefined)[]): [Evidence, ...Evidence[]] => all.filter((each) => each !== null && each !== undefined) as [Evidence, ...Evidence[]]
