import type { Agreement } from './agreement.ts'
import type { Calibration, Phase, Placement } from './messages.ts'
import type { Decision, State } from './gate.ts'

/** Everything `bench --json` says; schema/bench-1.json describes it. */
export interface Result {
  readonly schemaVersion: 1
  readonly tool: { readonly name: 'asr-doctor'; readonly version: string }
  readonly target: Target
  /** The embedded workload, or what the user gave. */
  readonly workload: string
  readonly audio: { readonly seconds: number; readonly source: string; readonly form: string }
  readonly provider: Provider
  /** Processing time over audio length, wall time, of the warm runs. null = no run ended. */
  readonly rtf: { readonly median: number; readonly low: number; readonly high: number; readonly samples: readonly number[] } | null
  /** Audio length over processing time: 1 / rtf.median. */
  readonly rtfx: number | null
  /** From the start of a fresh process until it could hear, the median of the cold starts. */
  readonly loadMs: number | null
  /** The first run of a fresh process, the median of the cold starts. */
  readonly firstMs: number | null
  readonly cold: readonly Cold[]
  readonly warmUp: { readonly runs: number; readonly steady: boolean }
  /** The median of each phase over the warm runs. */
  readonly phases: Readonly<Record<string, { readonly wallMs: number; readonly cpuMs: number }>>
  readonly runs: readonly TimedRun[]
  readonly text?: Text
  /** The device's output and speed beside the CPU's. */
  readonly agreement?: Agreement
  readonly doubts: readonly Doubt[]
  readonly gate?: { readonly state: State; readonly because: string; readonly decisions: readonly Decision[] }
  readonly machine: Machine
  readonly interrupted: boolean
}

export interface Target {
  readonly kind: 'embedded' | 'model' | 'python' | 'command' | 'url'
  readonly name: string
  /** Name and version of the library that computed; null where it is not known. */
  readonly runtime: string | null
  readonly threads: number | null
}

export interface Provider {
  readonly asked: readonly string[]
  /** null = nothing ran, or the target does not tell. */
  readonly used: string | null
  readonly tier: 'cpu' | 'gpu' | null
  /** Why the provider named first was not used. A whole sentence. */
  readonly because: string | null
  /** What would help, where that is known. */
  readonly how: string | null
  readonly placement: readonly Placement[]
}

export interface Cold {
  readonly loadMs: number | null
  readonly firstMs: number
}

export interface TimedRun {
  readonly wallMs: number
  readonly cpuMs: number | null
  readonly phases: readonly Phase[]
  /** The yardstick just before and just after, their mean. null = there was none. */
  readonly calibration: Calibration | null
  /** Modified z-score beyond 3.5. Marked, never dropped. */
  readonly outlier: boolean
}

export interface Text {
  /** Word error rate against the reference text; null = there is no reference for this recording. */
  readonly wer: number | null
  readonly empty: boolean
  readonly heard: string
}

export type DoubtKind =
  | 'slow-first-run'
  | 'throttled'
  | 'noisy-machine'
  | 'not-steady'
  | 'few-runs'
  | 'empty-transcript'
  | 'text-changes'
  | 'not-the-provider-asked-for'
  | 'provider-fell-back'
  | 'wrong-result'
  | 'hardly-faster-than-cpu'
  | 'odd-audio'

export interface Doubt {
  readonly kind: DoubtKind
  /** A whole sentence. */
  readonly because: string
  readonly how: string | null
}

export interface Machine {
  readonly os: string
  readonly arch: string
  readonly cpu: string
  readonly logicalCores: number
  readonly memoryBytes: number
  readonly node: string
  readonly load: Load | null
}

/** What went on around the timed runs. Times in milliseconds over `spanMs`; null = this system does not tell. */
export interface Load {
  readonly spanMs: number
  readonly targetCpuMs: number | null
  readonly othersCpuMs: number | null
  readonly stealMs: number | null
  /** Time that the target's threads were ready to run and waited for a CPU. */
  readonly waitedMs: number | null
  readonly involuntarySwitches: number | null
  readonly peakMemoryBytes: number | null
  readonly throttle: { readonly periods: number; readonly throttled: number; readonly throttledMs: number } | null
  /** Pressure stall information of the CPUs, the greatest `some avg10` seen, in percent. */
  readonly cpuPressure: number | null
}
