import { percent } from './gate.ts'
import { median } from './stats/describe.ts'
import type { Doubt, GpuLoad, Provider } from './types.ts'

/** One GPU at one moment. null = the card or the driver does not tell. */
export interface GpuRow {
  readonly at: number
  readonly index: number
  readonly name: string
  /** Percent of the last sampling period in which at least one kernel ran. */
  readonly utilization: number | null
  readonly memoryMiB: number | null
  readonly smClock: number | null
  readonly maxSmClock: number | null
  readonly power: number | null
  readonly powerLimit: number | null
  readonly defaultPowerLimit: number | null
  readonly temperature: number | null
  /** Bits of nvmlClocksEventReasons (nvml.h). */
  readonly reasons: number | null
}

/** nvml.h, group nvmlClocksEventReasons: what each bit says, by the names that nvidia-smi itself uses. */
export const REASONS = { gpu_idle: 0x1, applications_clocks_setting: 0x2, sw_power_cap: 0x4, hw_slowdown: 0x8, sync_boost: 0x10, sw_thermal_slowdown: 0x20, hw_thermal_slowdown: 0x40, hw_power_brake_slowdown: 0x80, display_clocks_setting: 0x100 } as const

/** From here on a GPU is at work. */
const BUSY_PERCENT = 10

/** What each GPU did before and while we measured. Of the clocks and reasons only samples at work count. Pure. */
export function summaryOf(rows: readonly GpuRow[], beganAt: number, others: readonly string[]): readonly GpuLoad[] {
  return [...new Set(rows.map(({ index }) => index))].sort((a, b) => a - b).map((index) => {
    const own = rows.filter((row) => row.index === index)
    const before = own.filter(({ at }) => at < beganAt)
    const during = own.filter(({ at }) => at >= beganAt)
    const working = during.filter(({ utilization }) => utilization === null || utilization >= BUSY_PERCENT)
    const last = own.at(-1)!
    const judged = working.filter(({ reasons }) => reasons !== null)
    const reasons = Object.fromEntries(
      Object.entries(REASONS).flatMap(([name, bit]) => {
        const part = judged.filter((row) => (row.reasons! & bit) !== 0).length / judged.length
        return part > 0 ? [[name, part]] : []
      }),
    )
    return {
      index,
      name: last.name,
      samples: during.length,
      samplesAtWork: working.length,
      utilizationBefore: middle(before.map(({ utilization }) => utilization)),
      othersBefore: others,
      utilization: middle(during.map(({ utilization }) => utilization)),
      memoryMiB: most(during.map(({ memoryMiB }) => memoryMiB)),
      smClockMHz: middle(working.map(({ smClock }) => smClock)),
      maxSmClockMHz: last.maxSmClock,
      powerW: middle(working.map(({ power }) => power)),
      powerLimitW: last.powerLimit,
      defaultPowerLimitW: last.defaultPowerLimit,
      temperatureC: most(during.map(({ temperature }) => temperature)),
      reasons,
    }
  })
}

const told = (values: readonly (number | null)[]): number[] => values.filter((value): value is number => value !== null)
const middle = (values: readonly (number | null)[]): number | null => (told(values).length === 0 ? null : median(told(values)))
const most = (values: readonly (number | null)[]): number | null => (told(values).length === 0 ? null : Math.max(...told(values)))

/** Fewer samples at work say nothing: a change of clocks itself shows as a slowdown for a moment (nvml.h, HwSlowdown). */
const FEWEST_SAMPLES = 5
const OFTEN = 0.5
/** The bit alone is no proof: a card that idles at a tenth of its limit was seen to show it too (fixtures/nvidia-smi/3090-v13.xml). */
const NEAR_LIMIT = 0.9
const SOMETIMES = 0.1

/**
 * What held the GPU down. At full load a card runs at its power limit: `SwPowerCap` says that clocks were chosen so as not to go
 * beyond the limit that is set (nvml.h), which is how it is meant to run. It is a doubt only where that limit was lowered, or where
 * it takes more than half of the clock.
 */
export function gpuDoubts(gpus: readonly GpuLoad[] | null, provider: Provider): readonly Doubt[] {
  const ours = gpuAtWork(gpus, provider)
  if (ours === null) return []
  const doubts: Doubt[] = []
  const gpu = nameOf(ours)
  const part = (name: keyof typeof REASONS) => ours.reasons[name] ?? 0
  const others = gpuContention(gpus, provider)
  if (others !== null) doubts.push({ kind: 'gpu-busy', because: others, how: 'nvidia-smi shows who uses it now.' })
  if (ours.samplesAtWork < FEWEST_SAMPLES) return doubts
  const thermal = Math.max(part('sw_thermal_slowdown'), part('hw_thermal_slowdown'))
  if (thermal >= SOMETIMES) {
    doubts.push({ kind: 'thermally-slowed', because: `${gpu} lowered its clocks because of its temperature in ${percent(thermal)} of the samples at work${ours.temperatureC === null ? '' : `, at up to ${ours.temperatureC} °C`}${clockWords(ours)}.`, how: null })
  }
  const { powerW, powerLimitW, defaultPowerLimitW, smClockMHz, maxSmClockMHz } = ours
  const capped = powerW !== null && powerLimitW !== null && powerW >= NEAR_LIMIT * powerLimitW ? part('sw_power_cap') : 0
  const lowered = powerLimitW !== null && defaultPowerLimitW !== null && powerLimitW < 0.95 * defaultPowerLimitW
  const halved = smClockMHz !== null && maxSmClockMHz !== null && smClockMHz < 0.5 * maxSmClockMHz
  if (part('hw_power_brake_slowdown') >= SOMETIMES) {
    doubts.push({ kind: 'power-capped', because: `An external power brake, such as the power supply's, slowed ${gpu} to half of its clock or less in ${percent(part('hw_power_brake_slowdown'))} of the samples at work.`, how: null })
  } else if (capped >= OFTEN && lowered) {
    doubts.push({ kind: 'power-capped', because: `${gpu} was held at its power limit in ${percent(capped)} of the samples at work, and that limit is set to ${powerLimitW} W, below the ${defaultPowerLimitW} W that the card comes with${clockWords(ours)}.`, how: `nvidia-smi -i ${ours.index} -pl ${defaultPowerLimitW!.toFixed(0)} as root sets it back.` })
  } else if (capped >= OFTEN && halved) {
    doubts.push({ kind: 'power-capped', because: `${gpu} was held at its power limit in ${percent(capped)} of the samples at work${clockWords(ours)}.`, how: null })
  }
  return doubts
}

/** The GPU that the work was on, as far as can be told: the busiest. null = there is none, or it was not. */
export function gpuAtWork(gpus: readonly GpuLoad[] | null, { tier }: Pick<Provider, 'tier'>): GpuLoad | null {
  const [busiest] = [...(gpus ?? [])].sort((a, b) => (b.utilization ?? 0) - (a.utilization ?? 0))
  if (busiest === undefined || tier === 'cpu' || (tier === null && (busiest.utilization ?? 0) < BUSY_PERCENT)) return null
  return busiest
}

/** Who else wanted that GPU, in a whole sentence; null = nobody that was seen. Once we are at work ourselves it can no longer be told. */
export function gpuContention(gpus: readonly GpuLoad[] | null, provider: Pick<Provider, 'tier'>): string | null {
  const ours = gpuAtWork(gpus, provider)
  if (ours === null || (ours.utilizationBefore ?? 0) < BUSY_PERCENT) return null
  const by = ours.othersBefore.length === 0 ? '' : `, with ${ours.othersBefore.map((line) => line.replace(', ', ' ')).join('; ')} on it`
  return `${nameOf(ours)} was at work already before anything was started here: ${ours.utilizationBefore!.toFixed(0)} % of the time${by}.`
}

const nameOf = ({ index, name }: GpuLoad): string => `GPU ${index} (${name})`

const clockWords = ({ smClockMHz, maxSmClockMHz }: GpuLoad): string => (smClockMHz === null || maxSmClockMHz === null ? '' : `; its clock was ${smClockMHz.toFixed(0)} of ${maxSmClockMHz.toFixed(0)} MHz`)
