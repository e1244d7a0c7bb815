/** The sums of an ONNX Runtime profile. */

export interface ProviderSum {
  readonly provider: string
  /** Different nodes of the graph, not their runs. */
  readonly nodes: number
  readonly runs: number
  /** Time on the host. For the CPU that is the work; for CUDA it is launching, for the GPU works on by itself. */
  readonly hostUs: number
}

export interface CpuOp {
  readonly op: string
  readonly nodes: number
  readonly runs: number
  readonly hostUs: number
  /** The most bytes that one run of it took in or gave, without its weights; absent = the profile does not say. */
  readonly mostBytes?: number
}

export interface ShapeRuns {
  /** The first input shape seen in each `model_run`, as the profile writes it. */
  readonly shape: string
  readonly runs: number
  readonly firstUs: number
  /** Median of the later runs; null = there is only one. */
  readonly laterUs: number | null
}

export interface ProfileReading {
  readonly source: string
  readonly sizeBytes: number
  readonly events: number
  /** The array is not closed: the process ended while it was written, or has not ended yet. */
  readonly truncated: boolean
  readonly providers: readonly ProviderSum[]
  /** Copies between CPU and GPU: nodes, and how often they ran. */
  readonly memcpy: { readonly nodes: number; readonly runs: number }
  /** Operators on the CPU by the time they took, most first, without copies; at most 20. */
  readonly cpuOps: readonly CpuOp[]
  readonly runs: number
  readonly shapes: readonly ShapeRuns[]
  readonly loadUs: number | null
  /** GPU kernels were timed themselves (builds with CUPTI only). */
  readonly kernelUs: number | null
}
