/** How limits are said. A quota is CPU time in units of one CPU; a percentage of the machine is never meant. */

const FRACTIONS: Readonly<Record<string, string>> = { '0.5': 'half of ONE CPU', '0.25': 'a quarter of ONE CPU', '0.75': 'three quarters of ONE CPU' }

export function cpusInWords(cpus: number): string {
  const rounded = Math.round(cpus * 100) / 100
  if (rounded < 1) return FRACTIONS[String(rounded)] ?? `${Math.round(cpus * 1000) / 10} % of ONE CPU`
  return rounded === 1 ? 'one CPU' : `${rounded} CPUs`
}

export function bytesInWords(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const number = bytes / 1024 ** power
  return `${Number.isInteger(number) || number >= 100 ? Math.round(number) : number.toFixed(1)} ${units[power]}`
}

export const count = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`
