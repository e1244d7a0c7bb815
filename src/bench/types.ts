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
  /** `content` tells the recording from any other of the same length. */
  readonly audio: { readonly seconds: number; readonly source: string; readonly form: string; readonly content?: string }
  readonly provider: Provider
  /** Processing time over audio length, wall time, of the warm runs. null = no run ended. */
  readonly rtf: { readonly median: number; readonly low: number; readonly high: number; readonly mad?: number; readonly samples: readonly number[] } | null
  /** Audio length over processing time: 1 / rtf.median. */
  readonly rtfx: number | null
  /** From the start of a fresh process until it could hear, the median of the cold starts. */
  readonly loadMs: number | null
  /** The first run of a fresh process, the median of the cold starts. */
  readonly firstMs: number | null
  /** How much the runs scatter: standard deviation over mean. A up to 5 %, B up to 15 %, C beyond, or with others in the way. */
  readonly noise?: { readonly variation: number; readonly grade: 'A' | 'B' | 'C' }
  readonly cold: readonly (Cold & HeardAs)[]
  readonly warmUp: { readonly runs: number; readonly steady: boolean; readonly samples?: readonly (Pick<TimedRun, 'wallMs' | 'cpuMs'> & HeardAs)[] }
  /** The median of each phase over the warm runs. */
  readonly phases: Readonly<Record<string, { readonly wallMs: number; readonly cpuMs: number }>>
  readonly runs: readonly TimedRun[]
  /** Each text that was heard, once; runs tell theirs by its place here. */
  readonly texts?: readonly string[]
  readonly text?: Text
  /** Only of a detector of speech, which writes no text. */
  readonly speech?: Speech
  /** The device's output and speed beside the CPU's. */
  readonly agreement?: Agreement
  /** Only of a built-in network: its encoder beside the fastest matrix products of the same provider. */
  readonly arithmetic?: Arithmetic
  /** Only of a built-in network: what its random weights were made from. */
  readonly weightsSeed?: number
  /** Only with --baseline: how many times as long the yardstick took as it did then. */
  readonly machineFactor?: number
  /** Published figures for the same model, runtime, precision and kind of device, one recording at a time; never judged by. */
  readonly expected?: readonly Expected[]
  /** Only with --unit: the service's place beside the shell's. */
  readonly conditions?: Conditions
  /** Only with --vary: one thing changed at a time. The factors need not multiply to the whole. */
  readonly factors?: readonly Factor[]
  /** Only with --concurrency: a server under several requests at once. */
  readonly concurrency?: readonly Concurrency[]
  readonly doubts: readonly Doubt[]
  readonly gate?: { readonly state: State; readonly because: string; readonly decisions: readonly Decision[] }
  readonly machine: Machine
  readonly interrupted: boolean
}

/** How many times as long a run took on one side as on the other, wall time: the median over neighbouring runs. */
export interface Ratio {
  readonly median: number
  readonly low: number
  readonly high: number
  readonly pairs: number
}

export interface Conditions {
  readonly unit: string
  readonly scope: 'system' | 'user'
  /** The settings of the service that the measuring process was given, as `Key=value`; of variables only the names. */
  readonly settings: readonly string[]
  readonly notCarried: readonly { readonly key: string; readonly because: string }[]
  readonly service: ConditionsSide
  readonly shell: ConditionsSide
  /** The service's run over the shell's. null = one of them could not be measured. */
  readonly ratio: Ratio | null
  /** What the counters say about it. Whole sentences. */
  readonly explained: readonly string[]
  /** What this shell is not, though one may take it for that. A whole sentence. */
  readonly shellNote: string | null
}

export interface ConditionsSide {
  readonly user: string | null
  readonly rtf: number | null
  readonly wallMs: number | null
  readonly cpuMs: number | null
  readonly provider: string | null
  /** The part of the scheduler's periods in which a quota stopped it. */
  readonly throttled: number | null
  /** Why it could not be measured there; null = it could. */
  readonly failed: string | null
}

export const FACTORS = ['env', 'quota', 'memory', 'provider', 'precision'] as const
export type FactorName = (typeof FACTORS)[number]

export interface Factor {
  readonly name: FactorName
  /** What it was changed from: the service's place, the shell's, or the call as it stands. */
  readonly from: 'service' | 'shell' | 'call'
  /** Above 1: the service's setting (provider: the CPU; precision: the model as named) takes longer than what it was changed for. */
  readonly ratio: Ratio | null
  /** Whether the interval leaves out 1. null = not measured, or in too few pairs. */
  readonly measurable: boolean | null
  /** A whole sentence. */
  readonly because: string
}

export interface Concurrency {
  /** Requests on their way at any time. */
  readonly level: number
  readonly requests: number
  /** Reason by reason, how many requests had no text. */
  readonly failed: Readonly<Record<string, number>>
  /** Of all together: audio length of the answered requests over the time that they took. */
  readonly rtfx: number | null
  /** Of the answered requests; the percentiles are values that occurred. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly max: number; readonly samples: readonly number[] } | null
}

export interface Target {
  readonly kind: 'embedded' | 'model' | 'python' | 'command' | 'url'
  readonly name: string
  /** Name and version of the library that computed; null where it is not known. */
  readonly runtime: string | null
  readonly threads: number | null
  /** The graphs that ran, within the folder of --model, where several precisions may lie side by side. */
  readonly files?: readonly string[]
  /** Longer recordings are heard in pieces of this length, one after another. */
  readonly pieceSeconds?: number
  /** What it computed in, where the library tells, such as float16 or int8_float32. */
  readonly precision?: string
  /** Tells the files of a model from any other. */
  readonly content?: string
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

export interface Arithmetic {
  /** Operations of the encoder for this recording, from the shapes of its layers. */
  readonly encoderFlops: number
  readonly flopsPerSecond: number
  readonly peakFlopsPerSecond: number
  readonly share: number
}

/** Published RTFx of one recording after another, and where it stands. */
export interface Expected {
  readonly rtfx: { readonly low: number; readonly high: number }
  readonly device: string
  readonly precision: string
  readonly source: string
  readonly date: string
}

export interface Cold {
  readonly loadMs: number | null
  readonly firstMs: number
}

export interface HeardAs {
  /** Place of its text in `texts`. */
  readonly text?: number
}

export interface TimedRun extends HeardAs {
  readonly wallMs: number
  readonly cpuMs: number | null
  readonly phases: readonly Phase[]
  /** The yardstick just before and just after, their mean. null = there was none. */
  readonly calibration: Calibration | null
  /** Modified z-score beyond 3.5. Marked, never dropped. */
  readonly outlier: boolean
}

export interface Text {
  /** Word error rate against the reference text; null = there is no reference for this recording, or a text is too long to compare. */
  readonly wer: number | null
  readonly empty: boolean
  readonly heard: string
}

/** Windows of the recording that were taken for speech, as a part of all. */
export interface Speech {
  /** The median of the runs. */
  readonly share: number
  readonly low: number
  readonly high: number
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
  | 'mostly-on-the-cpu'
  | 'odd-audio'
  | 'requests-queue'
  | 'requests-fail'
  | 'no-speech-found'
  | 'power-capped'
  | 'thermally-slowed'
  | 'gpu-busy'
  | 'hardly-uses-the-device'
  | 'slower-than-a-desktop-cpu'

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
  /** The same around the cold starts. */
  readonly coldLoad?: Load
  /** Of NVIDIA, where it is loaded. */
  readonly gpuDriver?: string
  /** Only where there is an nvidia-smi. */
  readonly gpus?: readonly GpuLoad[]
}

/** One GPU before and while we measured. `smClockMHz`, `powerW` and `reasons` are of the samples at work. null = not told. */
export interface GpuLoad {
  readonly index: number
  readonly name: string
  readonly samples: number
  readonly samplesAtWork: number
  readonly utilizationBefore: number | null
  /** `pid, name` of compute processes before anything of ours was started. */
  readonly othersBefore: readonly string[]
  readonly utilization: number | null
  readonly memoryMiB: number | null
  readonly smClockMHz: number | null
  readonly maxSmClockMHz: number | null
  readonly powerW: number | null
  readonly powerLimitW: number | null
  readonly defaultPowerLimitW: number | null
  readonly temperatureC: number | null
  /** The part of the samples at work in which each reason of nvmlClocksEventReasons was active. */
  readonly reasons: Readonly<Record<string, number>>
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
  /** How it came to that. */
  readonly series?: readonly LoadSample[]
}

/** Counters since the beginning, `atMs` after it; memory and pressure of that moment. */
export interface LoadSample {
  readonly atMs: number
  readonly targetCpuMs: number
  readonly othersCpuMs: number
  readonly throttledMs: number | null
  readonly memoryBytes: number | null
  readonly cpuPressure: number | null
}
