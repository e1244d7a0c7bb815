import { sideOf } from '../onnx/providers.ts'
import type { Signature } from '../log/types.ts'
import type { GpuVerdict } from '../types.ts'
import { engineOf, readingOf } from './readings.ts'
import { seenIn, type ReadLog, type Seen, type Signs } from './signs.ts'
import { dated, foreign, otherAtWork, standing, superseded, together, type Ground } from './standing.ts'

interface Said {
  readonly verdict: GpuVerdict
  /** The line that it rests on. */
  readonly line: Seen
}

/** What the engine wrote itself: where it placed nodes, and that it does without the GPU. Of two that disagree the later holds. */
export function byLog(signs: Ground): GpuVerdict | null {
  const placed = byPlacement(signs)
  const failed = byFailure(signs)
  if (placed === null || failed === null) return asFarAs(signs, placed ?? failed)
  if (placed.verdict.onGpu === false) return asFarAs(signs, placed)
  const [before, after] = [placed.line, failed.line]
  if (before.log !== after.log && together(before, after) && dated(before) && dated(after) && before.hit.atMs !== after.hit.atMs) return (before.hit.atMs! > after.hit.atMs! ? placed : failed).verdict
  const one = before.log === after.log && together(before, after) && readingOf(after.signature).oneSession === true
  return { onGpu: null, tier: 'T4', because: `${placed.verdict.because} ${failed.verdict.because} ${one ? 'So one session at least is not on the GPU.' : engineOf(before.signature) === engineOf(after.signature) || engineOf(after.signature) === null ? 'Which of the two holds now, the logs do not tell.' : WHICH}` }
}

const WHICH = 'They are two engines, and which of them hears the speech, the log does not tell.'

/** What one engine says of the CPU does not hold for another that has the GPU, nor what one process wrote for one that came later. */
function asFarAs(signs: Ground, said: Said | null): GpuVerdict | null {
  if (said === null || said.verdict.onGpu === null) return said?.verdict ?? null
  const { verdict, line } = said
  if (line.hit.unsure) return { ...verdict, onGpu: null, because: `${verdict.because} Process ${line.hit.pid} wrote that; another of the same program wrote later, and whether it took the place of this one, the log does not tell.` }
  const other = verdict.onGpu ? undefined : otherAtWork(signs, engineOf(line.signature))
  return other === undefined ? verdict : { onGpu: null, tier: 'T3', because: `${verdict.because} ${atWork(other)} ${WHICH}` }
}

/** Another engine's own words. */
export const atWork = ({ signature, log, hit }: Seen): string => `${signature.meaning} (${log.name}, line ${hit.line})`

/** T4: the verbose log counts the nodes on each provider, and warns of copies at any level. */
function byPlacement(signs: Ground): Said | null {
  const seen = (wanted: (signature: Signature) => boolean) => seenIn(signs, wanted).filter((each) => !superseded(signs, each))
  const counted = seen((signature) => readingOf(signature).counts === true).map((each) => ({ ...each, provider: /placed on \[(\w+)\]/.exec(each.hit.text)?.[1] ?? '?', nodes: Number(/Number of nodes: (\d+)/.exec(each.hit.text)?.[1] ?? 0) }))
  const last = counted.at(-1) ?? seen(({ id }) => id === 'ort-memcpy' || id === 'ort-kernel-missing').at(-1)
  if (last === undefined) return null
  const said = (onGpu: boolean | null, because: string): Said => ({ verdict: { onGpu, tier: 'T4', because }, line: last })
  if (counted.length === 0) return said(null, `The log tells that nodes of a graph lie on CUDA and others on the CPU (${last.log.name}, line ${last.hit.line}); how many and which, it tells with log_severity_level=0.`)
  const on = (side: ReturnType<typeof sideOf>) => counted.filter(({ provider }) => sideOf(provider) === side)
  const kinds = (of: typeof counted) => [...new Map(of.map((each) => [`${each.log.asked} ${each.signature.id}`, each])).values()]
  const sum = (of: typeof counted) => kinds(of).reduce((total, { log, signature: { id } }) => total + (wholeOf(counted, log, id) ?? nodesIn(of.filter((each) => each.log === log && each.signature.id === id))), 0)
  const [gpu, cpu, untold] = [sum(on('gpu')), sum(on('cpu')), on('untold')]
  const names = [...new Set(on('gpu').map(({ provider }) => NAMES[provider] ?? provider))]
  const missing = countOf(signs, 'ort-kernel-missing')
  const copies = countOf(signs, 'ort-memcpy')
  // Of many lines of a kind only the first and the last are kept.
  const least = counted.some(({ signature: { id }, log }) => wholeOf(counted, log, id) === null && (log.reading.counts[id] ?? 0) > keptOf(log, id)) ? 'at least ' : ''
  if (untold.length > 0) return said(null, `The log places ${least}${sum(untold)} nodes on ${[...new Set(untold.map(({ provider }) => provider))].join(' and ')}${gpu > 0 ? `, ${gpu} on ${names.join(' and ')}` : ''}${cpu > 0 ? ` and ${cpu} on the CPU` : ''}; whether that is a GPU, the name does not tell.`)
  if (gpu === 0 && cpu === 0) return null
  if (gpu === 0) return said(false, `The log places ${least}${cpu} nodes on the CPU and none on CUDA.`)
  const wholeOnCpu = counted.filter(({ signature }) => signature.id === 'ort-all-on-cpu').length
  if (missing === 0 && copies === 0 && wholeOnCpu === 0) return said(true, `The log places ${least}${gpu} nodes on ${names.join(' and ')}${cpu > 0 ? `, and ${cpu} on the CPU without any copy between them` : ' and none on the CPU'}.`)
  const rest = [...(missing > 0 ? [`${missing} times no CUDA kernel was found`] : []), ...(copies > 0 ? ['copies were added between the two'] : []), ...(wholeOnCpu > 0 ? ['one graph lies wholly on the CPU'] : [])]
  return said(null, `The log places ${least}${gpu} nodes on ${names.join(' and ')} and ${cpu} on the CPU; ${rest.join(', ')}.`)
}

const nodesIn = (of: readonly { readonly nodes: number }[]): number => of.reduce((total, { nodes }) => total + nodes, 0)
const keptOf = (log: ReadLog, id: string): number => log.reading.hits.filter((hit) => hit.id === id).length

/** The sum over all lines of a kind; null = it was not taken, or some of them are of an earlier start. */
function wholeOf(counted: readonly Seen[], log: ReadLog, id: string): number | null {
  return counted.filter((each) => each.log === log && each.signature.id === id).length === keptOf(log, id) ? (log.reading.sums?.[id] ?? null) : null
}

const NAMES: Readonly<Record<string, string>> = { CUDAExecutionProvider: 'CUDA', TensorrtExecutionProvider: 'TensorRT', NvTensorRTRTXExecutionProvider: 'TensorRT for RTX' }
const countOf = ({ logs }: Pick<Signs, 'logs'>, id: string): number => logs.reduce((sum, { reading }) => sum + (reading.counts[id] ?? 0), 0)

/** The engine says that it does not use the GPU, and neither a later line of the same log nor the memory of the process says otherwise. */
function byFailure(signs: Ground): Said | null {
  const written = { ...signs, logs: signs.logs.filter(({ asked }) => asked !== signs.probe?.asked) }
  const lines = standing(written, (signature) => readingOf(signature).says === 'cpu' || (signature.shows === 'fault' && signature.confirms.includes('provider-not-loaded'))).filter((each) => !foreign(written, each))
  // CTranslate2 tells of each model; two models of one program may lie on two devices.
  const models = seenIn(written, ({ id }) => id === 'ct2-device-cuda' || id === 'ct2-device-cpu').filter((each) => !superseded(written, each))
  const two = models.find(({ signature, log }) => signature.id === 'ct2-device-cuda' && models.some((other) => other.log === log && other.signature.id === 'ct2-device-cpu'))
  const others = lines.filter(({ signature }) => signature.id !== 'ct2-device-cpu' && (engineOf(signature) === null || engineOf(signature) === 'ctranslate2'))
  if (two !== undefined && others.length === 0) {
    const cpu = models.find(({ log, signature }) => log === two.log && signature.id === 'ct2-device-cpu')!
    const model = ({ hit }: Seen) => /Loaded model (\S+)/.exec(hit.text)?.[1] ?? 'a model'
    return { line: two, verdict: { onGpu: null, tier: 'T3', because: `CTranslate2 put ${model(two)} on the GPU (${two.log.name}, line ${two.hit.line}) and ${model(cpu)} on the CPU (line ${cpu.hit.line}); which of them hears the speech, their names tell.` } }
  }
  const sure = lines.filter(({ hit }) => hit.unsure !== true)
  const [first] = sure.length > 0 ? sure : lines
  if (first === undefined) return null
  return { line: (sure.length > 0 ? sure : lines).at(-1)!, verdict: { onGpu: false, tier: 'T2', because: `${first.signature.meaning} (${first.log.name}, line ${first.hit.line})` } }
}
