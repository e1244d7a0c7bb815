import type { Known } from './types.ts'

/** "It cannot be known here." Neither sick nor healthy: the reason, and how to find out. Whole sentences. */
export class CannotSee extends Error {
  readonly how: string | null
  constructor(because: string, how: string | null = null) {
    super(because)
    this.name = 'CannotSee'
    this.how = how
  }
}

/** "The target has no such thing": no microphone wanted, no Python, no GPU asked for. One whole sentence says which. */
export class DoesNotApply extends Error {
  constructor(because: string) {
    super(because)
    this.name = 'DoesNotApply'
  }
}

/** Turns "cannot be known" into a value, so that one blind spot does not hide its neighbours. Other errors pass through. */
export async function known<T>(answer: Promise<T>): Promise<Known<T>> {
  try {
    return { known: true, value: await answer }
  } catch (error) {
    if (error instanceof CannotSee) return { known: false, because: error.message, how: error.how }
    throw error
  }
}

/** The value, or the reason again as an exception. */
export function need<T>(answer: Known<T>): T {
  if (answer.known) return answer.value
  throw new CannotSee(answer.because, answer.how)
}
