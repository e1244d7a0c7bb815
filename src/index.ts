/** The public face: what a check or a plugin may import, and all that it may import. */
import type { Check, Fact, Needs } from './types.ts'

export type * from './types.ts'
export { question } from './question.ts'
export { CannotSee, DoesNotApply, known, need } from './cannot-see.ts'

/** Types a check by the facts it needs. */
export const defineCheck = <const N extends Needs>(check: Check<N>): Check<N> => check

export const defineFact = <T>(fact: Fact<T>): Fact<T> => fact
