/** Everything that speaks for or against work on the GPU, gathered and not yet weighed. */
import { forecastOf, quantisationOf, type Forecast, type Quantisation } from '../onnx/forecast.ts'
import { releaseOf } from '../onnx/kernels.ts'
import { SIGNATURES } from '../log/signatures.ts'
import { episodesOf, printedRtf, SAMPLE_RATE } from '../log/timeline.ts'
import type { Hit, LogReading, Signature } from '../log/types.ts'
import type { OnnxModel } from '../onnx/types.ts'
import type { EndpointAnswers } from '../probe/endpoint-answers.ts'
import type { EndpointVerdict } from '../probe/endpoint-judge.ts'
import type { ProbeVerdict } from '../probe/judge.ts'
import type { ProfileReading } from '../profile/types.ts'
import type { Evidence, Outcome } from '../types.ts'

export interface ReadLog {
  readonly asked: string
  readonly name: string
  readonly reading: LogReading
}

export interface ReadModel {
  readonly asked: string
  readonly path: string
  /** It is loaded, as far as anything shows that; else it lies in a folder that is named, or beside its twin. */
  readonly certain: boolean
  /** Somebody asks about it with --model. */
  readonly given?: boolean
  readonly model: OnnxModel
}

export interface ReadProfile {
  readonly asked: string
  readonly path: string
  readonly reading: ProfileReading
}

export interface ReadProbe {
  readonly asked: string
  readonly place: 'running' | 'configured' | 'caller'
  readonly verdicts: readonly ProbeVerdict[]
  /** Why the GPUs were not watched; null = they were. */
  readonly noNvml?: string | null
}

export interface Signs {
  readonly logs: readonly ReadLog[]
  readonly models: readonly ReadModel[]
  readonly profiles: readonly ReadProfile[]
  /** A speech engine is seen in the target, or it asks for the GPU: what cannot be seen of it is missed. */
  readonly concerns: boolean
  /** ONNX Runtime, by itself or inside sherpa-onnx, is part of the target. */
  readonly usesOnnx: boolean
  /** The version of ONNX Runtime, where it is known. */
  readonly onnxRuntime: string | null
  readonly asks: { readonly asks: 'gpu' | 'cpu' | null; readonly evidence: readonly Evidence[] } | null
  /** A driver's device node is on the machine; null = not to be told. */
  readonly gpuPresent: boolean | null
  /** Libraries of the running process that matter here. */
  readonly provider: { readonly state: 'loaded' | 'tried'; readonly evidence: Evidence } | null
  /** cuBLAS in the memory of a process, without anything that would bring it for itself (torch, a provider): CTranslate2 opens it at its first product on the GPU. */
  readonly cublas?: Evidence | null
  /** No memory limit above the process was ever run into, by the kernel's own count; null = one was, or it is not to be told. */
  readonly limitNeverHit?: Evidence | null
  readonly unit: { readonly name: string; readonly scope: 'system' | 'user'; readonly source: string; readonly properties: Readonly<Record<string, string>> } | null
  /** Files of the engines it runs, as far as they are seen. */
  readonly engineFiles?: readonly string[]
  /** What the engines did when they were tried in its place; absent = they were not. */
  readonly probe?: ReadProbe
  /** What its endpoint answered, and who worked for it; absent = it was not asked. */
  readonly endpoint?: { readonly asked: string; readonly answers: EndpointAnswers; readonly verdict: EndpointVerdict }
  readonly outcomes: ReadonlyMap<string, Outcome>
}

const BY_ID: ReadonlyMap<string, Signature> = new Map(SIGNATURES.map((each) => [each.id, each]))
export const signatureOf = (id: string): Signature | undefined => BY_ID.get(id)

export interface Seen {
  readonly signature: Signature
  readonly hit: Hit
  readonly evidence: Evidence
  readonly log: ReadLog
}

/** Lines in the order of their logs. */
export const seenIn = (signs: Pick<Signs, 'logs'>, wanted: (signature: Signature) => boolean): readonly Seen[] =>
  signs.logs.flatMap((log) =>
    log.reading.hits.flatMap((hit) => {
      const signature = BY_ID.get(hit.id)
      return signature !== undefined && wanted(signature) ? [{ signature, hit, log, evidence: { source: `${log.asked}:${hit.line}`, saw: shortened(hit, signature) } }] : []
    }),
  )

/** Words or variables ask for the GPU by name. A list of visible devices is set for whole machines and containers, and a library in memory may serve another engine. */
export const asksByName = ({ asks }: Pick<Signs, 'asks'>): boolean => asks?.asks === 'gpu' && asks.evidence.some(({ saw }) => !/^(?:CUDA|NVIDIA)_VISIBLE_DEVICES=|^\//.test(saw))

/** Whether a model is meant for CUDA: someone asks about it, or the target asks for the GPU, or has it at work; never where the CPU is asked for. */
export const meantForCuda = (signs: Pick<Signs, 'asks' | 'provider' | 'logs'>, { given }: { readonly given?: boolean }): boolean =>
  signs.asks?.asks !== 'cpu' && (given === true || asksByName(signs) || signs.provider !== null || seenIn(signs, ({ shows, tier }) => shows === 'gpu' && tier !== null && tier >= 'T2').length > 0)

const SHOWN_BEFORE = 40
const SHOWN = 200

/** A long line around what was looked for in it. */
export function shortened({ text }: Pick<Hit, 'text'>, { literals }: Signature): string {
  if (text.length <= SHOWN) return text
  const at = Math.max(0, ...literals.map((literal) => text.indexOf(literal)))
  const from = Math.max(0, Math.min(at - SHOWN_BEFORE, text.length - SHOWN))
  return `${from > 0 ? '…' : ''}${text.slice(from, from + SHOWN).trim()}${from + SHOWN < text.length ? '…' : ''}`
}

export const evidenceOf = (seen: readonly Seen[], most = 3): readonly Evidence[] => seen.slice(0, most).map(({ evidence }) => evidence)

export interface Speed {
  readonly rtf: number
  readonly encoderShare: number | null
  readonly encoderMs: number | null
  readonly audioS: number | null
  readonly totalMs: number | null
  /** Whether others are in the log whose times were not kept. */
  readonly partly: boolean
  readonly evidence: readonly Evidence[]
}

/** Lines with which a transcription ends. */
const ENDS = ['tokens-out', 'zero-tokens', 'sherpa-rtf']

/** The slowest transcription whose audio and time both stand in a log. */
export function slowest(signs: Pick<Signs, 'logs'>): Speed | null {
  const speeds = signs.logs.flatMap(({ asked, reading }): Omit<Speed, 'partly'>[] => [
    ...episodesOf(reading).flatMap(({ samples, totalMs, encoderMs, lines }) => {
      if (samples === null || totalMs === null || samples === 0) return []
      const audioS = samples / SAMPLE_RATE
      const text = (line: number) => reading.hits.find((hit) => hit.line === line)?.text ?? ''
      return [{ rtf: totalMs / 1000 / audioS, audioS, totalMs, encoderMs, encoderShare: encoderMs === null || totalMs === 0 ? null : encoderMs / totalMs, evidence: lines.map((line) => ({ source: `${asked}:${line}`, saw: text(line) })) }]
    }),
    ...printedRtf(reading).map(({ rtf, line }) => ({ rtf, audioS: null, totalMs: null, encoderMs: null, encoderShare: null, evidence: [{ source: `${asked}:${line}`, saw: reading.hits.find((hit) => hit.line === line)?.text ?? '' }] })),
  ])
  const partly = signs.logs.some(({ reading }) => ENDS.some((id) => (reading.counts[id] ?? 0) > reading.hits.filter((hit) => hit.id === id).length))
  const [most] = [...speeds].sort((a, b) => b.rtf - a.rtf)
  return most === undefined ? null : { ...most, partly }
}

export interface Placed extends ReadModel {
  readonly forecast: Forecast
  readonly quantisation: Quantisation
  /** The release of the table is the one in use. */
  readonly exact: boolean
}

/** What the release in use makes of a model, by the table of its kernels. */
export function foretold(model: OnnxModel, onnxRuntime: string | null): Pick<Placed, 'forecast' | 'quantisation' | 'exact'> {
  const { release, exact } = releaseOf(onnxRuntime)
  return { forecast: forecastOf(model, release), quantisation: quantisationOf(model), exact }
}

export const placed = ({ models, onnxRuntime }: Pick<Signs, 'models' | 'onnxRuntime'>): readonly Placed[] => models.map((each) => ({ ...each, ...foretold(each.model, onnxRuntime) }))

/** `ConvInteger ×12, MatMulInteger ×96`: by operator, whatever the types. */
export function opsInWords(of: Forecast, most = 4): string {
  const sums = new Map<string, number>()
  for (const { op, count } of of.onCpu) sums.set(op, (sums.get(op) ?? 0) + count)
  const sorted = [...sums].sort((a, b) => b[1] - a[1])
  return [...sorted.slice(0, most).map(([op, count]) => `${op} ×${count}`), ...(sorted.length > most ? [`${sorted.length - most} more kinds`] : [])].join(', ')
}
