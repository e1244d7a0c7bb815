/** The transcription interface of OpenAI: multipart `file` and `model` in, JSON with `text` out. */

/** No answer came back whole. `code`: the system's or undici's own name for the reason, where it has one. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'
  readonly code: string | null
  constructor(why: string, code: string | null) {
    super(why)
    this.code = code
  }
}

export interface Answered {
  readonly wallMs: number
  readonly status: number
  /** Where a redirect points. It is never followed: that would send the recording to a place that nobody named. */
  readonly location: string | null
  readonly body: string
}

export interface Recording {
  readonly model: string
  readonly audio: Blob
  readonly name: string
}

/** One request. `most`: the longest answer that is read, in characters. */
export async function transcribe(url: URL, { model, audio, name }: Recording, most: number, signal: AbortSignal): Promise<Answered> {
  const form = new FormData()
  form.append('file', audio, name)
  form.append('model', model)
  form.append('response_format', 'json')
  const start = performance.now()
  try {
    const response = await fetch(url, { method: 'POST', body: form, redirect: 'manual', signal })
    const body = await limited(response, most)
    return { wallMs: performance.now() - start, status: response.status, location: response.headers.get('location'), body }
  } catch (error) {
    if (error instanceof Unanswered) throw error
    const { cause, name, message } = error as { cause?: { code?: string; message?: string }; name: string; message: string }
    throw new Unanswered(cause?.code ?? cause?.message ?? message, cause?.code ?? (name === 'TimeoutError' ? name : null))
  }
}

export async function limited(response: Response, most: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > most) throw new Unanswered(`more than ${most >> 20} MiB`, 'TOO_LONG')
  }
  return text + decoder.decode()
}

/** null = that is no JSON with a text. */
export function textIn(body: string): string | null {
  try {
    const { text } = JSON.parse(body) as { text?: unknown }
    return typeof text === 'string' ? text : null
  } catch {
    return null
  }
}
