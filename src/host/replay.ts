import { CannotSee } from '../cannot-see.ts'
import type { Json } from '../types.ts'
import type { Ask } from './host.ts'

/** An answer as it was given: a value, or the reason why there was none. */
export type Answer = { readonly value: Json } | { readonly because: string; readonly how: string | null }

/** A question that nobody recorded. Never guessed at. */
export class NotRecorded extends CannotSee {
  constructor(readonly question: string) {
    super(`The case does not hold the answer to “${question}”.`, 'Record the machine again with this version: asr-doctor record.')
  }
}

/** A recorded machine: it gives the same answers again. */
export const replayed = (answers: ReadonlyMap<string, Answer>): Ask => async (asked) => {
  // A machine told from a report has one answer to all that the report does not say (`## otherwise`).
  const answer = answers.get(asked.key) ?? answers.get('otherwise')
  if (answer === undefined) throw new NotRecorded(asked.key)
  if ('value' in answer) return answer.value
  throw new CannotSee(answer.because, answer.how)
}

/** Writes down every question and answer that passes, in the order asked. */
export const recorded = (ask: Ask, log: Map<string, Answer>): Ask => async (asked) => {
  try {
    const value = await ask(asked)
    log.set(asked.key, { value })
    return value
  } catch (error) {
    if (error instanceof CannotSee) log.set(asked.key, { because: error.message, how: error.how })
    throw error
  }
}
