import { basename } from 'node:path'
import { withoutSecrets } from '../../secrets.ts'
import { WrongCall } from '../../wrong-call.ts'
import { boundedFile } from '../bounded-file.ts'
import { crowd } from '../crowd.ts'
import { CannotMeasure, type Engine, Interrupted } from '../engine.ts'
import type { Run } from '../messages.ts'
import { textIn, transcribe, Unanswered } from './transcription.ts'

const LIMIT_MS = 600_000
const MAX_ANSWER = 16 << 20
const MAX_RECORDING = 256 << 20

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
  const bytes = boundedFile(file, MAX_RECORDING)
  if (bytes === 'too large') throw new WrongCall(`--audio: the recording has more than ${MAX_RECORDING >> 20} MiB, which bench does not send to a server; servers take far less (OpenAI's own 25 MB).`)
  const recording = new Blob([new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) as Uint8Array<ArrayBuffer>], { type: 'audio/wav' })
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

/** Without what is secret first: half a key is no longer known for one. */
const beginning = (body: string, most: number): string => withoutSecrets(body.slice(0, 65_536)).replace(/\s+/g, ' ').trim().slice(0, most)

async function request(url: URL, model: string, recording: Blob, name: string, signal: AbortSignal): Promise<Run> {
  if (signal.aborted) throw new Interrupted()
  const { wallMs, status, location, body } = await transcribe(url, { model, audio: recording, name }, MAX_ANSWER, AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)])).catch((error: unknown): never => {
    if (signal.aborted) throw new Interrupted()
    if (!(error instanceof Unanswered)) throw error
    throw error.code === 'TOO_LONG' ? new NoText(`The server answered with ${error.message}.`, error.message) : new NoText(`${url.origin} gave no answer (${error.message}).`, `no answer (${error.message})`)
  })
  if (status >= 300 && status < 400) throw new NoText(`${url.origin} gave no answer but a redirect to ${location ?? 'nowhere'}, which is not followed.`, 'a redirect')
  if (status !== 200) throw new NoText(`${url.href} answered with HTTP status ${status}${body.trim() ? `: ${beginning(body, 200)}` : ''}.`, `HTTP status ${status}${STATUS[status] ?? ''}`)
  const text = textIn(body)
  if (text === null) throw new NoText(`${url.href} did not answer with JSON that holds a text: ${beginning(body, 120)}`, 'no JSON with a text')
  return { wallMs, cpuMs: null, phases: [], text }
}
