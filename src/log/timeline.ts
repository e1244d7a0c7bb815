/** What a log says of the time that single transcriptions took. */
import type { Hit, LogReading } from './types.ts'

export interface Episode {
  /** Its first line and its last. */
  readonly lines: readonly [number, number]
  readonly samples: number | null
  readonly encoderMs: number | null
  readonly decoderMs: number | null
  readonly totalMs: number | null
  readonly tokens: number | null
}

/** Samples a second that recognisers of speech take in; a log that gives samples gives no rate. */
export const SAMPLE_RATE = 16_000

const STEPS = ['samples-in', 'encoder-start', 'decoder-start', 'tokens-out', 'zero-tokens']

/** One episode for each decoding that ended. Steps in between that are missing leave their times unknown. */
export function episodesOf({ hits }: LogReading): readonly Episode[] {
  const episodes: Episode[] = []
  let open: Partial<Record<string, Hit>> = {}
  for (const hit of hits.filter(({ id }) => STEPS.includes(id))) {
    if (hit.id === 'samples-in') open = {}
    open[hit.id] = hit
    if (hit.id !== 'tokens-out' && hit.id !== 'zero-tokens') continue
    const first = open['samples-in'] ?? open['encoder-start'] ?? open['decoder-start'] ?? hit
    episodes.push({
      lines: [first.line, hit.line],
      samples: numberIn(open['samples-in']?.text, /(\d+) (?:audio )?samples/),
      encoderMs: between(open['encoder-start'], open['decoder-start']),
      decoderMs: between(open['decoder-start'], hit),
      totalMs: first === hit ? null : between(first, hit),
      tokens: numberIn(hit.text, /Decoded (\d+) tokens/),
    })
    open = {}
  }
  return episodes
}

/** Real-time factors that sherpa-onnx printed: processing over audio. */
export const printedRtf = ({ hits }: LogReading): readonly { readonly rtf: number; readonly line: number }[] =>
  hits.filter(({ id }) => id === 'sherpa-rtf').flatMap(({ text, line }) => {
    const rtf = numberIn(text, /= (\d+(?:\.\d+)?)\s*$/)
    return rtf === null ? [] : [{ rtf, line }]
  })

const numberIn = (text: string | undefined, pattern: RegExp): number | null => {
  const found = text === undefined ? undefined : pattern.exec(text)?.[1]
  return found === undefined ? null : Number(found)
}

/** A negative span means that the clock was set, or that two programs write into one log. */
const between = (from: Hit | undefined, to: Hit | undefined): number | null => {
  if (from?.atMs == null || to?.atMs == null) return null
  const ms = to.atMs - from.atMs
  return ms >= 0 && ms < 86_400_000 ? ms : null
}
