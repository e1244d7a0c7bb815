import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import type { Fact, Known } from '../types.ts'

/** A value, or why there is none, for checks that can judge without it. What does not apply is not known either. */
export const maybe = <T>(of: Fact<T>): Fact<Known<T>> => ({
  id: `maybe-${of.id}`,
  about: of.about,
  gather: async (_host, use) =>
    known(
      use(of).catch((error: unknown): never => {
        throw error instanceof DoesNotApply ? new CannotSee(error.message) : error
      }),
    ),
})

/** The same, where what does not apply is still no matter of the check. */
export const ifSeen = <T>(of: Fact<T>): Fact<Known<T>> => ({ id: `if-seen-${of.id}`, about: of.about, gather: (_host, use) => known(use(of)) })
