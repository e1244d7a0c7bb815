import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { findProgram } from '../host/find-program.ts'
import { summaryOf, type GpuRow } from './gpu-load.ts'
import { killGroup } from './kill-group.ts'
import type { GpuLoad } from './types.ts'

/** Watches the GPUs of this machine from outside, through one long-lived nvidia-smi. */
export interface GpuWatch {
  /** Resolves when a few samples say what the GPUs did before anything of ours ran; soon, whatever nvidia-smi does. */
  before(): Promise<void>
  /** From now on the samples are of our own work. */
  begin(): void
  /** What was seen until now. */
  now(): readonly GpuLoad[] | null
  stop(): readonly GpuLoad[] | null
}

const INTERVAL_MS = 200
const FIRST_SAMPLES = 5
const FIRST_MS = 2_500
const MAX_ROWS = 50_000
const MAX_ERROR = 4096

const FIELDS = ['index', 'name', 'utilization.gpu', 'memory.used', 'clocks.sm', 'clocks.max.sm', 'power.draw', 'enforced.power.limit', 'power.default_limit', 'temperature.gpu'] as const
/** Driver 535 renamed throttle reasons to event reasons; newer and older ones refuse the other name. */
const REASONS = ['clocks_event_reasons.active', 'clocks_throttle_reasons.active'] as const

/** null = there is no nvidia-smi. */
export function watchGpu(): GpuWatch | null {
  const program = findProgram('nvidia-smi', process.env)
  if (program === null) return null
  const rows: GpuRow[] = []
  let child: ChildProcess | null = null
  let stopped = false
  let beganAt = Number.POSITIVE_INFINITY
  let others: readonly string[] = []
  let refused = ''
  let wake: (() => void) | null = null
  const started = (which: number): void => {
    child = spawn(program, [`--query-gpu=${[...FIELDS, REASONS[which]].join(',')}`, '--format=csv,noheader,nounits', '-lms', String(INTERVAL_MS)], { stdio: ['ignore', 'pipe', 'ignore'], detached: true, env: { ...process.env, LC_ALL: 'C' } })
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const row = rowOf(line)
      if (row === null) refused = (refused + line).slice(-MAX_ERROR)
      else if (rows.length < MAX_ROWS) rows.push(row)
      if (wake !== null && rows.filter(({ index }) => index === rows[0]!.index).length >= FIRST_SAMPLES) wake()
    })
    child.once('error', () => wake?.())
    child.once('close', () => {
      // It says so on standard output and ends; the other name is tried once.
      if (!stopped && which === 0 && /is not a valid field to query/.test(refused)) started(1)
      else wake?.()
    })
    child.unref()
  }
  started(0)
  const apps = execFile(program, ['--query-compute-apps=pid,process_name', '--format=csv,noheader'], { timeout: FIRST_MS, killSignal: 'SIGKILL', maxBuffer: 1 << 20, env: { ...process.env, LC_ALL: 'C' } }, (error, stdout) => {
    if (error === null) others = stdout.split('\n').map((line) => line.trim()).filter((line) => /^\d+,/.test(line)).slice(0, 8)
  })
  const end = () => {
    stopped = true
    apps.kill('SIGKILL')
    if (child !== null && child.exitCode === null && child.signalCode === null) killGroup(child)
  }
  const now = () => (rows.length === 0 ? null : summaryOf(rows, beganAt, others))
  return {
    before: () =>
      new Promise<void>((resolve) => {
        wake = () => {
          wake = null
          clearTimeout(timer)
          // A driver that nobody keeps loaded may take longer; one that says something else is not waited for.
          if (rows.length === 0 && refused !== '') end()
          resolve()
        }
        const timer = setTimeout(wake, FIRST_MS)
        if (stopped || child?.exitCode !== null) wake()
      }),
    begin: () => (beganAt = performance.now()),
    now,
    stop: () => {
      end()
      return now()
    },
  }
}

/** `0, NVIDIA GeForce RTX 3090, 98, 7012, …`; what a card does not tell is `[N/A]`, `[Not Supported]` or `[Unknown Error]`. */
export function rowOf(line: string, at = performance.now()): GpuRow | null {
  const cells = line.split(', ').map((cell) => cell.trim())
  if (cells.length !== FIELDS.length + 1 || !/^\d+$/.test(cells[0]!)) return null
  const number = (i: number): number | null => (/^-?\d+(\.\d+)?$/.test(cells[i]!) ? Number(cells[i]) : null)
  const reasons = /^0x[0-9a-fA-F]{1,16}$/.test(cells[10]!) ? Number(BigInt(cells[10]!) & 0xffffn) : null
  return {
    at, index: Number(cells[0]), name: cells[1]!, utilization: number(2), memoryMiB: number(3), smClock: number(4), maxSmClock: number(5), power: number(6), powerLimit: number(7), defaultPowerLimit: number(8), temperature: number(9), reasons,
  }
}
