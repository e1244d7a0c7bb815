import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { powerSpectrum } from '../../src/bench/features/fft.ts'
import { frameCount, kaldiFbank, KALDI, SHERPA } from '../../src/bench/features/kaldi.ts'
import { whisperLogMel } from '../../src/bench/features/whisper.ts'

interface Packed {
  readonly shape: readonly [number, number]
  readonly float64: string
}
/** Made by test/rigs/bench-make-golden.py, which computes in float64 from the definitions and shares no code with ours. */
const golden = JSON.parse(readFileSync(new URL('./golden/features.json', import.meta.url), 'utf8')) as Record<string, Packed> & { samples: number; sum: number }

function signal(length: number): Float32Array {
  let state = 12345
  return Float32Array.from({ length }, (_, i) => {
    state = Number((1103515245n * BigInt(state) + 12345n) % 2147483648n)
    const noise = (state >> 16) / 32768 - 0.5
    const square = Math.floor((i * (3 + Math.floor(i / 997))) / 160) % 2 === 0 ? 1 : -1
    return i < Math.floor((length * 7) / 8) ? noise / 4 + square / 8 : noise / 4096
  })
}

const samples = signal(golden.samples)

function worst(ours: Float32Array, { float64 }: Packed): number {
  const bytes = Buffer.from(float64, 'base64')
  expect(ours.length).toBe(bytes.length / 8)
  let most = 0
  for (let i = 0; i < ours.length; i++) most = Math.max(most, Math.abs(ours[i]! - bytes.readDoubleLE(i * 8)))
  return most
}

describe('features against a float64 reference', () => {
  it('the test signal is the one the reference was computed of', () => {
    expect(samples.reduce((a, b) => a + b, 0)).toBeCloseTo(golden.sum, 9)
  })
  it.each([80, 128] as const)('Whisper log-mel with %i channels differs by less than 1e-6', (mels) => {
    const { data, frames } = whisperLogMel(samples, mels)
    expect([mels, frames]).toEqual(golden[`whisper${mels}`]!.shape)
    expect(worst(data, golden[`whisper${mels}`]!)).toBeLessThan(1e-6)
  })
  it('Kaldi filter banks differ by less than 1e-6', () => {
    const { data, frames } = kaldiFbank(samples, KALDI)
    expect([frames, 80]).toEqual(golden['kaldi80']!.shape)
    expect(worst(data, golden['kaldi80']!)).toBeLessThan(1e-6)
  })
  it('filter banks with mirrored ends, as sherpa-onnx wants them, differ by less than 1e-6', () => {
    const { data, frames } = kaldiFbank(samples, SHERPA)
    expect([frames, 80]).toEqual(golden['sherpa80']!.shape)
    expect(worst(data, golden['sherpa80']!)).toBeLessThan(1e-6)
  })
  it('57 s of sound are 5697 whole frames, as in the reference decoding of that length', () => {
    expect(frameCount(911_872, true)).toBe(5697)
    expect(frameCount(911_872, false)).toBe(5699)
  })
})

describe('the power spectrum', () => {
  it.each([8, 12, 20, 30, 60, 90, 400, 512])('of %i points equals the sum that defines it', (size) => {
    const frame = Float64Array.from(signal(size))
    const power = new Float64Array(size / 2 + 1)
    powerSpectrum(size)(frame, power)
    for (let k = 0; k <= size / 2; k++) {
      let re = 0
      let im = 0
      frame.forEach((value, n) => {
        re += value * Math.cos((2 * Math.PI * ((k * n) % size)) / size)
        im += value * Math.sin((2 * Math.PI * ((k * n) % size)) / size)
      })
      expect(Math.abs(power[k]! - (re * re + im * im))).toBeLessThan(1e-10 * size)
    }
  })
  it('refuses a length with another prime factor', () => {
    expect(() => powerSpectrum(14)).toThrow(/not a product of 2, 3 and 5/)
  })
})
