import { CannotSee } from '../cannot-see.ts'
import { clipOpening } from '../bench/audio/clip.ts'
import { limited, textIn, transcribe, Unanswered, type Recording } from '../bench/engines/transcription.ts'
import { watchGpu } from '../bench/gpu-watch.ts'
import type { CpuShare, EndpointReading, EndpointRequest, RequestEnd } from '../probe/endpoint.ts'
import type { Json } from '../types.ts'
import { isHere, listenersOn, portOf } from './listeners.ts'
import { watchProcesses } from './pmon.ts'
import { devicesOf, inFirstPidNamespace, serviceProcesses, waitMsOf, type Running } from './service-processes.ts'

const MOST_CHARACTERS = 1 << 20
const LEAST_LEFT_MS = 1000
const MOST_SAID = 500
/** The samplers tell of the second before each sample: work that lasts less may fall between two of them. */
const WORK_MS = 3500
const FEWEST = 3
const MOST = 100
/** What the service does by itself, before it is asked for anything. */
const IDLE_MS = 1000
const ROUND_MS = 1200
const FIRST_ROUNDS_MS = 3500

/**
 * Asks an endpoint for the text of the clip's beginning: once for the first time, then again and again. Meanwhile it watches the
 * CPU time of the service's processes, which are those of `main` and `unit`, and the GPUs.
 */
export async function endpointAnswer(address: string, seconds: number, main: number | null, unit: string | null, deadline: number): Promise<Json> {
  const until = Math.min(deadline, Date.now() + seconds * 1000)
  const url = new URL(address)
  const here = await isHere(url)
  const watched = here && main !== null ? main : null
  const processes = watched === null ? null : watchedProcesses(watched, unit)
  const pmon = here ? watchProcesses() : null
  const gpus = here ? watchGpu() : null
  try {
    const opening = clipOpening()
    const audio = new Blob([new Uint8Array(opening.wav)], { type: 'audio/wav' })
    const [model] = await Promise.all([modelOf(url, until), pause(watched === null ? 0 : IDLE_MS), gpus?.before(), pmon?.rounds(2, FIRST_ROUNDS_MS)])
    const before = processes?.lap()
    if (until - Date.now() < LEAST_LEFT_MS) throw new CannotSee(`${address} was not asked: too little time was left for an answer.`, 'Give it longer with --timeout SECONDS.')
    gpus?.begin()
    const startAt = performance.now()
    const recording: Recording = { model, audio, name: 'speech.wav' }
    const requests: EndpointRequest[] = [await request(url, recording, startAt, until)]
    const first = processes?.lap()
    while (goesOn(requests, here, startAt, until)) requests.push(await request(url, recording, startAt, until))
    const warm = requests.length > 1 ? processes?.lap() : undefined
    const seen = processes?.stop() ?? null
    await pmon?.rounds(1, Math.min(ROUND_MS, until - Date.now()))
    const reading: EndpointReading = {
      model,
      audioS: opening.seconds,
      words: opening.text,
      here,
      listeners: here ? (listenersOn(portOf(url))?.map(({ pid, name }) => ({ pid, name })) ?? null) : null,
      requests,
      processes: seen,
      cpu: before && first ? { before, first, warm: warm ?? null } : null,
      samePids: inFirstPidNamespace(),
      pmon: pmon?.stop().map(([at, line]) => [Math.round(at - startAt), line] as const) ?? null,
      gpus: gpus?.stop()?.map(({ index, name, utilizationBefore, utilization, memoryMiB, smClockMHz, maxSmClockMHz, reasons }) => ({ index, name, utilizationBefore, utilization, memoryMiB, smClockMHz, maxSmClockMHz, reasons })) ?? null,
    }
    return reading as unknown as Json
  } finally {
    processes?.stop()
    pmon?.stop()
    gpus?.stop()
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Work enough for the samplers, while every answer is a text and there is time for one more. A machine that is not watched is asked little. */
function goesOn(requests: readonly EndpointRequest[], here: boolean, startAt: number, until: number): boolean {
  const last = requests.at(-1)!
  if (last.end !== 'text' || requests.length >= MOST || Date.now() + 1.5 * last.wallMs > until) return false
  return requests.length < FEWEST || (here && performance.now() - startAt < WORK_MS)
}

/** Reasons that mean the server was there and hung up in the middle. */
const CLOSED = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/

async function request(url: URL, recording: Recording, startAt: number, until: number): Promise<EndpointRequest> {
  const start = performance.now()
  const ended = (end: RequestEnd, said: string, status: number | null = null): EndpointRequest => ({ startMs: Math.round(start - startAt), wallMs: Math.round(performance.now() - start), end, status, said: said.replace(/\s+/g, ' ').trim().slice(0, MOST_SAID) })
  try {
    const { status, location, body } = await transcribe(url, recording, MOST_CHARACTERS, AbortSignal.timeout(Math.max(1, until - Date.now())))
    const line = body.trim().split('\n')[0] ?? ''
    if (status >= 300 && status < 400) return ended('moved', location ?? '', status)
    if (status !== 200) return ended('status', line, status)
    const text = textIn(body)
    return text === null ? ended('foreign', line, status) : ended('text', text, status)
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error
    return ended(error.code === 'TOO_LONG' ? 'foreign' : error.code === 'TimeoutError' ? 'late' : error.code === 'ECONNREFUSED' ? 'refused' : CLOSED.test(error.code ?? '') ? 'closed' : 'failed', error.message)
  }
}

const MODELS_MS = 3000
const RECOGNISERS = /whisper|parakeet|canary|asr|speech-to-text|voxtral|qwen.*audio|moonshine|zipformer|paraformer|sensevoice/i

/** A server of several models wants one of its own names (vLLM, speaches); one that names none takes what OpenAI called its own. */
async function modelOf(url: URL, until: number): Promise<string> {
  const usual = 'whisper-1'
  const list = url.pathname.replace(/\/audio\/transcriptions\/?$/, '/models')
  if (list === url.pathname) return usual
  try {
    const response = await fetch(new URL(list, url), { redirect: 'error', signal: AbortSignal.timeout(Math.max(1, Math.min(MODELS_MS, until - Date.now()))) })
    if (response.status !== 200) return usual
    const { data } = JSON.parse(await limited(response, MOST_CHARACTERS)) as { data?: readonly { id?: unknown; task?: unknown }[] }
    const models = (Array.isArray(data) ? data : []).flatMap(({ id, task }) => (typeof id === 'string' && id.length <= 200 ? [{ id, task }] : []))
    if (models.some(({ id }) => id === usual)) return usual
    return (models.find(({ task }) => task === 'automatic-speech-recognition') ?? models.find(({ id }) => RECOGNISERS.test(id)) ?? models[0])?.id ?? usual
  } catch {
    return usual
  }
}

interface Watched {
  /** What was used since the last lap, or since the start. */
  lap(): CpuShare
  stop(): EndpointReading['processes']
}

const LOOK_MS = 400

/** Everything that was a process of the service at any moment. */
function watchedProcesses(main: number, unit: string | null): Watched {
  let at = performance.now()
  let running = serviceProcesses(main, unit)
  if (running.length === 0) throw new CannotSee(`Process ${main} ended before it could be watched.`, 'Start the service and run the check again.')
  const names = new Map<number, string>()
  const devices = new Map<number, Set<string> | null>()
  const look = (now: readonly Running[]) => {
    for (const { pid, name } of now) {
      names.set(pid, name)
      const found = devicesOf(pid)
      // What ended while it was looked at showed nothing, and is not held to be hidden.
      if (found === null && serviceProcesses(pid, null).length === 0) continue
      const before = devices.get(pid)
      devices.set(pid, found === null || before === null ? null : new Set([...(before ?? []), ...found]))
    }
  }
  look(running)
  const timer = setInterval(() => look(serviceProcesses(main, unit)), LOOK_MS)
  timer.unref()
  const total = (of: readonly Running[]) => of.reduce((sum, { cpuMs }) => sum + cpuMs, 0)
  const waiting = () => running.reduce((sum, { pid }) => sum + waitMsOf(pid), 0)
  let waited = waiting()
  return {
    lap: () => {
      const [nowAt, now] = [performance.now(), serviceProcesses(main, unit)]
      look(now)
      const [wallMs, cpuMs, waitedBefore] = [Math.round(nowAt - at), Math.max(0, total(now) - total(running)), waited]
      at = nowAt
      running = now
      waited = waiting()
      return { wallMs, cpuMs, waitMs: Math.max(0, Math.round(waited - waitedBefore)) }
    },
    stop: () => {
      clearInterval(timer)
      return [...names].map(([pid, name]) => ({ pid, name, devices: devices.get(pid) === undefined ? [] : devices.get(pid) === null ? null : [...devices.get(pid)!] }))
    },
  }
}
