import { powerSpectrum } from './fft.ts'
import { apply, slaneyBank, type MelBank } from './mel.ts'

const RATE = 16000
const LENGTH = 400
const HOP = 160
const FFT = 512
const PREEMPHASIS = 0.97
const GUARD = 2 ** -24
const EPSILON = 1e-5

/** A symmetric Hann in the middle of the frame that is transformed, as torch.stft lays it. */
const WINDOW = Float64Array.from({ length: LENGTH }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (LENGTH - 1)))
const LEAD = (FFT - LENGTH) / 2
const spectrum = powerSpectrum(FFT)
const banks = new Map<number, MelBank>()

/**
 * NeMo's own input (AudioToMelSpectrogramPreprocessor with `per_feature`, no dither): preemphasis over the whole recording,
 * frames of 400 every 160 centred with zeros around, Slaney mel, ln(x + 2^-24), each channel to mean 0 and deviation 1 (of
 * n − 1). Row-major [mels, frames]; as there, one frame more is made than is valid, and it is 0.
 */
export function nemoLogMel(samples: Float32Array, mels: number): { readonly data: Float32Array; readonly frames: number; readonly valid: number } {
  const bank = banks.get(mels) ?? slaneyBank(mels, FFT, RATE)
  banks.set(mels, bank)
  const valid = Math.floor(samples.length / HOP)
  const frames = valid + 1
  const data = new Float32Array(mels * frames)
  const frame = new Float64Array(FFT)
  const power = new Float64Array(FFT / 2 + 1)
  const row = new Float64Array(mels)
  const logs = new Float64Array(mels * valid)
  for (let t = 0; t < valid; t++) {
    const start = t * HOP - FFT / 2 + LEAD
    for (let i = 0; i < LENGTH; i++) {
      const at = start + i
      const value = at < 0 || at >= samples.length ? 0 : samples[at]! - (at === 0 ? 0 : PREEMPHASIS * samples[at - 1]!)
      frame[LEAD + i] = value * WINDOW[i]!
    }
    frame.fill(0, 0, LEAD)
    frame.fill(0, LEAD + LENGTH)
    spectrum(frame, power)
    apply(bank, power, row)
    for (let m = 0; m < mels; m++) logs[m * valid + t] = Math.log(row[m]! + GUARD)
  }
  for (let m = 0; m < mels; m++) {
    const channel = logs.subarray(m * valid, (m + 1) * valid)
    const mean = channel.reduce((sum, value) => sum + value, 0) / valid
    const deviation = Math.sqrt(channel.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (valid - 1)) + EPSILON
    for (let t = 0; t < valid; t++) data[m * frames + t] = (channel[t]! - mean) / deviation
  }
  return { data, frames, valid }
}
