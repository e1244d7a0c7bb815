import { basename } from 'node:path'
import { precisionOf, type Precision } from '../conditions/twin.ts'
import { FEWEST_RUNS, figure } from '../gate.ts'
import type { Doubt, Expected, GpuLoad, Provider, Target } from '../types.ts'
import { DEVICES, PUBLISHED, SOURCES, type Published } from './table.ts'

/** What is known of the measurement that the figures are held against. */
interface Known {
  readonly target: Target
  readonly workload: string
  readonly provider: Provider
  readonly machine: { readonly cpu: string }
}

/** Like for like only: the same model, runtime, provider, precision and device; one recording at a time, as here. Pure. */
export function expectedFor({ target, workload, provider, machine }: Known, gpus: readonly GpuLoad[] | null): readonly Expected[] {
  const device = provider.tier === 'gpu' ? busiest(gpus)?.name : machine.cpu
  if (device === undefined) return []
  return ofModel(target, workload)
    .filter((row) => row.provider === provider.used && row.precision === precisionOfTarget(target, workload) && DEVICES[row.device].name.test(device))
    .map((row) => ({ rtfx: { low: Math.min(...row.rtfx), high: Math.max(...row.rtfx) }, device: row.device, precision: row.precision, source: SOURCES[row.source].words, date: SOURCES[row.source].date }))
}

/** Certain without knowing the card: a GPU run that is slower than what a desktop CPU was published to reach with the same model and runtime. */
export function slowDoubt({ target, workload, provider }: Known, rtf: readonly number[]): readonly Doubt[] {
  if (provider.tier !== 'gpu' || rtf.length < FEWEST_RUNS) return []
  const onDesktop = ofModel(target, workload).filter((row) => row.provider === 'cpu' && DEVICES[row.device].desktop)
  // The slowest published figure of all precisions, against the fastest run here: then there is no doubt.
  const [slowest] = [...onDesktop].sort((a, b) => Math.min(...a.rtfx) - Math.min(...b.rtfx))
  if (slowest === undefined) return []
  const [published, best] = [Math.min(...slowest.rtfx), 1 / Math.min(...rtf)]
  if (best >= published) return []
  return [{ kind: 'slower-than-a-desktop-cpu', because: `Even its fastest run on ${provider.used} (RTFx ${figure(best)}) is slower than a desktop CPU: RTFx ${figure(published)} was published for this model and runtime on a ${slowest.device} (${SOURCES[slowest.source].words}, ${SOURCES[slowest.source].date}).`, how: null }]
}

function ofModel(target: Target, workload: string): readonly Published[] {
  if (target.kind !== 'model' && target.kind !== 'python') return []
  // A file is called like a part; the folder around it carries the name.
  const names = [basename(workload), ...workload.split('/').slice(-3)]
  return PUBLISHED.filter((row) => target.runtime !== null && row.runtime.test(target.runtime) && names.some((name) => row.model.test(name)))
}

function precisionOfTarget(target: Target, workload: string): Precision {
  const told = target.precision ?? ''
  if (/int8/.test(told)) return 'int8'
  if (/float16|fp16/.test(told)) return 'fp16'
  if (told !== '') return 'fp32'
  const named = [...(target.files ?? []), basename(workload)].map(precisionOf)
  return named.find((precision) => precision !== 'fp32') ?? 'fp32'
}

const busiest = (gpus: readonly GpuLoad[] | null): GpuLoad | undefined => [...(gpus ?? [])].sort((a, b) => (b.utilization ?? 0) - (a.utilization ?? 0))[0]
