import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { decodeClip } from './clip-codec.ts'

export const CLIP_SAMPLES = 911_872
export const CLIP_RATE = 16_000

const beside = (source: string, built: string) => new URL(import.meta.url.endsWith('.ts') ? source : built, import.meta.url)

function clipSamples(): Int16Array {
  const packed = readFileSync(beside('../../../fixtures/clips/reference.br', './reference-clip.br'))
  const steps = brotliDecompressSync(packed, { maxOutputLength: CLIP_SAMPLES })
  return decodeClip(new Int8Array(steps.buffer, steps.byteOffset, steps.length))
}

/** The reference clip as a WAV file: 57 s of speech, 16 kHz, one channel, 16 bits. */
export const clipWav = (): Uint8Array => pcm16Wav(clipSamples(), CLIP_RATE)

/** What is said in it. */
export const clipText = (): string => readFileSync(beside('../../../fixtures/clips/reference.txt', './reference-clip.txt'), 'utf8').trim()

/** Its speaker pauses here, behind “conceived in liberty”. */
const OPENING = { seconds: 8.2, words: 19 } as const

/** The beginning of the clip up to a pause, and the words that are said in it. */
export const clipOpening = (): { readonly wav: Uint8Array; readonly seconds: number; readonly text: string } => ({
  wav: pcm16Wav(clipSamples().subarray(0, OPENING.seconds * CLIP_RATE), CLIP_RATE),
  seconds: OPENING.seconds,
  text: clipText().split(/\s+/).slice(0, OPENING.words).join(' '),
})

export function pcm16Wav(samples: Int16Array, rate: number): Uint8Array {
  const file = Buffer.alloc(44 + samples.length * 2)
  file.write('RIFF', 0, 'latin1')
  file.writeUInt32LE(file.length - 8, 4)
  file.write('WAVEfmt ', 8, 'latin1')
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(rate, 24)
  file.writeUInt32LE(rate * 2, 28)
  file.writeUInt16LE(2, 32)
  file.writeUInt16LE(16, 34)
  file.write('data', 36, 'latin1')
  file.writeUInt32LE(samples.length * 2, 40)
  for (let i = 0; i < samples.length; i++) file.writeInt16LE(samples[i]!, 44 + 2 * i)
  return file
}
