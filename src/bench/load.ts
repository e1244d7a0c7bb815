import { THROTTLED } from './gate.ts'
import type { Load } from './types.ts'

/** From here on other processes count: a quarter of a CPU, kept busy throughout. */
const BUSY_OTHERS = 0.25
const WAITED = 0.05
const STOLEN = 0.02

/** Who else wanted the CPU while we measured, in words; null = nobody to speak of. Pure: judged from what was counted. */
export function contention(load: Load | null, logicalCores: number): string | null {
  if (load === null || load.spanMs <= 0) return null
  const { spanMs, targetCpuMs, othersCpuMs, waitedMs, stealMs, throttle } = load
  if (stealMs !== null && stealMs / (spanMs * logicalCores) > STOLEN) return `the hypervisor gave ${share(stealMs, spanMs * logicalCores)} of the CPU time to other machines.`
  if (othersCpuMs === null || targetCpuMs === null || othersCpuMs / spanMs < BUSY_OTHERS) return null
  const others = `other processes kept ${(othersCpuMs / spanMs).toFixed(1)} CPUs busy`
  // Threads stopped by their own quota wait too. Where that is rare its time is taken off; else only the want of idle CPUs tells.
  if (waitedMs !== null && (throttledShare(load) ?? 0) < THROTTLED) {
    const forOthersMs = waitedMs - (throttle?.throttledMs ?? 0)
    return forOthersMs / Math.max(1, targetCpuMs) > WAITED ? `${others} and the target's threads waited ${share(forOthersMs, targetCpuMs)} of their running time for one.` : null
  }
  const idleMs = spanMs * logicalCores - targetCpuMs - othersCpuMs
  return idleMs / spanMs < 0.1 * logicalCores ? `${others} and none was left idle.` : null
}

/** The part of the scheduler's periods in which the quota stopped the target; null = there is no quota or no counter. */
export const throttledShare = (load: Load | null): number | null => (load?.throttle && load.throttle.periods > 0 ? load.throttle.throttled / load.throttle.periods : null)

const share = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(0)} %`
