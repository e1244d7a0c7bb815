/** Versions of the NVIDIA driver: `580.65.06`. */

export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let at = 0; at < Math.max(left!.length, right!.length); at++) {
    const difference = (left![at] ?? 0) - (right![at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * The first line of /proc/driver/nvidia/version:
 * `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.261.03  …`, or `NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  …`.
 */
export const kernelVersionOf = (text: string): string | null => /^NVRM version:.*?\s(\d{3,}\.\d+(?:\.\d+)?)\s/m.exec(`${text}\n`)?.[1] ?? null

/** `libcuda.so.580.65.06` says which driver it belongs to; `libcuda.so.1` alone, as under WSL, does not. */
export const libraryVersionOf = (path: string): string | null => /\.so\.(\d{3,}\.\d+(?:\.\d+)?)$/.exec(path)?.[1] ?? null

/** The oldest driver that runs a CUDA major (docs.nvidia.com/deploy/cuda-compatibility, "minor version compatibility"). */
const LINUX: Readonly<Record<number, string>> = { 13: '580.65.06', 12: '525.60.13', 11: '450.80.02' }
/** Under WSL the driver is that of Windows, which counts apart. */
const WINDOWS: Readonly<Record<number, string>> = { 13: '580', 12: '527.41', 11: '452.39' }

export const oldestDriver = (cudaMajor: number, wsl: boolean): string | null => (wsl ? WINDOWS : LINUX)[cudaMajor] ?? null
