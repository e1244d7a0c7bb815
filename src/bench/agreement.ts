/** How alike two outputs of the same network on the same input are. */
export interface Agreement {
  /** Cosine of the angle between them; NaN becomes 0. */
  readonly cosine: number
  /** Whether every number of the device's output is one. */
  readonly finite: boolean
  /** One warm run on the CPU. */
  readonly cpuWallMs: number
}

/** Half precision and other orders of summation stay well above this; a kernel that computes something else does not. */
export const LEAST_COSINE = 0.999
/** A device that is not even twice as fast as the processor beside it is not doing its work. */
export const LEAST_SPEED_UP = 2

export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return 0
  let [dot, left, right] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!
    left += a[i]! ** 2
    right += b[i]! ** 2
  }
  const value = dot / Math.sqrt(left * right)
  return Number.isFinite(value) ? value : 0
}
