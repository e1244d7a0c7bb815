/** How much of a graph is kept in memory at most. No model of the field comes near; a file made to fill the memory does. */
import { Malformed } from './wire.ts'

export interface Counts {
  nodes: number
  /** Tensors that nodes name as theirs. */
  names: number
  /** Inputs, outputs, weights, graphs and functions. */
  values: number
  readonly externalFiles: Set<string>
}

const MOST = { nodes: 200_000, names: 600_000, values: 200_000 } as const
const WORDS = { nodes: 'nodes', names: 'names of tensors', values: 'inputs, outputs, weights and graphs' } as const

/** Counts one more of them. */
export function atMost(counts: Counts, what: keyof typeof MOST): void {
  if (++counts[what] > MOST[what]) throw new Malformed('excessive', `it has more than ${MOST[what]} ${WORDS[what]}`)
}
