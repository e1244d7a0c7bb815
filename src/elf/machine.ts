/** e_machine by its common name (elf.h). A byte order that is not the machine's usual one stands in the name. */
const MACHINES: Readonly<Record<number, string>> = {
  2: 'sparc', 3: 'i386', 8: 'mips', 20: 'ppc', 21: 'ppc64', 22: 's390x', 40: 'arm', 43: 'sparc64', 62: 'x86_64', 183: 'aarch64', 243: 'riscv', 258: 'loongarch',
}
const BIG = new Set(['sparc', 'mips', 'ppc', 'ppc64', 's390x', 'sparc64'])

export function machineOf(code: number, bits: 32 | 64, endian: 'little' | 'big'): string {
  const name = MACHINES[code] ?? `machine-${code}`
  if (name === 'x86_64' && bits === 32) return 'x32'
  const sized = name === 'riscv' || name === 'loongarch' ? `${name}${bits}` : name
  if (BIG.has(name)) return endian === 'big' ? sized : `${sized}le`
  return endian === 'little' ? sized : `${sized}_be`
}

/** Whether the names mean the same byte order. ld.so skips another machine silently but stops at another byte order. */
export const bigEndian = (machine: string): boolean => BIG.has(machine) || machine.endsWith('_be')
