import cpuQuotaLow from './cpu-quota-low.ts'
import cpuThrottled from './cpu-throttled.ts'
import cpusetNarrow from './cpuset-narrow.ts'
import limitNotEnforced from './limit-not-enforced.ts'
import memoryLimitReached from './memory-limit-reached.ts'

/** In the order of the report. */
export const cgroupChecks = [cpuThrottled, cpuQuotaLow, cpusetNarrow, memoryLimitReached, limitNotEnforced] as const
