import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { PmonLine } from '../probe/pmon.ts'
import { findProgram } from './find-program.ts'
import { leashed } from './run.ts'

/** Watches who computes on the GPUs, through one long-lived nvidia-smi. Times are of performance.now(). */
export interface Pmon {
  /** Resolves when it has shown every GPU so many times more, or ended, or not come to it soon. */
  rounds(count: number, limitMs: number): Promise<void>
  stop(): readonly PmonLine[]
}

const MOST_LINES = 4000
const MOST_CHARACTERS = 300

/** null = there is no nvidia-smi. */
export function watchProcesses(): Pmon | null {
  const program = findProgram('nvidia-smi', process.env)
  if (program === null) return null
  const lines: PmonLine[] = []
  // In each round every process of every GPU has one row, and a GPU without any a row of its own.
  const shown = new Map<string, number>()
  const child = spawn(program, ['pmon', '-s', 'um', '-d', '1'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true, env: { ...process.env, LC_ALL: 'C' } })
  const end = leashed(child.pid)
  let over = false
  let changed = (): void => {}
  const ended = () => {
    over = true
    changed()
  }
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (over) return
    lines.push([performance.now(), line.slice(0, MOST_CHARACTERS)])
    const row = /^\s*(\d+\s+\S+)/.exec(line)?.[1]
    if (row !== undefined) shown.set(row, (shown.get(row) ?? 0) + 1)
    if (lines.length < MOST_LINES) return changed()
    end()
    ended()
  })
  child.once('error', ended)
  child.once('close', ended)
  child.unref()
  const rounds = () => Math.max(0, ...shown.values())
  return {
    rounds: (count, limitMs) => {
      const wanted = rounds() + count
      return new Promise((resolve) => {
        const done = () => {
          changed = () => {}
          clearTimeout(timer)
          resolve()
        }
        const timer = setTimeout(done, Math.max(0, limitMs))
        changed = () => {
          if (over) done()
          // What stands below in the same round follows at once.
          else if (rounds() >= wanted) setTimeout(done, 50)
        }
        changed()
      })
    },
    stop: () => {
      over = true
      end()
      return lines
    },
  }
}
