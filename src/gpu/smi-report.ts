/**
 * What `nvidia-smi -q -x` reports, across the generations of its format (device DTD v10 to v13 and before). null = the report does
 * not say: `N/A`, `[N/A]`, `Unknown Error`, `[Not Supported]`, or no such field in that generation.
 */
export interface SmiReport {
  readonly driverVersion: string | null
  /** The newest CUDA that the driver runs; no toolkit need be installed. */
  readonly cudaVersion: string | null
  /** How many there are on the bus, of which `gpus` may show fewer. */
  readonly attachedGpus: number | null
  readonly gpus: readonly SmiGpu[]
}

export interface SmiGpu {
  readonly bus: string | null
  readonly name: string | null
  readonly uuid: string | null
  readonly memoryTotalMiB: number | null
  readonly memoryUsedMiB: number | null
  readonly mig: boolean | null
  readonly computeMode: string | null
  readonly performanceState: string | null
  readonly powerDrawWatts: number | null
  /** Reasons why the clocks are held down now, by the names that newer drivers use: `sw_power_cap`, `hw_thermal_slowdown`. */
  readonly clockReasons: readonly string[]
  readonly processes: readonly { readonly pid: number; readonly name: string | null; readonly memoryMiB: number | null }[]
}

export function smiReportOf(data: unknown): SmiReport | null {
  const log = part(data, 'nvidia_smi_log')
  if (!isObject(log)) return null
  return {
    driverVersion: said(log, 'driver_version'),
    cudaVersion: said(log, 'cuda_version'),
    attachedGpus: number(said(log, 'attached_gpus')),
    gpus: list(log['gpu']).filter(isObject).map(gpuOf),
  }
}

type Obj = Readonly<Record<string, unknown>>

function gpuOf(gpu: Obj): SmiGpu {
  const memory = part(gpu, 'fb_memory_usage')
  const power = part(gpu, 'gpu_power_readings') ?? part(gpu, 'power_readings')
  return {
    bus: text(part(part(gpu, '$'), 'id')),
    name: said(gpu, 'product_name'),
    uuid: said(gpu, 'uuid'),
    memoryTotalMiB: number(said(memory, 'total')),
    memoryUsedMiB: number(said(memory, 'used')),
    mig: ({ Enabled: true, Disabled: false } as const)[said(part(gpu, 'mig_mode'), 'current_mig') ?? ''] ?? null,
    computeMode: said(gpu, 'compute_mode'),
    performanceState: said(gpu, 'performance_state'),
    // 535 moved the readings, 565 and later split them into an average and a momentary one.
    powerDrawWatts: number(said(power, 'power_draw') ?? said(power, 'instant_power_draw') ?? said(power, 'average_power_draw')),
    clockReasons: reasonsOf(part(gpu, 'clocks_event_reasons') ?? part(gpu, 'clocks_throttle_reasons')),
    processes: list(part(part(gpu, 'processes'), 'process_info')).filter(isObject).flatMap((process) => {
      const pid = number(said(process, 'pid'))
      return pid === null ? [] : [{ pid, name: said(process, 'process_name'), memoryMiB: number(said(process, 'used_memory')) }]
    }),
  }
}

function reasonsOf(reasons: unknown): readonly string[] {
  if (!isObject(reasons)) return []
  return Object.entries(reasons).flatMap(([name, value]) => {
    const reason = /^clocks_(?:event|throttle)_reason_(.+)$/.exec(name)?.[1]
    return reason !== undefined && value === 'Active' ? [reason] : []
  })
}

const isObject = (value: unknown): value is Obj => typeof value === 'object' && value !== null && !Array.isArray(value)
const part = (of: unknown, name: string): unknown => (isObject(of) ? of[name] : undefined)
/** One GPU is an object, several are a list. */
const list = (value: unknown): readonly unknown[] => (value === undefined || value === '' ? [] : Array.isArray(value) ? value : [value])
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

const NOTHING = /^\[?(N\/A|Unknown Error|Not Supported|Insufficient Permissions|GPU requires reset|Not Found|Requested functionality has been deprecated)\]?$/i

function said(of: unknown, name: string): string | null {
  const value = text(part(of, name))
  return value === null || NOTHING.test(value) ? null : value
}

/** `1322 MiB`, `25.31 W`. */
const number = (value: string | null): number | null => {
  const digits = /^-?\d+(?:\.\d+)?/.exec(value ?? '')?.[0]
  return digits === undefined ? null : Number(digits)
}
