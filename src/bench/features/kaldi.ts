import { powerSpectrum } from './fft.ts'
import { apply, kaldiBank, slaneyBank, type MelBank } from './mel.ts'

export interface FbankOptions {
  readonly mels: number
  /** Only whole frames, as Kaldi; otherwise frames centred on the hop with the ends mirrored, as sherpa-onnx. */
  readonly snipEdges: boolean
  readonly lowHz: number
  /** ≤ 0: counted down from half the rate. */
  readonly highHz: number
  /** 32768 where the model was trained on 16-bit numbers, else 1. */
  readonly scale: number
  /** Whether the mean of each frame is taken off it. */
  readonly centre: boolean
  readonly window: 'povey' | 'hann'
  /** How a band without energy is kept from −∞: raised to 2^-23, or 2^-24 added to each. */
  readonly guard: 'raised' | 'added'
  readonly bank: 'kaldi' | 'slaney'
}

export const KALDI: FbankOptions = { mels: 80, snipEdges: true, lowHz: 20, highHz: 0, scale: 32768, centre: true, window: 'povey', guard: 'raised', bank: 'kaldi' }
/** k2-fsa/sherpa-onnx csrc/features.h. */
export const SHERPA: FbankOptions = { ...KALDI, snipEdges: false, highHz: -400, scale: 1 }
/**
 * What sherpa-onnx makes of it for transducers of NeMo (offline-recognizer-transducer-nemo-impl.h), which is not what NeMo does.
 * The guard is that of version 2; before, it was as for all others.
 */
export const SHERPA_NEMO: FbankOptions = { ...SHERPA, lowHz: 0, centre: false, bank: 'slaney', guard: 'added' }
/** And for CTC of NeMo (offline-recognizer-ctc-impl.h). */
export const SHERPA_NEMO_CTC: FbankOptions = { ...SHERPA_NEMO, highHz: 0, window: 'hann' }
/** And for CTC of WeNet, whose dither is left out here: it would be another recording in every run. */
export const SHERPA_WENET: FbankOptions = { ...SHERPA, scale: 32768 }

const RATE = 16000
const LENGTH = 400
const HOP = 160
const FFT = 512
const PREEMPHASIS = 0.97
const FLOOR = 2 ** -23
const GUARD = 2 ** -24

const WINDOWS = {
  /** Kaldi's own: a symmetric Hann to the power 0.85. */
  povey: Float64Array.from({ length: LENGTH }, (_, i) => (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (LENGTH - 1))) ** 0.85),
  /** Symmetric: `hanning` of kaldi-native-fbank, whose `hann` is periodic. */
  hann: Float64Array.from({ length: LENGTH }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (LENGTH - 1))),
} as const
const spectrum = powerSpectrum(FFT)
const banks = new Map<string, MelBank>()

/** Log filter-bank energies as Kaldi computes them (src/feat/feature-fbank.cc), without dither. Row-major [frames, mels]. */
export function kaldiFbank(samples: Float32Array, options: FbankOptions = KALDI): { readonly data: Float32Array; readonly frames: number } {
  const { mels, scale, centre } = options
  const key = `${options.bank} ${mels} ${options.lowHz} ${options.highHz}`
  const bank = banks.get(key) ?? (options.bank === 'kaldi' ? kaldiBank : slaneyBank)(mels, FFT, RATE, options.lowHz, options.highHz)
  const window = WINDOWS[options.window]
  const raised = options.guard === 'raised'
  banks.set(key, bank)
  const frames = frameCount(samples.length, options.snipEdges)
  const data = new Float32Array(frames * mels)
  const frame = new Float64Array(FFT)
  const power = new Float64Array(FFT / 2 + 1)
  const row = new Float64Array(mels)
  for (let t = 0; t < frames; t++) {
    const start = options.snipEdges ? t * HOP : t * HOP + HOP / 2 - LENGTH / 2
    let sum = 0
    const whole = start >= 0 && start + LENGTH <= samples.length
    for (let i = 0; i < LENGTH; i++) {
      const value = samples[whole ? start + i : mirrored(start + i, samples.length)]! * scale
      frame[i] = value
      sum += value
    }
    const mean = centre ? sum / LENGTH : 0
    let previous = frame[0]! - mean
    for (let i = 0; i < LENGTH; i++) {
      const value = frame[i]! - mean
      frame[i] = (value - PREEMPHASIS * previous) * window[i]!
      previous = value
    }
    spectrum(frame, power)
    apply(bank, power, row)
    for (let m = 0; m < mels; m++) data[t * mels + m] = Math.log(raised ? Math.max(row[m]!, FLOOR) : row[m]! + GUARD)
  }
  return { data, frames }
}

export function frameCount(samples: number, snipEdges: boolean): number {
  if (!snipEdges) return Math.floor((samples + HOP / 2) / HOP)
  return samples < LENGTH ? 0 : 1 + Math.floor((samples - LENGTH) / HOP)
}

function mirrored(index: number, length: number): number {
  let at = index
  while (at < 0 || at >= length) at = at < 0 ? -at - 1 : 2 * length - 1 - at
  return at
}
