import type { ChalkInstance } from 'chalk'
import Table from 'cli-table3'
import type { EnvironmentRow } from '../types.ts'
import { clean } from './clean.ts'
import { clipped } from './wrap.ts'

const EDGES = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '  ', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' ' }

/** The environment matrix: the invoking shell beside the service, what can matter first. */
export function environmentTable(rows: readonly EnvironmentRow[], paint: ChalkInstance, width: number): string {
  const sorted = [...rows].sort((a, b) => Number(b.matters) - Number(a.matters))
  const name = Math.min(26, Math.max(8, ...sorted.map((row) => row.name.length))) + 1
  const value = Math.max(10, Math.floor((width - 2 - name - 13) / 2))
  const table = new Table({
    head: ['variable', 'this shell', 'the service', 'matters'].map((word) => paint.dim(word)),
    chars: EDGES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    colWidths: [name, value, value, 9],
  })
  const cell = (text: string | null) => (text === null ? '–' : clipped(clean(text), value - 1))
  for (const row of sorted) {
    table.push([clipped(row.name, name - 1), cell(row.shell), cell(row.running ?? row.configured), row.matters ? 'can' : paint.dim('cannot')])
  }
  return [paint.bold('Environment: this shell beside the service'), table.toString().split('\n').map((line) => line.trimEnd()).join('\n')].join('\n')
}
