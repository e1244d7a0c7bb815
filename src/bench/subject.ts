import type { CannotMeasure, Engine, Instance } from './engine.ts'
import type { Measured, Plan } from './protocol.ts'
import type { Provider, Target } from './types.ts'

/** What is measured: how to start it, and what can be said of it once that has been done. */
export interface Subject {
  readonly engine: Engine
  readonly plan: Plan
  readonly workload: string
  target(): Target
  provider(measured: Measured): Provider
  opened(instance: Instance): void
  /** The provider when the runtime refused to start. null = the failure was another one. */
  refused(error: CannotMeasure): Provider | null
  /** Files made for it. */
  remove?(): void
}
