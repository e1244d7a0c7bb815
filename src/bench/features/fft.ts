/**
 * The power spectrum of real frames, for any even length made of the factors 2, 3, 4 and 5 (400 for Whisper, 512 for Kaldi):
 * a Stockham transform of half the length (Swarztrauber 1984), then the usual split of a packed real signal. All in float64.
 */
export type PowerSpectrum = (frame: Float64Array, power: Float64Array) => void

export function powerSpectrum(size: number): PowerSpectrum {
  const half = size / 2
  const stages = plan(half)
  const buffers = [new Float64Array(half), new Float64Array(half), new Float64Array(half), new Float64Array(half)] as const
  const cos = Float64Array.from({ length: half + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / size))
  const sin = Float64Array.from({ length: half + 1 }, (_, k) => Math.sin((2 * Math.PI * k) / size))
  return (frame, power) => {
    let [re, im, re2, im2] = buffers
    for (let k = 0; k < half; k++) {
      re[k] = frame[2 * k]!
      im[k] = frame[2 * k + 1]!
    }
    for (const stage of stages) {
      RADIX[stage.radix]!(stage, re, im, re2, im2)
      ;[re, re2] = [re2, re]
      ;[im, im2] = [im2, im]
    }
    for (let k = 0; k <= half; k++) {
      const a = k === half ? 0 : k
      const b = k === 0 ? 0 : half - k
      const evenRe = re[a]! + re[b]!
      const evenIm = im[a]! - im[b]!
      const oddRe = im[a]! + im[b]!
      const oddIm = re[b]! - re[a]!
      const real = evenRe + cos[k]! * oddRe + sin[k]! * oddIm
      const imaginary = evenIm + cos[k]! * oddIm - sin[k]! * oddRe
      power[k] = 0.25 * (real * real + imaginary * imaginary)
    }
  }
}

interface Stage {
  readonly radix: number
  /** Butterflies with distinct twiddles, and how many neighbours share each. */
  readonly groups: number
  readonly stride: number
  /** e^(-2πi·p·j/n) for each group p and output j = 1 … radix-1. */
  readonly cos: Float64Array
  readonly sin: Float64Array
}

function plan(length: number): readonly Stage[] {
  const stages: Stage[] = []
  let n = length
  let stride = 1
  while (n > 1) {
    const radix = [4, 5, 3, 2].find((r) => n % r === 0)
    if (radix === undefined) throw new RangeError(`${2 * length} is not a product of 2, 3 and 5`)
    const groups = n / radix
    const angles = Array.from({ length: groups * (radix - 1) }, (_, i) => (-2 * Math.PI * Math.floor(i / (radix - 1)) * ((i % (radix - 1)) + 1)) / n)
    stages.push({ radix, groups, stride, cos: Float64Array.from(angles, Math.cos), sin: Float64Array.from(angles, Math.sin) })
    n = groups
    stride *= radix
  }
  return stages
}

type Butterflies = (stage: Stage, re: Float64Array, im: Float64Array, outRe: Float64Array, outIm: Float64Array) => void

const radix2: Butterflies = ({ groups, stride, cos, sin }, re, im, outRe, outIm) => {
  const step = stride * groups
  for (let p = 0; p < groups; p++) {
    const c = cos[p]!
    const s = sin[p]!
    for (let q = 0; q < stride; q++) {
      const i = q + stride * p
      const o = q + stride * 2 * p
      const dr = re[i]! - re[i + step]!
      const di = im[i]! - im[i + step]!
      outRe[o] = re[i]! + re[i + step]!
      outIm[o] = im[i]! + im[i + step]!
      outRe[o + stride] = dr * c - di * s
      outIm[o + stride] = dr * s + di * c
    }
  }
}

const radix4: Butterflies = ({ groups, stride, cos, sin }, re, im, outRe, outIm) => {
  const step = stride * groups
  for (let p = 0; p < groups; p++) {
    const t = 3 * p
    const c1 = cos[t]!, s1 = sin[t]!, c2 = cos[t + 1]!, s2 = sin[t + 1]!, c3 = cos[t + 2]!, s3 = sin[t + 2]!
    for (let q = 0; q < stride; q++) {
      const i = q + stride * p
      const o = q + stride * 4 * p
      const ar = re[i]! + re[i + 2 * step]!, ai = im[i]! + im[i + 2 * step]!
      const br = re[i]! - re[i + 2 * step]!, bi = im[i]! - im[i + 2 * step]!
      const cr = re[i + step]! + re[i + 3 * step]!, ci = im[i + step]! + im[i + 3 * step]!
      // The difference turned by -i.
      const dr = im[i + step]! - im[i + 3 * step]!, di = re[i + 3 * step]! - re[i + step]!
      outRe[o] = ar + cr
      outIm[o] = ai + ci
      const x1r = br + dr, x1i = bi + di
      outRe[o + stride] = x1r * c1 - x1i * s1
      outIm[o + stride] = x1r * s1 + x1i * c1
      const x2r = ar - cr, x2i = ai - ci
      outRe[o + 2 * stride] = x2r * c2 - x2i * s2
      outIm[o + 2 * stride] = x2r * s2 + x2i * c2
      const x3r = br - dr, x3i = bi - di
      outRe[o + 3 * stride] = x3r * c3 - x3i * s3
      outIm[o + 3 * stride] = x3r * s3 + x3i * c3
    }
  }
}

const C51 = Math.cos((2 * Math.PI) / 5), C52 = Math.cos((4 * Math.PI) / 5)
const S51 = Math.sin((2 * Math.PI) / 5), S52 = Math.sin((4 * Math.PI) / 5)

const radix5: Butterflies = ({ groups, stride, cos, sin }, re, im, outRe, outIm) => {
  const step = stride * groups
  for (let p = 0; p < groups; p++) {
    const t = 4 * p
    const c1 = cos[t]!, s1 = sin[t]!, c2 = cos[t + 1]!, s2 = sin[t + 1]!, c3 = cos[t + 2]!, s3 = sin[t + 2]!, c4 = cos[t + 3]!, s4 = sin[t + 3]!
    for (let q = 0; q < stride; q++) {
      const i = q + stride * p
      const o = q + stride * 5 * p
      const r0 = re[i]!, i0 = im[i]!
      const ar = re[i + step]! + re[i + 4 * step]!, ai = im[i + step]! + im[i + 4 * step]!
      const br = re[i + step]! - re[i + 4 * step]!, bi = im[i + step]! - im[i + 4 * step]!
      const cr = re[i + 2 * step]! + re[i + 3 * step]!, ci = im[i + 2 * step]! + im[i + 3 * step]!
      const dr = re[i + 2 * step]! - re[i + 3 * step]!, di = im[i + 2 * step]! - im[i + 3 * step]!
      outRe[o] = r0 + ar + cr
      outIm[o] = i0 + ai + ci
      const e1r = r0 + C51 * ar + C52 * cr, e1i = i0 + C51 * ai + C52 * ci
      const e2r = r0 + C52 * ar + C51 * cr, e2i = i0 + C52 * ai + C51 * ci
      // The odd parts turned by -i.
      const f1r = S51 * bi + S52 * di, f1i = -(S51 * br + S52 * dr)
      const f2r = S52 * bi - S51 * di, f2i = S51 * dr - S52 * br
      const x1r = e1r + f1r, x1i = e1i + f1i
      outRe[o + stride] = x1r * c1 - x1i * s1
      outIm[o + stride] = x1r * s1 + x1i * c1
      const x2r = e2r + f2r, x2i = e2i + f2i
      outRe[o + 2 * stride] = x2r * c2 - x2i * s2
      outIm[o + 2 * stride] = x2r * s2 + x2i * c2
      const x3r = e2r - f2r, x3i = e2i - f2i
      outRe[o + 3 * stride] = x3r * c3 - x3i * s3
      outIm[o + 3 * stride] = x3r * s3 + x3i * c3
      const x4r = e1r - f1r, x4i = e1i - f1i
      outRe[o + 4 * stride] = x4r * c4 - x4i * s4
      outIm[o + 4 * stride] = x4r * s4 + x4i * c4
    }
  }
}

const S3 = Math.sqrt(3) / 2

const radix3: Butterflies = ({ groups, stride, cos, sin }, re, im, outRe, outIm) => {
  const step = stride * groups
  for (let p = 0; p < groups; p++) {
    const t = 2 * p
    for (let q = 0; q < stride; q++) {
      const i = q + stride * p
      const o = q + stride * 3 * p
      const ar = re[i + step]! + re[i + 2 * step]!, ai = im[i + step]! + im[i + 2 * step]!
      const br = S3 * (im[i + step]! - im[i + 2 * step]!), bi = S3 * (re[i + 2 * step]! - re[i + step]!)
      const cr = re[i]! - 0.5 * ar, ci = im[i]! - 0.5 * ai
      outRe[o] = re[i]! + ar
      outIm[o] = im[i]! + ai
      outRe[o + stride] = (cr + br) * cos[t]! - (ci + bi) * sin[t]!
      outIm[o + stride] = (cr + br) * sin[t]! + (ci + bi) * cos[t]!
      outRe[o + 2 * stride] = (cr - br) * cos[t + 1]! - (ci - bi) * sin[t + 1]!
      outIm[o + 2 * stride] = (cr - br) * sin[t + 1]! + (ci - bi) * cos[t + 1]!
    }
  }
}

const RADIX: Readonly<Record<number, Butterflies>> = { 2: radix2, 3: radix3, 4: radix4, 5: radix5 }
