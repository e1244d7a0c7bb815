import type * as ort from 'onnxruntime-node'

/** 16-bit floating point (IEEE 754 binary16), which older versions of Node have no arrays for. */

const bits = new Uint32Array(1)
const single = new Float32Array(bits.buffer)

/** Rounds to the nearest, ties to even, as the hardware does. */
export function toHalf(value: number): number {
  single[0] = value
  const x = bits[0]!
  const sign = (x >>> 16) & 0x8000
  const magnitude = x & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x33000001) return sign
  if (magnitude < 0x38800000) {
    // Below 2^-14 the steps no longer shrink.
    const shift = 126 - (magnitude >>> 23)
    const mantissa = (magnitude & 0x7fffff) | 0x800000
    const half = mantissa >>> shift
    const rest = mantissa & ((1 << shift) - 1)
    const middle = 1 << (shift - 1)
    return sign | (half + (rest > middle || (rest === middle && (half & 1) === 1) ? 1 : 0))
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const mantissa = half & 0x3ff
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25))
}

/** Values of a tensor of either precision. */
export function singles(tensor: ort.Tensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data
  if (tensor.type !== 'float16') throw new Error(`The model gives ${tensor.type} where numbers of 16 or 32 bits were expected.`)
  // Node 24 has arrays of such numbers, older ones show their bits.
  const data = tensor.data as unknown as { readonly buffer: ArrayBuffer; readonly byteOffset: number; readonly length: number }
  return Float32Array.from(new Uint16Array(data.buffer, data.byteOffset, data.length), fromHalf)
}

/** A tensor of the precision that a graph declares for its input; one that fits is handed on as it is. */
export function inPrecision({ Tensor }: typeof ort, dtype: string, value: ort.Tensor): ort.Tensor {
  if (dtype === 'float16') return value.type === 'float16' ? value : new Tensor('float16', Uint16Array.from(singles(value), toHalf), value.dims)
  return value.type === 'float16' ? new Tensor('float32', singles(value), value.dims) : value
}
