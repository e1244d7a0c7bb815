import type { Agreement } from './agreement.ts'
import type { Crowd } from './crowd.ts'
import type { Calibration, Peak, Placement, Run } from './messages.ts'

/** Something that recognises speech, in a process of its own. */
export interface Instance {
  /** Its processes, for the sampler; null = it runs elsewhere, so nothing can be said of who else is busy there. */
  pids(): readonly number[] | null
  /** Those of them that are no part of the target: their memory is not its own. */
  ours?(): readonly number[]
  /** From the start of the process until it could hear; null where loading cannot be told from the first run. */
  readonly loadMs: number | null
  run(): Promise<Run>
  /** null = this target has no yardstick. */
  calibrate(): Promise<Calibration | null>
  placement(): Promise<readonly Placement[]>
  /** Output and speed beside the CPU's; only where the same network can run there. */
  compare?(): Promise<Agreement>
  /** The greatest speed of matrix products on the same provider. */
  peak?(tier: 'cpu' | 'gpu'): Promise<Peak>
  /** Several runs at once; only where the target serves others too. */
  crowd?(level: number): Promise<Crowd>
  stop(): void
}

export interface Engine<I extends Instance = Instance> {
  /** Always a fresh process. */
  open(): Promise<I>
  /** Whether each run is a process of its own, so that no run is warmer than another but for the disk cache. */
  readonly freshEveryRun: boolean
}

/** The target could not be measured at all: nothing ran. */
export class CannotMeasure extends Error {
  override readonly name = 'CannotMeasure'
  /** Only when the runtime refused the provider: what it printed, and the error it threw. */
  readonly refusal: { readonly error: string; readonly output: string } | null
  constructor(because: string, refusal: { readonly error: string; readonly output: string } | null = null) {
    super(because)
    this.refusal = refusal
  }
}

/** The user stopped the benchmark. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}
