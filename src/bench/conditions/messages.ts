import type { Env } from '../../types.ts'
import type { Agreement } from '../agreement.ts'
import type { BenchOptions } from '../command.ts'
import type { Calibration, Run } from '../messages.ts'
import type { Load, Provider, Result, Target } from '../types.ts'

/** What the agent in a place is to measure there. Paths are absolute. */
export interface Errand {
  readonly options: BenchOptions
  /** Variables that replace the agent's own for all it starts; null = as they are there. */
  readonly env: Env | null
}

/** Said by the agent as soon as it runs: where it found itself. */
export interface Hello {
  readonly kind: 'hello'
  readonly env: Env
  readonly user: string
}

/** Of the memory controller above the agent, and of its children. null = not to be seen there. */
export interface MemoryCounts {
  /** Times the kernel took memory back because of MemoryHigh= or MemoryMax= (memory.events high and max; v1: failcnt). */
  readonly limitHits: number | null
  readonly killed: number | null
}

export interface OneRun {
  readonly run: Run
  readonly calibration: Calibration | null
  readonly load: Load | null
  readonly memory: MemoryCounts
}

export interface Told {
  readonly target: Target
  readonly workload: string
  readonly provider: Provider
  readonly agreement: Agreement | null
}

/** One JSON object a line, on standard input and output. */
export type Request =
  | { readonly kind: 'prepare'; readonly errand: Errand }
  | { readonly kind: 'open' }
  | { readonly kind: 'run' }
  /** `place`: look where the nodes of the model ran, in a pass of its own. */
  | { readonly kind: 'tell'; readonly place: boolean }

export type Answer =
  | Hello
  | { readonly kind: 'prepared'; readonly audio: Pick<Result['audio'], 'seconds' | 'form'>; readonly silent: boolean; readonly warnings: readonly string[]; readonly launches: number; readonly freshEveryRun: boolean }
  | { readonly kind: 'opened'; readonly loadMs: number | null; readonly first: Run }
  | { readonly kind: 'ran'; readonly one: OneRun }
  | { readonly kind: 'told'; readonly told: Told }
  /** `refused`: the provider where the runtime would not start on it. */
  | { readonly kind: 'failed'; readonly error: string; readonly refused: Provider | null; readonly memory: MemoryCounts }
