import { BadAudio } from './bad-audio.ts'

/** How to read one frame of a WAV file: from the fmt chunk. */
export interface SampleReader {
  readonly rate: number
  readonly channels: number
  readonly frameBytes: number
  readonly sampleBytes: number
  readonly form: string
  readonly isFloat: boolean
  read(view: DataView, at: number): number
}

const PCM = 1, FLOAT = 3, A_LAW = 6, MU_LAW = 7, EXTENSIBLE = 0xfffe
/** The rest of every KSDATAFORMAT_SUBTYPE that stands for a plain format tag. */
const SUBTYPE_TAIL = '000000001000800000aa00389b71'
/** mmreg.h. */
const COMPRESSED: Readonly<Record<number, string>> = {
  0x02: 'Microsoft ADPCM', 0x11: 'IMA ADPCM', 0x31: 'GSM 6.10', 0x40: 'G.721 ADPCM', 0x50: 'MPEG', 0x55: 'MP3', 0x64: 'G.726', 0x92: 'AC-3 (S/PDIF)',
  0xff: 'AAC', 0x160: 'WMA 1', 0x161: 'WMA 2', 0x162: 'WMA Pro', 0x1610: 'AAC (ADTS)', 0x2000: 'AC-3', 0x2001: 'DTS', 0x674f: 'Ogg Vorbis', 0x704f: 'Opus', 0xf1ac: 'FLAC',
}

export function sampleReader(format: Uint8Array, warnings: string[]): SampleReader {
  const view = new DataView(format.buffer, format.byteOffset, format.byteLength)
  const channels = view.getUint16(2, true)
  const rate = view.getUint32(4, true)
  const align = view.getUint16(12, true)
  const bits = view.getUint16(14, true)
  const tag = plainTag(format, view)
  if (tag in COMPRESSED) throw new BadAudio(`The WAV file holds compressed sound (${COMPRESSED[tag]}), not samples.`, true)
  if (![PCM, FLOAT, A_LAW, MU_LAW].includes(tag)) throw new BadAudio(`The WAV file holds sound of the unknown kind 0x${tag.toString(16).padStart(4, '0')}.`, true)
  if (channels === 0) throw new BadAudio('The WAV file claims to have 0 channels.')
  if (rate === 0) throw new BadAudio('The WAV file claims a sample rate of 0 Hz.')
  if (bits === 0 && (tag === PCM || tag === FLOAT)) throw new BadAudio('The WAV file claims samples of 0 bits.')
  const law = tag === A_LAW || tag === MU_LAW
  const least = law ? 1 : Math.ceil(bits / 8)
  const byAlign = align / channels
  const trusted = Number.isInteger(byAlign) && byAlign >= least && byAlign <= 8
  if (!trusted) warnings.push(`The header says ${align} bytes a frame, which ${channels} channels of ${bits} bits cannot be; ${least * channels} was taken.`)
  const sampleBytes = trusted ? byAlign : least
  const read = reader(tag, sampleBytes, bits)
  const name = { [PCM]: `${bits}-bit PCM`, [FLOAT]: `${bits}-bit float`, [A_LAW]: 'A-law', [MU_LAW]: 'µ-law' }[tag]!
  return { rate, channels, sampleBytes, frameBytes: sampleBytes * channels, form: name, isFloat: tag === FLOAT, read }
}

function plainTag(format: Uint8Array, view: DataView): number {
  const tag = view.getUint16(0, true)
  if (tag !== EXTENSIBLE) return tag
  if (format.length < 40) throw new BadAudio(`The WAV file's extensible fmt chunk has ${format.length} bytes; 40 are needed.`)
  const tail = Array.from(format.subarray(26, 40), (b) => b.toString(16).padStart(2, '0')).join('')
  if (tail !== SUBTYPE_TAIL) throw new BadAudio('The WAV file holds sound of a private kind (its subformat is not one of the standard ones).', true)
  return view.getUint16(24, true)
}

function reader(tag: number, sampleBytes: number, bits: number): (view: DataView, at: number) => number {
  if (tag === A_LAW) return (view, at) => A_LAW_TABLE[view.getUint8(at)]!
  if (tag === MU_LAW) return (view, at) => MU_LAW_TABLE[view.getUint8(at)]!
  if (tag === FLOAT && bits === 32 && sampleBytes === 4) return (view, at) => view.getFloat32(at, true)
  if (tag === FLOAT && bits === 64 && sampleBytes === 8) return (view, at) => view.getFloat64(at, true)
  if (tag === PCM && sampleBytes === 1) return (view, at) => (view.getUint8(at) - 128) / 128
  if (tag === PCM && sampleBytes === 2) return (view, at) => view.getInt16(at, true) / 2 ** 15
  if (tag === PCM && sampleBytes === 3) return (view, at) => (view.getUint16(at, true) / 2 ** 8 / 2 ** 15) + view.getInt8(at + 2) / 2 ** 7
  if (tag === PCM && sampleBytes === 4) return (view, at) => view.getInt32(at, true) / 2 ** 31
  throw new BadAudio(`The WAV file holds ${bits}-bit ${tag === FLOAT ? 'float' : 'PCM'} samples in ${sampleBytes} bytes, which no common program writes.`, true)
}

/** ITU-T G.711, by the segment and step of each code, in 16-bit numbers. */
const A_LAW_TABLE = Float32Array.from({ length: 256 }, (_, code) => {
  const c = code ^ 0x55
  const segment = (c >> 4) & 7
  const step = (c & 15) * 2 + 1
  const size = (segment === 0 ? step : (step + 32) << (segment - 1)) << 3
  return (c & 0x80 ? size : -size) / 32768
})
const MU_LAW_TABLE = Float32Array.from({ length: 256 }, (_, code) => {
  const c = ~code & 0xff
  const size = (((((c & 15) << 3) + 132) << ((c >> 4) & 7)) - 132)
  return (c & 0x80 ? -size : size) / 32768
})
