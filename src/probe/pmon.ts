/**
 * `nvidia-smi pmon`, read by its header: drivers have added columns (jpg, ofa, ccpm) and `-s um` adds fb. Two lines that begin with
 * `#` name the columns and their units; a GPU without processes has a row of `-`.
 */
export interface PmonRow {
  /** Milliseconds from the first request; a row tells of about the second before it. */
  readonly atMs: number
  readonly gpu: number
  /** null = no process is on this GPU. */
  readonly pid: number | null
  /** Computes, draws, or both: C, G, C+G, with M for one behind CUDA's MPS. */
  readonly type: string
  /** Per cent of the time; null = `-`: no sample of it, which is also what an idle process has. */
  readonly sm: number | null
  readonly memoryMiB: number | null
  readonly name: string
}

export type PmonLine = readonly [atMs: number, text: string]

export function pmonOf(lines: readonly PmonLine[]): readonly PmonRow[] {
  let columns: readonly string[] = []
  return lines.flatMap(([atMs, text]): PmonRow[] => {
    const words = text.trim().split(/\s+/)
    if (text.startsWith('#')) {
      // The second of the two names units: Idx, #, C/G, %.
      if (words.includes('pid')) columns = words.slice(1)
      return []
    }
    const at = (name: string): string | undefined => (columns.includes(name) ? words[columns.indexOf(name)] : undefined)
    const [gpu, pid] = [at('gpu'), at('pid')]
    if (gpu === undefined || pid === undefined || !/^\d+$/.test(gpu) || !/^(\d+|-)$/.test(pid)) return []
    return [{ atMs, gpu: Number(gpu), pid: numberOf(pid), type: at('type') ?? '', sm: numberOf(at('sm')), memoryMiB: numberOf(at('fb')), name: words.slice(columns.indexOf('command')).join(' ') }]
  })
}

const numberOf = (word: string | undefined): number | null => (word !== undefined && /^\d+$/.test(word) ? Number(word) : null)
