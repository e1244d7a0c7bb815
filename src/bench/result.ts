import { concurrencyOf, crowdDoubts } from './crowd.ts'
import { doubtsOf } from './doubts.ts'
import { expectedFor, slowDoubt } from './expected/match.ts'
import type { Decision } from './gate.ts'
import { together } from './gate.ts'
import type { Phase, Run } from './messages.ts'
import { encoderFlops } from './models/flops.ts'
import { SEED } from './models/weights.ts'
import type { WorkloadName } from './names.ts'
import type { Measured } from './protocol.ts'
import { medianInterval } from './stats/bootstrap.ts'
import { mad, median, modifiedZ, OUTLIER_Z, variation } from './stats/describe.ts'
import { wordErrorRate } from './stats/word-errors.ts'
import { contention } from './load.ts'
import { speechOf, textsOf } from './transcript.ts'
import type { Arithmetic, Machine, Provider, Result, Target, Text } from './types.ts'

/** What is known beside the measurements. */
export interface Setting {
  readonly version: string
  readonly target: Target
  readonly workload: string
  readonly audio: Result['audio']
  readonly audioWarnings: readonly string[]
  readonly silent: boolean
  readonly provider: Provider
  /** What is said in the recording; null = not known. */
  readonly reference: string | null
  readonly machine: Omit<Machine, 'load'>
}

export const rtfOf = (measured: Measured, seconds: number): readonly number[] => measured.runs.map(({ run }) => run.wallMs / 1000 / seconds)

export function resultOf(measured: Measured, setting: Setting, decisions: readonly Decision[]): Result {
  const { seconds } = setting.audio
  const samples = rtfOf(measured, seconds)
  const scores = modifiedZ(samples)
  const text = textOf(measured, setting.reference)
  const speech = speechOf(measured)
  const arithmetic = arithmeticOf(measured, setting)
  const expected = expectedFor(setting, measured.gpus ?? null)
  const concurrency = measured.crowds?.map((each) => concurrencyOf(each, seconds)) ?? null
  const texts = [...new Set(textsOf(measured))]
  const heard = (run: Run | undefined) => (run === undefined || run.text === null ? {} : { text: texts.indexOf(run.text) })
  const loads = measured.cold.map(({ loadMs }) => loadMs).filter((ms) => ms !== null)
  return {
    schemaVersion: 1,
    tool: { name: 'asr-doctor', version: setting.version },
    target: setting.target,
    workload: setting.workload,
    audio: setting.audio,
    provider: setting.provider,
    rtf: samples.length === 0 ? null : { median: median(samples), ...medianInterval(samples), mad: mad(samples), samples },
    rtfx: samples.length === 0 ? null : 1 / median(samples),
    loadMs: loads.length === 0 ? null : median(loads),
    firstMs: measured.cold.length === 0 ? null : median(measured.cold.map(({ firstMs }) => firstMs)),
    ...(samples.length < 2 ? {} : { noise: noiseOf(samples, contention(measured.load, setting.machine.logicalCores) !== null) }),
    cold: measured.cold.map((each, i) => ({ ...each, ...heard(measured.coldRuns[i]) })),
    warmUp: { runs: measured.warmUp.runs.length, steady: measured.warmUp.steady, samples: measured.warmUp.runs.map((run) => ({ wallMs: run.wallMs, cpuMs: run.cpuMs, ...heard(run) })) },
    phases: phasesOf(measured.runs.map(({ run }) => run)),
    runs: measured.runs.map(({ run, calibration }, i) => ({ wallMs: run.wallMs, cpuMs: run.cpuMs, phases: run.phases, calibration, outlier: Math.abs(scores[i]!) > OUTLIER_Z, ...heard(run) })),
    ...(texts.length === 0 ? {} : { texts }),
    ...(text === null ? {} : { text }),
    ...(speech === null ? {} : { speech }),
    ...(measured.agreement === null ? {} : { agreement: measured.agreement }),
    ...(arithmetic === null ? {} : { arithmetic }),
    ...(isBuiltIn(setting) ? { weightsSeed: SEED } : {}),
    ...(expected.length === 0 ? {} : { expected }),
    ...(concurrency === null ? {} : { concurrency }),
    doubts: [...doubtsOf(measured, { ...setting, arithmetic }), ...slowDoubt(setting, samples), ...crowdDoubts(concurrency ?? [], median(samples))],
    ...(decisions.length === 0 ? {} : { gate: { ...together(decisions), decisions } }),
    machine: { ...setting.machine, load: measured.load, ...(measured.coldLoad ? { coldLoad: measured.coldLoad } : {}), ...(measured.gpus ? { gpus: measured.gpus } : {}) },
    interrupted: measured.interrupted,
  }
}

/** The same steps as for people: hardly any scatter, some, and so much that single runs say little. */
function noiseOf(samples: readonly number[], contended: boolean): NonNullable<Result['noise']> {
  const scatter = variation(samples)
  return { variation: scatter, grade: contended || scatter > 0.15 ? 'C' : scatter > 0.05 ? 'B' : 'A' }
}

/** A model of the user's is known by what they typed. */
const isBuiltIn = ({ target, workload }: Setting): boolean => target.kind === 'embedded' || (target.kind === 'python' && target.name !== workload)

/** The encoder's speed beside the greatest that the provider was seen to reach. null = one of the two is not known. */
function arithmeticOf({ peak, runs }: Measured, { target, workload, audio }: Setting): Arithmetic | null {
  const encoderMs = median(runs.flatMap(({ run }) => run.phases.filter(({ name }) => name === 'encoder').map(({ wallMs }) => wallMs)))
  if (!peak || target.kind !== 'embedded' || !(encoderMs > 0)) return null
  const flops = encoderFlops(workload as WorkloadName, audio.seconds)
  const flopsPerSecond = flops / (encoderMs / 1000)
  return { encoderFlops: flops, flopsPerSecond, peakFlopsPerSecond: peak.flopsPerSecond, share: flopsPerSecond / peak.flopsPerSecond }
}

function phasesOf(runs: readonly Run[]): Result['phases'] {
  const names = [...new Set(runs.flatMap(({ phases }) => phases.map(({ name }) => name)))]
  const middle = (name: Phase['name'], key: 'wallMs' | 'cpuMs') => median(runs.flatMap(({ phases }) => phases.filter((phase) => phase.name === name).map((phase) => phase[key])))
  return Object.fromEntries(names.map((name) => [name, { wallMs: middle(name, 'wallMs'), cpuMs: middle(name, 'cpuMs') }]))
}

/** The worst text of all runs: one bad run in ten is a fault, whatever the other nine heard. */
export function textOf(measured: Measured, reference: string | null): Text | null {
  const texts = textsOf(measured)
  if (texts.length === 0) return null
  const rated = texts.map((heard) => ({ heard, wer: reference === null ? null : wordErrorRate(reference, heard), empty: heard.trim() === '' }))
  // One that could not be rated may be the worst.
  const unrated = reference === null ? undefined : rated.find(({ wer }) => wer === null)
  return unrated ?? rated.reduce((worst, each) => ((each.wer ?? Number(each.empty)) > (worst.wer ?? Number(worst.empty)) ? each : worst))
}
