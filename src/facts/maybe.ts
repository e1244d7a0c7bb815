import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import type { Fact, Known, Verdict } from '../types.ts'

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

/** A value, or the verdict that stands in its place, for checks that have something else to look at first. */
export const orVerdict = <T>(of: Fact<T>): Fact<{ readonly value: T } | { readonly verdict: Verdict }> => ({
  id: `or-verdict-${of.id}`,
  about: of.about,
  gather: async (_host, use) => {
    try {
      return { value: await use(of) }
    } catch (error) {
      if (error instanceof DoesNotApply) return { verdict: { status: 'not-applicable', because: error.message } }
      if (error instanceof CannotSee) return { verdict: { status: 'unknown', because: error.message, how: error.how } }
      throw error
    }
  },
})
