import type { Fact, Host, Use } from './types.ts'

/** Gathers each fact once, however many ask for it. Values are frozen, so that no check can tell another something. */
export function gatherer(host: Host): Use {
  const gathered = new Map<Fact<unknown>, Promise<unknown>>()
  const use: Use = <T>(fact: Fact<T>): Promise<T> => {
    const known = gathered.get(fact)
    if (known) return known as Promise<T>
    const answer = fact.gather(host, use).then(frozen)
    gathered.set(fact, answer)
    answer.catch(() => {}) // heard by whoever needs it
    return answer
  }
  return use
}

export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) frozen(part)
  }
  return value
}
