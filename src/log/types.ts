/** What the doctor reads out of a log: lines that mean something, and when they were written. */

/** How strong a sign of GPU work a line is: T0 requested … T6 right text at the wanted speed. null = it is no such sign. */
export type Tier = 'T0' | 'T1' | 'T2' | 'T3' | 'T4' | 'T5' | 'T6'

/**
 * What a line shows. `gpu`: something of the GPU works, as far as its tier says; `cpu`: work is done on the CPU; `fault`:
 * something failed; `symptom`: what the user notices; `marker`: a moment of a timeline; `benign`: looks bad and is not.
 */
export type Shows = 'gpu' | 'cpu' | 'fault' | 'symptom' | 'marker' | 'benign'

export interface Signature {
  readonly id: string
  /** Text that stands in the line as it is written; any of several. Letter case counts. */
  readonly literals: readonly [string, ...string[]]
  /** What else must hold of the line, where the literal alone is too common. */
  readonly where?: RegExp
  /** The number in the line that is added up over all of its lines, as its first group. */
  readonly sums?: RegExp
  readonly shows: Shows
  readonly tier: Tier | null
  /** A whole sentence: what the line says, no more. */
  readonly meaning: string
  /** Ids of hypotheses (src/verdict/hypotheses.ts). */
  readonly confirms: readonly string[]
  readonly refutes: readonly string[]
  /** Where the text is written: upstream file, or a thread that shows it. */
  readonly source: string
  /** A file of fixtures/logs in which the genuine program printed it; null = it was never provoked here. */
  readonly genuine: string | null
  /** A file of fixtures/incidents: somebody on whose machine it was printed has published it. */
  readonly published: string | null
  /** Where the literal was found: `repository@commit file`, or a released binary. null = nobody looked, for it is genuine, or it was not found. */
  readonly written: string | null
}

export interface Hit {
  readonly id: string
  /** Counted from 1. */
  readonly line: number
  /** The line, without colour codes, cut around the literal. */
  readonly text: string
  /** Whose line it is, as `owners` names them; absent = the line does not say. */
  readonly of?: string
  /** The process that wrote it, by the number behind its name; absent = the line does not say. */
  readonly pid?: number
  /** It may be of an earlier run, or of another process than the one that is asked about. */
  readonly unsure?: true
  /** When it was written, in ms since the epoch, or since midnight where the log gives no date. null = it does not say. */
  readonly atMs: number | null
}

export interface Writing {
  readonly program: string
  readonly pid: number
  readonly first: number
  readonly last: number
}

export interface LogReading {
  /** As it was asked for: a file, or `journal:…`. */
  readonly source: string
  readonly sizeBytes: number
  /** Only its beginning was read: there was no time for more. */
  readonly cut?: true
  readonly lines: number
  /** Every signature that was seen, with the number of its lines. */
  readonly counts: Readonly<Record<string, number>>
  /** Of lines that say whose they are, as the journal and syslog write them: `unit NAME`, `program NAME`, `process NAME`; how many of each signature. */
  readonly owners?: readonly { readonly of: string; readonly counts: Readonly<Record<string, number>> }[]
  /** Programs that wrote the first lines, and those above, by their identifiers: one for the log of a service, many for a syslog. */
  readonly programs?: readonly string[]
  /** Processes that wrote lines which were looked at: the first of them, those above and the last; each with its first and its last line. */
  readonly processes?: readonly Writing[]
  /** Lines of runs before the last: what was so then, and need not be now. */
  readonly earlier?: readonly Hit[]
  /** For signatures that count something in each line: the sum over all lines. */
  readonly sums?: Readonly<Record<string, number>>
  /** The first lines of each signature and its last, in the order of the log. */
  readonly hits: readonly Hit[]
}
