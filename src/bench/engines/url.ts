import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { crowd } from '../crowd.ts'
import { CannotMeasure, type Engine, Interrupted } from '../engine.ts'
import type { Run } from '../messages.ts'

const LIMIT_MS = 600_000
const MAX_ANSWER = 16 << 20

/** A request that was not answered with a text; `short` is the same for all that failed alike. */
class NoText extends CannotMeasure {
  readonly short: string
  constructor(because: string, short: string) {
    super(because)
    this.short = short
  }
}

/** A server with the transcription interface of OpenAI: multipart `file` and `model` in, JSON with `text` out. */
export function urlEngine(url: URL, model: string, file: string, signal: AbortSignal): Engine {
  const recording = new Blob([new Uint8Array(readFileSync(file))], { type: 'audio/wav' })
  return {
    freshEveryRun: false,
    open: async () => ({
      loadMs: null,
      pids: () => null,
      run: () => request(url, model, recording, basename(file), signal),
      crowd: (level) => crowd(level, () => request(url, model, recording, basename(file), signal).then(answered), shortly),
      calibrate: async () => null,
      placement: async () => [],
      stop: () => {},
    }),
  }
}

/** What a busy server says (RFC 9110, RFC 6585). */
const STATUS: Readonly<Record<number, string>> = { 429: ' (too many requests)', 500: ' (internal server error)', 502: ' (bad gateway)', 503: ' (service unavailable)', 504: ' (gateway timeout)' }

/** Speed without text is none. */
function answered({ text }: Run): void {
  if (text?.trim() === '') throw new NoText('The transcript is empty.', 'an empty transcript')
}

function shortly(error: unknown): string {
  if (!(error instanceof NoText)) throw error
  return error.short
}

async function request(url: URL, model: string, recording: Blob, name: string, signal: AbortSignal): Promise<Run> {
  if (signal.aborted) throw new Interrupted()
  const form = new FormData()
  form.append('file', recording, name)
  form.append('model', model)
  form.append('response_format', 'json')
  const start = performance.now()
  let status = 0
  let body = ''
  try {
    // A redirect would send the recording to a place that nobody named.
    const response = await fetch(url, { method: 'POST', body: form, redirect: 'error', signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]) })
    status = response.status
    body = await limited(response)
  } catch (error) {
    if (signal.aborted) throw new Interrupted()
    if (error instanceof CannotMeasure) throw error
    const cause = (error as { cause?: { code?: string; message?: string } }).cause
    const why = cause?.code ?? cause?.message ?? (error as Error).message
    throw new NoText(`${url.origin} gave no answer (${why}).`, `no answer (${why})`)
  }
  const wallMs = performance.now() - start
  if (status !== 200) throw new NoText(`${url.href} answered with HTTP status ${status}${body.trim() ? `: ${body.replace(/\s+/g, ' ').trim().slice(0, 200)}` : ''}.`, `HTTP status ${status}${STATUS[status] ?? ''}`)
  return { wallMs, cpuMs: null, phases: [], text: textOf(body, url) }
}

async function limited(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > MAX_ANSWER) throw new NoText('The server answered with more than 16 MiB.', 'more than 16 MiB')
  }
  return text + decoder.decode()
}

function textOf(body: string, url: URL): string {
  try {
    const { text } = JSON.parse(body) as { text?: unknown }
    if (typeof text === 'string') return text
  } catch {
    // Not JSON: said below.
  }
  throw new NoText(`${url.href} did not answer with JSON that holds a text: ${body.replace(/\s+/g, ' ').trim().slice(0, 120)}`, 'no JSON with a text')
}
