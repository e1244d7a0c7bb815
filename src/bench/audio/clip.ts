import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { decodeClip } from './clip-codec.ts'

export const CLIP_SAMPLES = 911_872
export const CLIP_RATE = 16_000

const beside = (source: string, built: string) => new URL(import.meta.url.endsWith('.ts') ? source : built, import.meta.url)

/** The reference clip as a WAV file: 57 s of speech, 16 kHz, one channel, 16 bits. */
export function clipWav(): Uint8Array {
  const packed = readFileSync(beside('../../../fixtures/clips/reference.br', './reference-clip.br'))
  const steps = brotliDecompressSync(packed, { maxOutputLength: CLIP_SAMPLES })
  return pcm16Wav(decodeClip(new Int8Array(steps.buffer, steps.byteOffset, steps.length)), CLIP_RATE)
}

/** What is said in it. */
export const clipText = (): string => readFileSync(beside('../../../fixtures/clips/reference.txt', './reference-clip.txt'), 'utf8').trim()

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
