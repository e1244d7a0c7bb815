/**
 * Which compute types CTranslate2 takes on which device (docs/quantization.md; src/types.cc, resolve_compute_type). A type that is
 * asked for by name and not to be had is refused; `default` and `auto` are converted in silence.
 */
export const COMPUTE_TYPES = ['int8', 'int8_float32', 'int8_float16', 'int8_bfloat16', 'int16', 'float16', 'bfloat16', 'float32', 'float', 'default', 'auto'] as const
export type ComputeType = (typeof COMPUTE_TYPES)[number]

export const isComputeType = (word: string): word is ComputeType => (COMPUTE_TYPES as readonly string[]).includes(word)

export interface Device {
  /** Compute capability as 86 for 8.6; null = the CPU. */
  readonly capability: number | null
  /** Of CTranslate2, where it is known. */
  readonly version: string | null
}

interface Can {
  readonly int8: boolean
  readonly float16: boolean
  readonly bfloat16: boolean
}

function can({ capability, version }: Device): Can {
  // Every published build has a backend for int8 on the CPU.
  if (capability === null) return { int8: true, float16: false, bfloat16: false }
  const [major = 0, minor = 0, patch = 0] = (version ?? '').split('.').map(Number)
  // 4.6.2 and 4.6.3 switch int8 off on compute capability 12.0 (OpenNMT/CTranslate2#1865); 4.7.0 switches it on again.
  const off = capability === 120 && major === 4 && minor === 6 && patch >= 2
  return { int8: (capability >= 70 || capability === 61) && !off, float16: capability >= 70, bfloat16: capability >= 80 }
}

/** Whether CTranslate2 refuses the type there. On the CPU int16 depends on the processor and is not judged. */
export function refused(type: ComputeType, device: Device): boolean {
  const { int8, float16, bfloat16 } = can(device)
  switch (type) {
    case 'float16': return !float16
    case 'bfloat16': return !bfloat16
    case 'int8':
    case 'int8_float32': return !int8
    case 'int8_float16': return !int8 || !float16
    case 'int8_bfloat16': return !int8 || !bfloat16
    case 'int16': return device.capability !== null
    default: return false
  }
}

/** The nearest type that is to be had there, as `default` would choose it. */
export function instead(type: ComputeType, device: Device): ComputeType {
  const { int8, float16 } = can(device)
  if (type.startsWith('int8') && int8) return 'int8_float32'
  return float16 ? 'float16' : 'float32'
}
