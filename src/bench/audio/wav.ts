import { BadAudio } from './bad-audio.ts'
import { sampleReader, type SampleReader } from './sample-form.ts'
import { recognise } from './magic.ts'
import type { ByteSource } from './source.ts'

/** One channel: the mean of all that the file holds. Full scale is 1. */
export interface Audio {
  readonly rate: number
  readonly channels: number
  readonly samples: Float32Array
  /** How samples are stored, e.g. `16-bit PCM`. */
  readonly form: string
  /** What was odd about the file and how it was read all the same. Whole sentences. */
  readonly warnings: readonly string[]
}

/** 70 minutes at 16 kHz, 23 at 48: more than any benchmark needs, and at most 256 MiB. */
export const MAX_SAMPLES = 2 ** 26
/** So that there are no more of them at the 16 kHz that models hear either. */
const MAX_SECONDS = MAX_SAMPLES / 16_000
const MIN_RATE = 2000
const MAX_RATE = 768_000
const BLOCK_BYTES = 1 << 18
const UNKNOWN_SIZE = 0xffff_ffff

/**
 * RIFF WAVE as written in the wild (Multimedia Programming Interface 1.0, 1991; WAVEFORMATEXTENSIBLE, 2001; EBU Tech 3306
 * RF64): sizes of pipes, missing pad bytes, chunks in any order and files cut short are read, with a warning.
 */
export function readWav(source: ByteSource): Audio {
  const warnings: string[] = []
  const { format, data } = chunks(source, warnings)
  if (format === null) throw new BadAudio('The WAV file has no fmt chunk, which says how its samples are stored.')
  if (data === null) throw new BadAudio('The WAV file has no data chunk, so there is no sound in it.')
  const reader = sampleReader(format, warnings)
  if (reader.rate < MIN_RATE || reader.rate > MAX_RATE) throw new BadAudio(`The WAV file claims a sample rate of ${reader.rate} Hz.`)
  const frames = Math.floor(data.sizeBytes / reader.frameBytes)
  if (frames === 0) throw new BadAudio('The WAV file has a header but no sound in it.')
  const most = Math.floor(Math.min(MAX_SAMPLES, MAX_SECONDS * reader.rate))
  if (frames > most) throw new BadAudio(`The sound is ${Math.round(frames / reader.rate / 60)} minutes long; at most ${Math.floor(most / reader.rate / 60)} minutes at ${reader.rate} Hz are read.`)
  if (data.sizeBytes % reader.frameBytes !== 0) warnings.push('The file ends in the middle of a sample, which was left out.')
  const samples = mixed(source, data.at, frames, reader)
  repair(samples, reader, warnings)
  return { rate: reader.rate, channels: reader.channels, samples, form: reader.form, warnings }
}

function mixed(source: ByteSource, at: number, frames: number, { channels, frameBytes, sampleBytes, read }: SampleReader): Float32Array {
  const samples = new Float32Array(frames)
  const perBlock = Math.max(1, Math.floor(BLOCK_BYTES / frameBytes))
  for (let first = 0; first < frames; first += perBlock) {
    const count = Math.min(perBlock, frames - first)
    const block = source.read(at + first * frameBytes, count * frameBytes)
    if (block.length < count * frameBytes) throw new BadAudio('The file became shorter while it was read.')
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
    if (channels === 1) {
      for (let i = 0; i < count; i++) samples[first + i] = read(view, i * frameBytes)
    } else {
      for (let i = 0; i < count; i++) {
        let sum = 0
        for (let c = 0; c < channels; c++) sum += read(view, i * frameBytes + c * sampleBytes)
        samples[first + i] = sum / channels
      }
    }
  }
  return samples
}

/** Float samples may be anything; what is not a number would spread through every result. */
function repair(samples: Float32Array, reader: SampleReader, warnings: string[]): void {
  if (!reader.isFloat) return
  let bad = 0
  let peak = 0
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i]!
    if (!Number.isFinite(value)) {
      samples[i] = 0
      bad++
    } else if (Math.abs(value) > peak) peak = Math.abs(value)
  }
  if (bad > 0) warnings.push(`${bad} samples are not numbers and were taken as silence.`)
  if (peak > 4) warnings.push(`The samples reach ${peak.toPrecision(3)} times full scale: they may not have been scaled to ±1.`)
}

interface Extent {
  readonly at: number
  readonly sizeBytes: number
}
interface Chunks {
  readonly format: Uint8Array | null
  readonly data: Extent | null
}

function chunks(source: ByteSource, warnings: string[]): Chunks {
  const head = source.read(0, 12)
  const outer = fourCc(head, 0)
  if (head.length < 12 || !['RIFF', 'RF64', 'BW64'].includes(outer) || fourCc(head, 8) !== 'WAVE') throw recognise(source.read(0, 64), source.sizeBytes)
  let format: Uint8Array | null = null
  let data: Extent | null = null
  let longSize: number | null = null
  let at = 12
  while (at + 8 <= source.sizeBytes) {
    const header = source.read(at, 8)
    const id = fourCc(header, 0)
    const claimed = uint32(header, 4)
    const rest = source.sizeBytes - at - 8
    if (id === 'ds64' && claimed >= 16) longSize = uint64(source.read(at + 8, 16), 8)
    if (id === 'fmt ' && format === null) {
      if (claimed < 16) throw new BadAudio(`The WAV file's fmt chunk has ${claimed} bytes; at least 16 are needed.`)
      if (rest < 16) throw new BadAudio('The WAV file is cut off in the middle of its header.')
      format = source.read(at + 8, Math.min(claimed, rest, 40)).slice()
    }
    let sizeBytes = claimed
    if (id === 'data') {
      sizeBytes = dataSize(source, at + 8, claimed, rest, outer === 'RIFF' ? null : longSize, warnings)
      if (data === null) data = { at: at + 8, sizeBytes }
      else warnings.push('The file has more than one data chunk; only the first was read.')
    }
    if (data !== null && format !== null) break
    const next = at + 8 + sizeBytes
    at = next + (sizeBytes % 2 === 1 && !startsChunk(source, next, warnings) ? 1 : 0)
  }
  return { format, data }
}

/** What a data chunk really holds: writers into a pipe cannot go back to fill its size in. */
function dataSize(source: ByteSource, at: number, claimed: number, rest: number, longSize: number | null, warnings: string[]): number {
  if (claimed === UNKNOWN_SIZE && longSize !== null && longSize > 0 && longSize <= rest) return longSize
  if (claimed === 0 && rest > 0 && !startsChunk(source, at, [])) {
    warnings.push('The data size in the header is 0, as written into a pipe; everything up to the end was read.')
    return rest
  }
  if (claimed <= rest) return claimed
  // ffmpeg and sox write these when their output is a pipe; 0x7fffffff and 0x7ffff000 stand for "unknown" too.
  const piped = claimed >= 0x7fff_0000
  warnings.push(
    piped
      ? 'The header gives no data size, as written into a pipe; everything up to the end was read.'
      : `The header promises ${claimed} bytes of sound and the file ends after ${rest}: it was cut short.`,
  )
  return rest
}

const KNOWN = new Set(['fmt ', 'data', 'LIST', 'fact', 'JUNK', 'junk', 'bext', 'cue ', 'smpl', 'PEAK', 'id3 ', 'ID3 ', 'iXML', 'PAD ', 'inst', 'chna', 'axml', 'ds64', 'DISP', 'plst', 'note', 'labl', 'FLLR', 'minf', 'elm1', 'regn', 'umid', 'levl'])

/** An odd chunk must be padded; some writers forget. A name we know right behind it settles the matter. */
function startsChunk(source: ByteSource, at: number, warnings: string[]): boolean {
  const id = source.read(at, 4)
  if (id.length < 4 || !KNOWN.has(fourCc(id, 0))) return false
  warnings.push('A chunk of odd size lacks its pad byte.')
  return true
}

const fourCc = (data: Uint8Array, at: number): string => String.fromCharCode(...data.subarray(at, at + 4))
const uint32 = (data: Uint8Array, at: number): number => new DataView(data.buffer, data.byteOffset).getUint32(at, true)
const uint64 = (data: Uint8Array, at: number): number => (data.length < at + 8 ? 0 : Number(new DataView(data.buffer, data.byteOffset).getBigUint64(at, true)))
