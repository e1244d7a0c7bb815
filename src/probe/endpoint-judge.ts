/** What an endpoint's answers, its processes and the GPUs prove about where the work was done, and no more. */
import { answersInWords, answersOf, isRight } from './endpoint-answers.ts'
import type { CpuShare, EndpointReading } from './endpoint.ts'
import { WANTED_RTF } from './limits.ts'
import { pmonOf, type PmonRow } from './pmon.ts'

export interface EndpointVerdict {
  readonly onGpu: boolean | null
  readonly tier: 'T3' | 'T5' | 'T6' | null
  /** Whole sentences, of the answers and of where the work was done. */
  readonly because: string
  /** The latter alone. */
  readonly place: string
}

type Judged = Pick<EndpointVerdict, 'onGpu' | 'because'> & { readonly tier: 'T3' | 'T5' | null }

/** Several samples of a second, so that work cannot have fallen between them. */
const LEAST_WORK_MS = 2000
/** Samples behind this moment are of the work, those before the first request of what was before; between the two they are of both. */
const SETTLED_MS = 500
const LAST_MS = 1500
/** A processor that is at work the whole time; less is decoding, waiting and passing on. */
const BUSY_CPUS = 0.7
/**
 * Where a GPU computes, one thread of the host spins while it waits (cudaDeviceScheduleSpin); more than that is work of the host's own.
 * From half of the time on the GPU leads whatever the host does beside it.
 */
const SPINNING_CPUS = 1.5
const LEADING_SM = 50
const SMALL_SM = 10

/** `quotaCpus`: the processors that the unit's CPUQuota= allows; null = any number. `driver`: NVIDIA's driver is in this kernel, which a container shows as well; null = not to be told. */
export function judgedEndpoint(reading: EndpointReading, quotaCpus: number | null, driver: boolean | null): EndpointVerdict {
  const answers = answersOf(reading)
  const judged = answers.texts === 0 ? { onGpu: null, tier: null, because: 'Its endpoint gave no text, so nothing was seen at work.' } : placeOf(reading, quotaCpus, driver)
  const right = isRight(answers) && answers.warmMs !== null && answers.rtf! <= WANTED_RTF
  return { onGpu: judged.onGpu, tier: judged.onGpu === true && right ? 'T6' : judged.tier, because: [answersInWords(reading), judged.because].filter((each) => each !== '').join(' '), place: judged.because }
}

function placeOf(reading: EndpointReading, quotaCpus: number | null, driver: boolean | null): Judged {
  const { processes, here, requests, samePids } = reading
  if (!here) return untold('Its address is on another machine, whose GPU cannot be seen from here.')
  if (processes === null) return untold(`Which process serves it could not be told${heldBy(reading)}, so neither is what it works on: name it with --unit or --pid.`)
  const endMs = Math.max(...requests.map(({ startMs, wallMs }) => startMs + wallMs))
  const rows = samePids ? pmonOf(reading.pmon ?? []) : []
  const during = rows.filter(({ atMs }) => atMs > SETTLED_MS && atMs <= endMs + LAST_MS)
  const before = rows.filter(({ atMs }) => atMs <= 0)
  const isOwn = ({ pid }: PmonRow) => processes.some((each) => each.pid === pid)
  const most = (of: readonly PmonRow[]) => Math.max(0, ...of.map(({ sm }) => sm ?? 0))
  const own = during.filter(isOwn)
  const sm = most(own)
  const work = extraCpus(reading)
  const cpus = work?.used ?? null
  // Ready and not running for want of a processor is work for processors as well.
  const wanted = work === null ? 0 : work.used + work.waited
  const whole = Math.min(1, quotaCpus ?? 1)
  const strangers = during.filter((row) => !isOwn(row) && row.type.includes('C') && (row.sm ?? 0) > 0 && most(before.filter(({ pid }) => pid === row.pid)) === 0)
  const busy = wanted >= BUSY_CPUS * whole && endMs >= LEAST_WORK_MS
  const cpuWords = work === null ? '' : ` Meanwhile its processes ${inWords(work)}.`
  if (sm > 0) {
    const leading = own.find((row) => row.sm === sm)!
    const words = `nvidia-smi pmon saw its process ${leading.pid} (${leading.name}) compute on GPU ${leading.gpu}, up to ${sm} % of the time`
    if (before.length === 0) return { onGpu: null, tier: 'T3', because: `${words}, but had shown nothing before the first request, so that this was for these requests is not shown.` }
    if (most(before.filter(isOwn)) > 0) return { onGpu: null, tier: 'T3', because: `${words}, and before the first request too, so that this was for these requests is not shown; ask again while nobody else does.` }
    const split = cpus !== null && ((cpus > SPINNING_CPUS && sm < LEADING_SM) || (sm < SMALL_SM && wanted >= 0.5 * whole))
    return { onGpu: split ? null : true, tier: 'T5', because: `${words}, and not before.${cpuWords}${split ? ' So a part of the work is done on the GPU, and how much is left to the CPU this does not tell.' : ''}${slowedInWords(reading, leading.gpu)}` }
  }
  const noStranger = strangers.length === 0
  const strangerWords = noStranger ? '' : ` Another process computed meanwhile and not before: ${strangers[0]!.pid} (${strangers[0]!.name}). If the service hands its work to it, name that one with --pid.`
  // NVML gives a number to who computed in the sampling period, so `-` beside a number of another on the same GPU is none. Behind
  // CUDA's MPS the work may be counted as the server's.
  const counted = new Set(own.map(({ atMs }) => Math.round(atMs / 1000))).size >= 2 && !rows.some(({ name }) => name.startsWith('nvidia-cuda-mps')) && own.every(({ gpu, sm: told }) => told !== null || rows.some((each) => each.gpu === gpu && each.sm !== null))
  if (own.length > 0) {
    const held = `${own[0]!.name} (${own[0]!.pid}) holds ${own[0]!.memoryMiB === null ? 'a context' : `${own[0]!.memoryMiB} MiB`} on GPU ${own[0]!.gpu}`
    if (busy && counted && noStranger) return { onGpu: false, tier: 'T5', because: `It ${held.replace(/^.*? holds/, 'holds')}, and nvidia-smi pmon saw it compute nothing there through ${Math.round(endMs / 1000)} s of work.${cpuWords}` }
    return { onGpu: null, tier: 'T3', because: `Its process ${held}; nvidia-smi pmon saw no work of it there${counted ? '' : ', and may count none on this GPU'}.${cpuWords}${strangerWords}` }
  }
  const hidden = processes.some(({ devices }) => devices === null)
  const open = [...new Set(processes.flatMap(({ devices }) => devices ?? []))]
  // A GPU is worked on through an open device node and in no other way. But a gateway may be busy while it waits for another, whose work only the sampler shows.
  const othersSeen = during.length > 0 || driver === false
  if (busy && noStranger && othersSeen && !hidden && open.length === 0) return { onGpu: false, tier: 'T3', because: `None of its processes had the device of a GPU open while it worked for ${Math.round(endMs / 1000)} s.${cpuWords}` }
  if (open.length > 0) return untold(`It has ${open.slice(0, 3).join(', ')} open; whether it computes there was not seen${samePids ? whyUnseen(reading) : ': process ids of a container are not those that nvidia-smi counts, so run the check on the host'}.${cpuWords}${strangerWords}`)
  if (hidden) return untold(`Whether its processes have a GPU open may not be seen by this user: run the same command as root.${cpuWords}${strangerWords}`)
  return untold(`None of its processes had the device of a GPU open${work === null ? '' : `, and they ${inWords(work)}, which does not show that the work was done by them`}${heldBy(reading)}.${busy && !othersSeen ? ` Whether another process computes for it on a GPU was not seen${samePids ? whyUnseen(reading) : ': run the check on the host'}.` : ''}${strangerWords}`)
}

const untold = (because: string): Judged => ({ onGpu: null, tier: null, because })

/** Processors in use for the requests, beyond those in use before. The first request is left out where others follow long enough. */
function extraCpus({ cpu }: EndpointReading): Work | null {
  if (cpu === null) return null
  const { before, first, warm } = cpu
  const of = warm === null ? first : warm.wallMs >= 1000 ? warm : { wallMs: first.wallMs + warm.wallMs, cpuMs: first.cpuMs + warm.cpuMs, waitMs: first.waitMs + warm.waitMs }
  const more = (name: 'cpuMs' | 'waitMs') => Math.max(0, rate(of, name) - rate(before, name))
  return { used: more('cpuMs'), waited: more('waitMs') }
}

/** Processors' worth of time. */
interface Work {
  readonly used: number
  readonly waited: number
}

const rate = (of: CpuShare, name: 'cpuMs' | 'waitMs'): number => (of.wallMs === 0 ? 0 : of[name] / of.wallMs)
const inWords = ({ used, waited }: Work): string => `used ${used.toFixed(1)} CPUs more than before${waited < 0.2 ? '' : ` and stood waiting for ${waited.toFixed(1)} more, which others had`}`

function heldBy({ listeners, processes }: EndpointReading): string {
  const strangers = (listeners ?? []).filter(({ pid }) => !(processes ?? []).some((each) => each.pid === pid))
  return strangers.length === 0 || strangers.length < (listeners ?? []).length ? '' : `; its port is held by ${strangers[0]!.name} (${strangers[0]!.pid})`
}

function whyUnseen({ pmon }: EndpointReading): string {
  if (pmon === null) return ', for there is no nvidia-smi'
  const said = pmon.map(([, line]) => line.trim()).find((line) => line !== '' && !line.startsWith('#') && !/^\d+\s/.test(line))
  return said === undefined ? '' : ` (nvidia-smi pmon: ${said.replace(/\.$/, '').slice(0, 120)})`
}

/** nvml.h, nvmlClocksEventReasons, by the names of src/bench/gpu-load.ts: at its power limit a card runs as it is meant to. */
const SLOWED: Readonly<Record<string, string>> = { hw_slowdown: 'a hardware slowdown', sw_thermal_slowdown: 'heat', hw_thermal_slowdown: 'heat', hw_power_brake_slowdown: 'the power brake' }
const OFTEN = 0.5

function slowedInWords({ gpus }: EndpointReading, index: number): string {
  const gpu = (gpus ?? []).find((each) => each.index === index)
  const reasons = [...new Set(Object.entries(gpu?.reasons ?? {}).flatMap(([name, part]) => (part >= OFTEN && SLOWED[name] !== undefined ? [SLOWED[name]] : [])))]
  return gpu === undefined || reasons.length === 0 ? '' : ` Its clock was held down by ${reasons.join(' and ')}${gpu.smClockMHz === null ? '' : `, at ${Math.round(gpu.smClockMHz)}${gpu.maxSmClockMHz === null ? '' : ` of ${gpu.maxSmClockMHz}`} MHz`}.`
}
