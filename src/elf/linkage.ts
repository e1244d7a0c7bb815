import type { Linkage } from '../types.ts'
export type Bytes = (offset: number, length: number) => Promise<Uint8Array>
export async function linkageOf(_bytes: Bytes, sizeBytes: number): Promise<Linkage> {
  return { format: 'broken', problem: 'not-elf', sizeBytes }
}
