import { WrongCall } from '../../wrong-call.ts'
import type { Prepared } from '../audio/prepare.ts'
import { urlEngine } from '../engines/url.ts'
import type { Subject } from '../subject.ts'

/** A server with the transcription interface of OpenAI. */
export function urlTarget(address: string, { urlModel: model = 'whisper-1', runs = null, concurrency }: { readonly urlModel?: string; readonly runs?: number | null; readonly concurrency?: readonly number[] }, audio: Prepared, signal: AbortSignal): Subject {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) throw new WrongCall(`--url ${address}: that is no address, such as http://localhost:8000/v1/audio/transcriptions.`)
  const url = new URL(address)
  return {
    engine: urlEngine(url, model, audio.file!, signal),
    plan: { launches: 1, runs, place: false, ...(concurrency ? { levels: concurrency } : {}) },
    workload: model,
    target: () => ({ kind: 'url', name: `${url.origin}${url.pathname}`, runtime: null, threads: null }),
    provider: () => ({ asked: [], used: null, tier: null, because: null, how: null, placement: [] }),
    opened: () => {},
    refused: () => null,
  }
}
