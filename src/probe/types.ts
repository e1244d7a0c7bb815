/** What a live probe brought to light: the engines of a service, tried once more in its place. */

export type ProbedEngine = 'onnxruntime' | 'ctranslate2' | 'torch' | 'sherpa-onnx' | 'whisper.cpp'

/** A GPU as NVML shows it while one engine was tried. Percentages are of NVML's last sampling period, MHz of the SM clock. */
export interface WatchedGpu {
  readonly name: string
  /** The probe's process stood among those that compute on it. */
  readonly seen: boolean
  /** Most SM time of the probe's own process, in per cent; null = NVML told nothing of it. */
  readonly ownSm: number | null
  readonly ownMemoryBytes: number | null
  /** Most of all processes together. */
  readonly allSm: number | null
  readonly smClockMhz: readonly [least: number, most: number] | null
  /** Bits of nvmlClocksEventReasons that were set at any moment (nvml.h). */
  readonly throttle: number
  readonly samples: number
}

/** One session of ONNX Runtime. */
export interface TriedSession {
  /** The service's own model file; null = the small built-in network. */
  readonly model: string | null
  readonly wanted: readonly string[]
  /** `session.get_providers()` after it was created; null = it was not. */
  readonly got: readonly string[] | null
  readonly error: string | null
  /** Nodes by provider, from its verbose log; empty = the log tells nothing. */
  readonly placed: readonly { readonly provider: string; readonly nodes: number }[]
  readonly cpuOps: readonly { readonly op: string; readonly nodes: number }[]
  readonly copies: number
  /** How often it was run; null = not at all. */
  readonly runs: number | null
  readonly runError: string | null
  /** The built-in network gave the numbers that it must; null = not to be told. */
  readonly right: boolean | null
  /** The GPUs while this one was run, and nothing before it; absent = they were not watched by themselves. */
  readonly gpus?: readonly WatchedGpu[]
}

export interface TriedModel {
  readonly model: string
  readonly device: string | null
  readonly computeType: string | null
  readonly error: string | null
  readonly runs: number | null
  readonly gpus?: readonly WatchedGpu[]
}

export interface EngineProbe {
  readonly engine: ProbedEngine
  readonly version: string | null
  /** `answered`, `late` or the signal that ended it. */
  readonly end: string
  /** What it was doing last. */
  readonly step: string
  readonly error: string | null
  /** What it printed, without lines of mere information; at most 40 lines. */
  readonly said: readonly string[]
  /** From its start to its end, whatever it did meanwhile. */
  readonly gpus: readonly WatchedGpu[]
  /** onnxruntime: `get_available_providers()`, which says what was compiled in. */
  readonly available?: readonly string[]
  readonly sessions?: readonly TriedSession[]
  /** ctranslate2, torch: how many devices it can use; null = it failed to say. */
  readonly devices?: number | null
  /** ctranslate2: compute types on CUDA. */
  readonly cudaTypes?: readonly string[]
  readonly models?: readonly TriedModel[]
  /** torch: the CUDA it was built for; null = none. */
  readonly builtFor?: string | null
  readonly archs?: readonly string[]
  readonly capabilities?: readonly string[]
  /** torch, ctranslate2: a small piece of work on the device: `right`, `wrong`, or why it failed; null = not tried. */
  readonly work?: string | null
  /** whisper.cpp: whisper_print_system_info(). */
  readonly systemInfo?: string
}

export interface ProbeReading {
  readonly python: string
  /** The GPU was left alone, and why; null = it was not. */
  readonly spared: string | null
  /** Why NVML was not asked; null = it was. */
  readonly noNvml: string | null
  readonly driver: string | null
  readonly engines: readonly EngineProbe[]
}
