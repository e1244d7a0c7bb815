import { arch, cpus, release, totalmem, type } from 'node:os'
import type { Machine } from './types.ts'

export function machineHere(): Omit<Machine, 'load'> {
  const list = cpus()
  return {
    os: `${type()} ${release()}`,
    arch: arch(),
    cpu: list[0]?.model.trim() || 'unknown',
    logicalCores: Math.max(1, list.length),
    memoryBytes: totalmem(),
    node: process.version,
  }
}
