import type { Calibration } from './messages.ts'

const SIZE = 192
const PRODUCTS = 3

const a = Float64Array.from({ length: SIZE * SIZE }, (_, i) => Math.sin(i))
const b = Float64Array.from({ length: SIZE * SIZE }, (_, i) => Math.cos(i))
const out = new Float64Array(SIZE * SIZE)

/** A fixed piece of work on one core without any library: matrix products in JavaScript, some 20 ms. */
export async function scriptKernel(): Promise<Calibration> {
  const cpu = process.cpuUsage()
  const wall = performance.now()
  for (let n = 0; n < PRODUCTS; n++) multiply()
  const wallMs = performance.now() - wall
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs, cpuMs: (user + system) / 1000 }
}

function multiply(): void {
  out.fill(0)
  for (let i = 0; i < SIZE; i++) {
    for (let k = 0; k < SIZE; k++) {
      const factor = a[i * SIZE + k]!
      for (let j = 0; j < SIZE; j++) out[i * SIZE + j] = out[i * SIZE + j]! + factor * b[k * SIZE + j]!
    }
  }
}
