import { expect } from 'vitest'
import type { Finding, Outcome } from '../../src/types.ts'

/** The first finding of an outcome that must be one. */
export function findingOf(outcome: Outcome | undefined): Finding {
  expect(outcome?.status, JSON.stringify(outcome)).toBe('found')
  return (outcome as { findings: readonly Finding[] }).findings[0]!
}
