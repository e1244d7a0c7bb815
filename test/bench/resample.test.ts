import { describe, expect, it } from 'vitest'
import { resample } from '../../src/bench/audio/resample.ts'

const tone = (hz: number, rate: number, seconds: number) => Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rate))

/** Signal over error in dB, away from the ends, against the same tone sampled at the new rate to begin with. */
function snr(ours: Float32Array, hz: number, rate: number): number {
  let signal = 0
  let error = 0
  for (let i = 2000; i < ours.length - 2000; i++) {
    const ideal = 0.5 * Math.sin((2 * Math.PI * hz * i) / rate)
    signal += ideal ** 2
    error += (ours[i]! - ideal) ** 2
  }
  return 10 * Math.log10(signal / error)
}

describe('resampling to 16 kHz', () => {
  it.each([44100, 48000].flatMap((rate) => [50, 440, 1000, 3000, 5000, 6500, 7000].map((hz) => [rate, hz] as const)))('a tone from %i Hz at %i Hz comes out at 100 dB or better', (rate, hz) => {
    expect(snr(resample(tone(hz, rate, 1), rate, 16000), hz, 16000)).toBeGreaterThan(100)
  })
  it.each([8000, 11025, 22050, 32000, 96000, 192000])('from %i Hz as well', (rate) => {
    expect(snr(resample(tone(440, rate, 1), rate, 16000), 440, 16000)).toBeGreaterThan(100)
  })
  it.each([[15_999, 7000], [47_999, 7000], [44_101, 6500], [191_999, 7000], [767_999, 3000]])('from %i Hz, which has no factor in common, a tone of %i Hz: 100 dB too, within bounded memory', (rate, hz) => {
    const input = tone(hz, rate, 0.5)
    const before = process.memoryUsage().arrayBuffers
    const out = resample(input, rate, 16000)
    expect(snr(out, hz, 16000)).toBeGreaterThan(100)
    // The taps for every hertz would be 786 MB at the last of these rates.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20)
  })
  it.each([8100, 9000, 12000, 15999, 20000])('what is above the new half rate (%i Hz) is gone, not folded back', (hz) => {
    const out = resample(tone(hz, 48000, 1), 48000, 16000).subarray(2000, 14000)
    const level = Math.sqrt(out.reduce((sum, value) => sum + value ** 2, 0) / out.length) / (0.5 / Math.SQRT2)
    expect(20 * Math.log10(level)).toBeLessThan(-100)
  })
  it.each([[48000, 48000, 16000], [44100, 44100, 16000], [8000, 8000, 16000], [44101, 44101, 16000], [7, 44100, 3], [0, 48000, 0]])('%i samples at %i Hz become %i', (length, rate, expected) => {
    expect(resample(new Float32Array(length), rate, 16000).length).toBe(expected)
  })
  it('the same rate is left alone, and a constant stays one', () => {
    const samples = Float32Array.from([1, 2, 3])
    expect(resample(samples, 16000, 16000)).toBe(samples)
    const flat = resample(new Float32Array(48000).fill(0.25), 48000, 16000)
    expect(flat[8000]).toBeCloseTo(0.25, 7)
  })
})
