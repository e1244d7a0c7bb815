import { DoesNotApply, known } from '../cannot-see.ts'
import { secondsOf, limitBytesOf } from '../cgroup/values.ts'
import { lastOf } from '../systemd/unit-file.ts'
import type { Evidence, Fact, Scope } from '../types.ts'
import { unitState } from './unit-state.ts'
import { lineSource, unitFiles } from './unit-files.ts'

/** A limit as the service manager shows it, and the line that asks for it where there is one. */
export interface ConfiguredLimit {
  readonly key: 'CPUQuota' | 'MemoryMax' | 'MemoryHigh'
  /** CPUs or bytes. */
  readonly value: number
  /** As the unit file has it, or else as the manager shows it. */
  readonly text: string
  readonly evidence: readonly [Evidence, ...Evidence[]]
}

export interface UnitLimits {
  readonly name: string
  readonly scope: Scope
  readonly active: boolean
  /** The cgroup that the manager keeps the unit in; null = none now. */
  readonly controlGroup: string | null
  readonly cpuQuota: ConfiguredLimit | null
  readonly memoryMax: ConfiguredLimit | null
  readonly memoryHigh: ConfiguredLimit | null
}

/** null = the target is no unit, or its manager does not answer (a container sees the unit's name and no manager). */
export const unitLimits: Fact<UnitLimits | null> = {
  id: 'unit-limits',
  about: "the limits the unit asks for",
  gather: async (_host, use) => {
    const state = await known(use(unitState))
    if (!state.known || state.value === null) return null
    const { name, scope, properties, source, mainPid } = state.value
    const files = await known(use(unitFiles)).catch((error: unknown) => {
      if (error instanceof DoesNotApply) return null
      throw error
    })
    const lines = files?.known ? files.value.assignments : []
    const limit = (key: ConfiguredLimit['key'], property: string, valueOf: (text: string) => number | null): ConfiguredLimit | null => {
      const shown = properties[property] ?? ''
      const value = valueOf(shown)
      if (value === null) return null
      const line = lastOf(lines, 'Service', key)
      const manager: Evidence = { source, saw: `${property}=${shown}` }
      return { key, value, text: line === null ? `${property}=${shown}` : `${key}=${line.value}`, evidence: line === null ? [manager] : [{ source: lineSource(line), saw: line.raw }, manager] }
    }
    return {
      name, scope,
      active: mainPid !== 0,
      controlGroup: properties['ControlGroup'] || null,
      cpuQuota: limit('CPUQuota', 'CPUQuotaPerSecUSec', secondsOf),
      memoryMax: limit('MemoryMax', 'MemoryMax', limitBytesOf),
      memoryHigh: limit('MemoryHigh', 'MemoryHigh', limitBytesOf),
    }
  },
}

/** Whether this level of the tree is the unit's own, so that a drop-in for the unit changes it. */
export const isOwnLevel = (unit: UnitLimits | null, path: string): unit is UnitLimits => unit !== null && path.split('/').at(-1) === unit.name
