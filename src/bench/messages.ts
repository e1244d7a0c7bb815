import type { Agreement } from './agreement.ts'
import type { WorkloadName } from './names.ts'

/** A built-in network by its name, or the user's own by its folder or file, an absolute path. */
export type NetworkName = { readonly kind: 'workload'; readonly workload: WorkloadName } | { readonly kind: 'model'; readonly path: string }

/** What the benchmark and its child process tell each other, over Node's own channel. Data only. */
export interface Job {
  /** Where onnxruntime-node is imported from. */
  readonly runtime: string
  readonly network: NetworkName
  /** onnxruntime-node's own names, in order. */
  readonly providers: readonly string[]
  readonly threads: number | null
  /** null = the reference clip. */
  readonly audio: string | null
}

export interface Phase {
  readonly name: 'audio' | 'features' | 'encoder' | 'decoder' | 'detector'
  readonly wallMs: number
  /** CPU time of the whole process while the phase ran, all threads. */
  readonly cpuMs: number
}

export interface Run {
  readonly wallMs: number
  /** null = not known, as for a server elsewhere. */
  readonly cpuMs: number | null
  readonly phases: readonly Phase[]
  /** What was heard; null = this target makes no text. */
  readonly text: string | null
  /** Of a detector of speech: the part of the recording that it took for speech. */
  readonly speech?: number
}

export interface Calibration {
  readonly wallMs: number
  readonly cpuMs: number
}

/** The most arithmetic that this provider was seen to do: large matrix products and nothing else. */
export interface Peak {
  readonly flopsPerSecond: number
  /** Rows of the square matrices. */
  readonly size: number
}

export interface Loaded {
  /** How long ago the sessions were ready, by the child's own clock: no clock of two processes is compared with another. */
  readonly sinceReadyMs: number
  /** Spent on unpacking the clip and making the synthetic weights, which no real service does; 0 for a model of the user's. */
  readonly prepareMs: number
  readonly runtimeVersion: string
}

/** Where nodes of the graph ran. `timeMs` is null for devices, whose kernels are only launched by the time they return. */
export interface Placement {
  readonly provider: string
  readonly nodes: number
  readonly timeMs: number | null
}

export type Request =
  | { readonly kind: 'load'; readonly job: Job }
  | { readonly kind: 'run' }
  /** With nothing loaded, a kernel in JavaScript: the yardstick of targets that are not ours. */
  | { readonly kind: 'calibrate' }
  | { readonly kind: 'place'; readonly folder: string }
  /** The same network once more on the CPU, its output beside that of the provider. */
  | { readonly kind: 'compare' }
  | { readonly kind: 'peak'; readonly tier: 'cpu' | 'gpu' }

export type Answer =
  | { readonly kind: 'loaded'; readonly loaded: Loaded }
  | { readonly kind: 'ran'; readonly run: Run }
  | { readonly kind: 'calibrated'; readonly calibration: Calibration }
  | { readonly kind: 'placed'; readonly placement: readonly Placement[] }
  | { readonly kind: 'compared'; readonly agreement: Agreement }
  | { readonly kind: 'peaked'; readonly peak: Peak }
  /** `at` tells a refusal of the runtime from sound that cannot be read. */
  | { readonly kind: 'failed'; readonly at: 'runtime' | 'audio' | 'model' | 'session' | 'run'; readonly error: string }
