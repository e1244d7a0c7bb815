/** Triangles over the bins of a power spectrum: each filter's first bin and its weights. */
export interface MelBank {
  readonly filters: readonly { readonly first: number; readonly weights: Float64Array }[]
}

export function apply(bank: MelBank, power: Float64Array, out: Float64Array): void {
  for (let m = 0; m < bank.filters.length; m++) {
    const { first, weights } = bank.filters[m]!
    let sum = 0
    for (let i = 0; i < weights.length; i++) sum += weights[i]! * power[first + i]!
    out[m] = sum
  }
}

/** Slaney's Auditory Toolbox scale: linear to 1 kHz, then logarithmic; triangles of equal area, straight in hertz. */
export function slaneyBank(mels: number, fftSize: number, rate: number, lowHz = 0, highHz = 0): MelBank {
  const low = toSlaney(lowHz)
  const step = (toSlaney(highHz > 0 ? highHz : rate / 2 + highHz) - low) / (mels + 1)
  const edges = Array.from({ length: mels + 2 }, (_, i) => fromSlaney(low + step * i))
  return triangles(mels, fftSize / 2 + 1, (m, bin) => {
    const hz = (bin * rate) / fftSize
    const [left, centre, right] = [edges[m]!, edges[m + 1]!, edges[m + 2]!]
    return (Math.max(0, Math.min((hz - left) / (centre - left), (right - hz) / (right - centre))) * 2) / (right - left)
  })
}

const STEP_HZ = 200 / 3
const LOG_STEP = Math.log(6.4) / 27
const toSlaney = (hz: number) => (hz < 1000 ? hz / STEP_HZ : 1000 / STEP_HZ + Math.log(hz / 1000) / LOG_STEP)
const fromSlaney = (mel: number) => (mel < 1000 / STEP_HZ ? mel * STEP_HZ : 1000 * Math.exp(LOG_STEP * (mel - 1000 / STEP_HZ)))

/** Kaldi's bank (src/feat/mel-computations.cc): 1127·ln(1 + f/700), triangles straight in mel, the Nyquist bin left out. */
export function kaldiBank(mels: number, fftSize: number, rate: number, lowHz: number, highHz: number): MelBank {
  const mel = (hz: number) => 1127 * Math.log(1 + hz / 700)
  const low = mel(lowHz)
  const step = (mel(highHz > 0 ? highHz : rate / 2 + highHz) - low) / (mels + 1)
  return triangles(mels, fftSize / 2, (m, bin) => {
    const at = (mel((bin * rate) / fftSize) - low) / step - m
    return Math.max(0, Math.min(at, 2 - at))
  })
}

function triangles(mels: number, bins: number, weight: (mel: number, bin: number) => number): MelBank {
  const filters = Array.from({ length: mels }, (_, m) => {
    const all = Array.from({ length: bins }, (_, bin) => weight(m, bin))
    const first = all.findIndex((w) => w > 0)
    const last = all.findLastIndex((w) => w > 0)
    return first < 0 ? { first: 0, weights: new Float64Array(0) } : { first, weights: Float64Array.from(all.slice(first, last + 1)) }
  })
  return { filters }
}
