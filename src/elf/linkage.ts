/**
 * Reads what an ELF file asks of the dynamic loader, from its bytes (elf(5), gABI chapters 4 and 5). Nothing is executed, and
 * nothing in the file is trusted: every offset is checked against the file's size, every table has a limit, and no loop runs
 * over anything but a table already in memory.
 */
import type { Linkage } from '../types.ts'
import { reader, type Reader } from './reader.ts'
import { machineOf } from './machine.ts'
import { definedVersions, neededVersions } from './versions.ts'

/** Reads at most `length` bytes at `offset`; fewer at the end of the file. */
export type Bytes = (offset: number, length: number) => Promise<Uint8Array>

const HEADER_BYTES = 64
const MAX_SEGMENTS = 512
const MAX_DYNAMIC_BYTES = 64 * 1024
const MAX_STRINGS_BYTES = 4 * 1024 * 1024
const MAX_PATH_BYTES = 4096
const PT_LOAD = 1
const PT_DYNAMIC = 2
const PT_INTERP = 3
const DT = { NULL: 0, NEEDED: 1, STRTAB: 5, STRSZ: 10, SONAME: 14, RPATH: 15, RUNPATH: 29, FLAGS_1: 0x6ffffffb, VERDEF: 0x6ffffffc, VERDEFNUM: 0x6ffffffd, VERNEED: 0x6ffffffe, VERNEEDNUM: 0x6fffffff }
const DF_1_NODEFLIB = 0x800

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly fileBytes: number
}

export async function linkageOf(bytes: Bytes, sizeBytes: number): Promise<Linkage> {
  const broken = (problem: (Linkage & { format: 'broken' })['problem']): Linkage => ({ format: 'broken', problem, sizeBytes })
  const head = await bytes(0, HEADER_BYTES)
  if (sizeBytes === 0 || head.length === 0) return broken('empty')
  const text = new TextDecoder('latin1').decode(head)
  if (text.startsWith('version https://git-lfs')) return broken('lfs-pointer')
  if (!text.startsWith('\x7fELF')) return broken(/^(\/\*|\s*(GROUP|INPUT|OUTPUT_FORMAT)\b)/.test(text) ? 'linker-script' : head.length < HEADER_BYTES ? 'too-short' : 'not-elf')
  if (head.length < 52) return broken('too-short')
  const bits = head[4] === 1 ? 32 : head[4] === 2 ? 64 : null
  const endian = head[5] === 1 ? 'little' : head[5] === 2 ? 'big' : null
  if (bits === null || endian === null) return broken('not-elf')
  if (bits === 64 && head.length < 64) return broken('too-short')
  const r = reader(head, bits, endian)
  const machine = machineOf(r.u16(18), bits, endian)
  const unusable = (problem: 'not-elf' | 'truncated'): Linkage => ({ format: 'broken', problem, sizeBytes, header: { bits, machine } })
  const tableAt = bits === 64 ? r.word(32) : r.word(28)
  const entryBytes = r.u16(bits === 64 ? 54 : 42)
  const count = r.u16(bits === 64 ? 56 : 44)
  const expected = bits === 64 ? 56 : 32
  if (count === 0 || count > MAX_SEGMENTS || entryBytes !== expected) return unusable('not-elf')
  if (tableAt + count * expected > sizeBytes) return unusable('truncated')
  const table = reader(await bytes(tableAt, count * expected), bits, endian)
  if (table.length < count * expected) return unusable('truncated')
  const segments = Array.from({ length: count }, (_, at) => segmentOf(table, at * expected, bits))
  // Mapping beyond the end of the file succeeds and touching it is SIGBUS: what a copy that was cut short does.
  if (segments.some((s) => s.type === PT_LOAD && s.fileBytes > 0 && s.offset + s.fileBytes > sizeBytes)) return unusable('truncated')

  const at = (offset: number, length: number): Promise<Reader> => part(bytes, offset, length, sizeBytes, bits, endian)
  /** Where a virtual address lies in the file; null = nowhere. */
  const fileOffset = (address: number): number | null => {
    const s = segments.find((s) => s.type === PT_LOAD && address >= s.address && address < s.address + s.fileBytes)
    return s === undefined ? null : s.offset + (address - s.address)
  }
  const interp = segments.find((s) => s.type === PT_INTERP)
  const interpreter = interp === undefined ? null : (await at(interp.offset, Math.min(interp.fileBytes, MAX_PATH_BYTES))).string(0)
  const base = { format: 'elf', bits, machine, interpreter, sizeBytes } as const
  const none = { soname: null, needed: [], rpath: null, runpath: null, noDefaultDirs: false, versionsNeeded: [], versionsDefined: [] }
  const dynamic = segments.find((s) => s.type === PT_DYNAMIC)
  if (dynamic === undefined) return { ...base, ...none }

  const entries = dynamicEntriesOf(await at(dynamic.offset, Math.min(dynamic.fileBytes, MAX_DYNAMIC_BYTES)), bits)
  const value = (tag: number): number | null => entries.find(([t]) => t === tag)?.[1] ?? null
  const stringsAt = value(DT.STRTAB) === null ? null : fileOffset(value(DT.STRTAB)!)
  const strings = stringsAt === null ? reader(new Uint8Array(), bits, endian) : await at(stringsAt, Math.min(value(DT.STRSZ) ?? 0, MAX_STRINGS_BYTES))
  const stringAt = (tag: number): string | null => (value(tag) === null ? null : strings.string(value(tag)!))
  const versionTable = async (tag: number): Promise<Reader | null> => {
    const offset = value(tag) === null ? null : fileOffset(value(tag)!)
    return offset === null ? null : at(offset, Math.min(MAX_DYNAMIC_BYTES, sizeBytes - offset))
  }
  const [verneed, verdef] = await Promise.all([versionTable(DT.VERNEED), versionTable(DT.VERDEF)])
  return {
    ...base,
    soname: stringAt(DT.SONAME),
    needed: entries.flatMap(([tag, v]) => (tag === DT.NEEDED ? [strings.string(v)] : [])).filter((name) => name !== ''),
    rpath: stringAt(DT.RPATH),
    runpath: stringAt(DT.RUNPATH),
    noDefaultDirs: ((value(DT.FLAGS_1) ?? 0) & DF_1_NODEFLIB) !== 0,
    versionsNeeded: verneed === null ? [] : neededVersions(verneed, value(DT.VERNEEDNUM) ?? 0, strings),
    versionsDefined: verdef === null ? [] : definedVersions(verdef, value(DT.VERDEFNUM) ?? 0, strings),
  }
}

/** A piece of the file, cut where the file ends. */
async function part(bytes: Bytes, offset: number, length: number, sizeBytes: number, bits: 32 | 64, endian: 'little' | 'big'): Promise<Reader> {
  const wanted = Math.max(0, Math.min(length, sizeBytes - offset))
  return reader(wanted === 0 || offset < 0 ? new Uint8Array() : await bytes(offset, wanted), bits, endian)
}

function segmentOf(table: Reader, at: number, bits: 32 | 64): Segment {
  const type = table.u32(at)
  return bits === 64
    ? { type, offset: table.word(at + 8), address: table.word(at + 16), fileBytes: table.word(at + 32) }
    : { type, offset: table.word(at + 4), address: table.word(at + 8), fileBytes: table.word(at + 16) }
}

/** Tag and value pairs up to DT_NULL. */
function dynamicEntriesOf(table: Reader, bits: 32 | 64): readonly (readonly [tag: number, value: number])[] {
  const step = bits / 4
  const entries: (readonly [number, number])[] = []
  for (let at = 0; at + step <= table.length; at += step) {
    const tag = table.word(at)
    if (tag === DT.NULL) break
    entries.push([tag, table.word(at + step / 2)])
  }
  return entries
}
