/** Writes WAV files byte by byte, right or wrong on purpose. */
export const u16 = (...values: readonly number[]) => Buffer.concat(values.map((value) => { const b = Buffer.alloc(2); b.writeUInt16LE(value); return b }))
export const u32 = (...values: readonly number[]) => Buffer.concat(values.map((value) => { const b = Buffer.alloc(4); b.writeUInt32LE(value >>> 0); return b }))
export const u64 = (value: bigint) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(value); return b }
export const text = (value: string) => Buffer.from(value, 'latin1')

export interface Form {
  readonly tag?: number
  readonly channels?: number
  readonly rate?: number
  readonly bits?: number
  readonly align?: number
  readonly extra?: Buffer
}

export function fmtBody({ tag = 1, channels = 1, rate = 16000, bits = 16, align = (channels * bits) / 8, extra = Buffer.alloc(0) }: Form = {}): Buffer {
  return Buffer.concat([u16(tag, channels), u32(rate, (rate * align) >>> 0), u16(align, bits), extra])
}

const GUID_TAIL = Buffer.from('000000001000800000aa00389b71', 'hex')
export const extensible = (subformat: number, bits: number, mask = 0, tail = GUID_TAIL) => Buffer.concat([u16(22, bits), u32(mask), u16(subformat), tail])

export const chunk = (id: string, body: Buffer, size = body.length, pad = true) => Buffer.concat([text(id), u32(size), body, Buffer.alloc(pad && body.length % 2 === 1 ? 1 : 0)])

export function riff(...chunks: readonly Buffer[]): Buffer {
  const body = Buffer.concat(chunks)
  return Buffer.concat([text('RIFF'), u32(body.length + 4), text('WAVE'), body])
}

export const fmt = (form?: Form) => chunk('fmt ', fmtBody(form))
export const data = (body: Buffer, size?: number) => chunk('data', body, size)

/** Four samples that are exact in every format from 16 bits up. */
export const EXPECTED = [0, 0.5, -0.5, 0.25]
export const pcm16 = () => Buffer.concat([0, 16384, -16384, 8192].map((value) => { const b = Buffer.alloc(2); b.writeInt16LE(value); return b }))
export const plain = () => riff(fmt(), data(pcm16()))
