/** NVIDIA hardware on the PCI bus. */

export interface PciFunction {
  /** `01:00.0`, without the domain, which this file does not show. */
  readonly slot: string
  readonly vendor: string
  readonly device: string
  /** The kernel driver that has it; null = none. */
  readonly driver: string | null
  readonly line: string
}

/** /proc/bus/pci/devices: bus and function, vendor and device, interrupt, 14 numbers, and the driver's name where it has one. */
export function pciFunctionsOf(text: string): readonly PciFunction[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]{2})([0-9a-f]{2})\s([0-9a-f]{4})([0-9a-f]{4})\s/.exec(line)
    if (!match) return []
    const function_ = Number.parseInt(match[2]!, 16)
    const slot = `${match[1]}:${(function_ >> 3).toString(16).padStart(2, '0')}.${function_ & 7}`
    return [{ slot, vendor: match[3]!, device: match[4]!, driver: line.split('\t')[17]?.trim() || null, line: line.replace(/\s+/g, ' ').trim() }]
  })
}

export const NVIDIA = '10de'

/** PCI class 03: VGA (0300), 3D (0302) and other display controllers. The card's sound and USB functions are not it. */
export const isDisplay = (classText: string): boolean => /^0x03/.test(classText.trim())
