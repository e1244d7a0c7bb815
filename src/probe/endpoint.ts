/** What came of asking a service's own endpoint for the text of known speech, and what its processes and the GPUs did meanwhile. */
import type { PmonLine } from './pmon.ts'

/**
 * `text`: it gave one, which may be empty. `foreign`: status 200 and no text. `moved`: a redirect, which is not followed. `refused`:
 * nothing listens. `closed`: it hung up. `late`: time was up. `failed`: anything else between here and there.
 */
export type RequestEnd = 'text' | 'foreign' | 'status' | 'moved' | 'refused' | 'closed' | 'late' | 'failed'

export interface EndpointRequest {
  /** From the first request. */
  readonly startMs: number
  readonly wallMs: number
  readonly end: RequestEnd
  readonly status: number | null
  /** The text; of other ends the first line of the body, where the redirect points, or the reason. */
  readonly said: string
}

export interface ServiceProcess {
  readonly pid: number
  readonly name: string
  /** Device nodes of GPUs and the like that it has open or mapped; null = not to be seen. */
  readonly devices: readonly string[] | null
}

/** CPU time of the service's processes in a stretch of time, and how long their threads stood ready while others ran. */
export interface CpuShare {
  readonly wallMs: number
  readonly cpuMs: number
  readonly waitMs: number
}

export interface EndpointGpu {
  readonly index: number
  readonly name: string
  readonly utilizationBefore: number | null
  readonly utilization: number | null
  readonly memoryMiB: number | null
  readonly smClockMHz: number | null
  readonly maxSmClockMHz: number | null
  /** The part of the samples at work in which each reason held the clocks down (src/bench/gpu-load.ts). */
  readonly reasons: Readonly<Record<string, number>>
}

export interface EndpointReading {
  readonly model: string
  readonly audioS: number
  /** What is said in the audio. */
  readonly words: string
  /** The address is one of this machine. */
  readonly here: boolean
  /** Processes that hold the listening socket; null = not to be seen. */
  readonly listeners: readonly { readonly pid: number; readonly name: string }[] | null
  readonly requests: readonly EndpointRequest[]
  /** Of the service; null = none was named, or it runs elsewhere. */
  readonly processes: readonly ServiceProcess[] | null
  readonly cpu: { readonly before: CpuShare; readonly first: CpuShare; readonly warm: CpuShare | null } | null
  /** nvidia-smi counts processes as they are counted here; in a pid namespace it does not. */
  readonly samePids: boolean
  /** null = there is no nvidia-smi. */
  readonly pmon: readonly PmonLine[] | null
  readonly gpus: readonly EndpointGpu[] | null
}

/** Enough of the shape to be judged; a case may have been written by hand. null = that is none. */
export function endpointOf(value: unknown): EndpointReading | null {
  const of = value as Partial<EndpointReading> | null
  return typeof of === 'object' && of !== null && typeof of.audioS === 'number' && typeof of.words === 'string' && Array.isArray(of.requests) && of.requests.length > 0 ? (of as EndpointReading) : null
}
