/** Half the filter's length at the lower of the two rates, and the Kaiser window's shape: stop band below -120 dB. */
const LOBES = 64
const BETA = 12.5
/** The pass band ends here, as a part of the lower Nyquist frequency. */
const ROLL_OFF = 0.94
/**
 * Positions between two input samples that have taps of their own. Usual rates need at most 640; rates that have no factor in
 * common would need one for each hertz, so there the taps of neighbours are mixed, which still is better than 100 dB.
 */
const POSITIONS = 1024

/**
 * Changes the sample rate by a polyphase filter: a windowed sinc (Kaiser), one set of taps for each position that an output
 * sample can take between two input samples. Linear phase, no delay.
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples
  const divisor = gcd(from, to)
  const up = to / divisor
  const down = from / divisor
  const cutoff = (Math.min(from, to) / from) * ROLL_OFF
  const half = Math.ceil(LOBES / Math.min(1, to / from))
  const length = Math.floor((samples.length * up + down - 1) / down)
  const out = new Float32Array(length)
  const positions = Math.min(up, POSITIONS)
  const table: Float64Array[] = []
  const taps = (at: number) => (table[at] ??= tapsAt(at / positions, half, cutoff))
  for (let i = 0; i < length; i++) {
    const position = i * down
    const phase = position % up
    const start = (position - phase) / up - half + 1
    const first = Math.max(0, -start)
    const last = Math.min(2 * half, samples.length - start)
    const at = up === positions ? phase : (phase / up) * positions
    const below = Math.floor(at)
    out[i] = product(taps(below), samples, start, first, last)
    if (at > below) out[i] = (1 - at + below) * out[i]! + (at - below) * product(taps(below + 1), samples, start, first, last)
  }
  return out
}

function product(taps: Float64Array, samples: Float32Array, start: number, first: number, last: number): number {
  let sum = 0
  for (let j = first; j < last; j++) sum += taps[j]! * samples[start + j]!
  return sum
}

/** The taps for an output sample `fraction` of the way from one input sample to the next, scaled to pass a constant unchanged. */
function tapsAt(fraction: number, half: number, cutoff: number): Float64Array {
  const taps = new Float64Array(2 * half)
  let sum = 0
  for (let j = 0; j < taps.length; j++) {
    const x = j - half + 1 - fraction
    const sinc = x === 0 ? cutoff : Math.sin(Math.PI * x * cutoff) / (Math.PI * x)
    const edge = 1 - (x / half) ** 2
    taps[j] = edge < 0 ? 0 : (sinc * bessel0(BETA * Math.sqrt(edge))) / bessel0(BETA)
    sum += taps[j]!
  }
  return taps.map((tap) => tap / sum)
}

/** The modified Bessel function of order 0, by its power series. */
function bessel0(x: number): number {
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
