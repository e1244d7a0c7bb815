/**
 * A small predictive speech codec, used only to ship the reference clip. Each sample is predicted from the 16 before it by
 * normalised least mean squares (Widrow & Hoff 1960), the error is quantised in steps that follow the level of the signal,
 * and the steps are squeezed by brotli. Decoder and encoder run the same arithmetic on the same numbers; only + - × ÷ are
 * used, which IEEE 754 fixes to the last bit, so every machine decodes the same samples.
 */
const ORDER = 16
const ADAPTATION = 0.004
const LEVEL_DECAY = 1 / 256
const MIN_STEP = 6

/** The step as a part of the signal's recent level: 33 dB, and PocketSphinx hears what it heard in the original. */
const COARSENESS = 0.1

/** What is sent: the quantised errors. The samples that a decoder will make of them come along. */
export interface CodedClip {
  readonly steps: Int8Array
  readonly samples: Int16Array
}

export const encodeClip = (samples: Int16Array): CodedClip => code(samples.length, samples, null)

export const decodeClip = (steps: Int8Array): Int16Array => code(steps.length, null, steps).samples

function code(count: number, from: Int16Array | null, given: Int8Array | null): CodedClip {
  const steps = new Int8Array(count)
  const samples = new Int16Array(count)
  const weights = new Float64Array(ORDER)
  // The last ORDER samples, kept twice so that a window of them is always contiguous.
  const history = new Float64Array(2 * ORDER)
  let at = 0
  let energy = 0
  let level = 0
  for (let i = 0; i < count; i++) {
    let prediction = 0
    for (let j = 0; j < ORDER; j++) prediction += weights[j]! * history[at + j]!
    const step = Math.max(MIN_STEP, COARSENESS * level)
    const q = given ? given[i]! : Math.max(-127, Math.min(127, Math.round((from![i]! - prediction) / step)))
    const error = q * step
    const value = Math.max(-32768, Math.min(32767, Math.round(prediction + error)))
    const rate = (ADAPTATION * error) / (1 + energy / ORDER)
    for (let j = 0; j < ORDER; j++) weights[j] = weights[j]! + rate * history[at + j]!
    const next = at === 0 ? ORDER - 1 : at - 1
    energy += value * value - history[next]! * history[next]!
    history[next] = value
    history[next + ORDER] = value
    at = next
    level += (Math.abs(value) - level) * LEVEL_DECAY
    steps[i] = q
    samples[i] = value
  }
  return { steps, samples }
}
