import { readFileSync } from 'node:fs'
import { arch, cpus, release, totalmem, type } from 'node:os'
import type { Machine } from './types.ts'

export function machineHere(): Omit<Machine, 'load'> {
  const list = cpus()
  const gpuDriver = driverHere()
  return {
    os: `${type()} ${release()}`,
    arch: arch(),
    cpu: list[0]?.model.trim() || 'unknown',
    logicalCores: Math.max(1, list.length),
    memoryBytes: totalmem(),
    node: process.version,
    ...(gpuDriver === null ? {} : { gpuDriver }),
  }
}

/** `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  …`, and `… Open Kernel Module for x86_64  550.54.14  …`. */
function driverHere(): string | null {
  try {
    return /^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s/m.exec(readFileSync('/proc/driver/nvidia/version', 'utf8'))?.[1] ?? null
  } catch {
    return null
  }
}
