/**
 * For which GPU architectures a library holds code: the fat binaries that nvcc puts into the section .nv_fatbin, read by their
 * headers alone (fatbinary_section.h of the CUDA toolkit; the entries as cuobjdump lists them). Nothing in the file is trusted.
 */
import type { Bytes } from './linkage.ts'
import { reader } from './reader.ts'

/** Architectures as numbers: 86 for sm_86, 120 for sm_120. */
export interface GpuCode {
  /** Machine code, which runs on cards of the same major and of this minor or a higher one. */
  readonly sass: readonly number[]
  /** Intermediate code, which the driver compiles for any card of this capability or a higher one. */
  readonly ptx: readonly number[]
}

const MAX_SECTIONS = 4096
const MAX_NAMES_BYTES = 1024 * 1024
/** libtorch_cuda.so has some 4000. */
const MAX_ENTRIES = 100_000
const MAGIC = 0xba55ed50
const CONTAINER_BYTES = 16
const ENTRY_BYTES = 64
const PTX = 1
const SASS = 2

/** null = it has no such section, or none that can be followed to its end. */
export async function gpuCodeOf(bytes: Bytes, sizeBytes: number): Promise<GpuCode | null> {
  const head = await bytes(0, 64)
  if (head.length < 64 || new TextDecoder('latin1').decode(head.subarray(0, 4)) !== '\x7fELF' || head[4] !== 2 || head[5] !== 1) return null
  const section = await sectionOf(bytes, reader(head, 64, 'little'), sizeBytes)
  if (section === null) return null
  const found = new Map<number, Set<number>>([[PTX, new Set()], [SASS, new Set()]])
  const end = section.offset + section.bytes
  let entries = 0
  for (let at = section.offset; at + CONTAINER_BYTES <= end; ) {
    const container = reader(await bytes(at, CONTAINER_BYTES), 64, 'little')
    // Between containers lies padding up to a multiple of eight.
    if (container.u32(0) === 0) {
      at += 8
      if ((entries += 1) > MAX_ENTRIES) return null
      continue
    }
    const headerBytes = container.u16(6)
    const until = at + headerBytes + container.word(8)
    if (container.u32(0) !== MAGIC || headerBytes < CONTAINER_BYTES || until > end) return null
    for (let entry = at + headerBytes; entry + ENTRY_BYTES <= until; ) {
      const of = reader(await bytes(entry, ENTRY_BYTES), 64, 'little')
      const step = of.u32(4) + of.word(8)
      if (of.u32(4) < ENTRY_BYTES || entry + step > until || (entries += 1) > MAX_ENTRIES) return null
      found.get(of.u16(0))?.add(of.u32(28))
      entry += step
    }
    at = until
  }
  const listed = (kind: number): readonly number[] => [...found.get(kind)!].sort((a, b) => a - b)
  return { sass: listed(SASS), ptx: listed(PTX) }
}

async function sectionOf(bytes: Bytes, header: ReturnType<typeof reader>, sizeBytes: number): Promise<{ readonly offset: number; readonly bytes: number } | null> {
  const at = header.word(0x28)
  const [entryBytes, count, namesAt] = [header.u16(0x3a), header.u16(0x3c), header.u16(0x3e)]
  if (entryBytes !== 64 || count === 0 || count > MAX_SECTIONS || namesAt >= count || at + count * 64 > sizeBytes) return null
  const table = reader(await bytes(at, count * 64), 64, 'little')
  const rows = Array.from({ length: count }, (_, n) => ({ name: table.u32(n * 64), offset: table.word(n * 64 + 24), bytes: table.word(n * 64 + 32) }))
  const { offset, bytes: length } = rows[namesAt]!
  if (offset + length > sizeBytes || length > MAX_NAMES_BYTES) return null
  const names = reader(await bytes(offset, length), 64, 'little')
  const found = rows.find(({ name }) => names.string(name) === '.nv_fatbin')
  return found === undefined || found.offset + found.bytes > sizeBytes ? null : found
}
