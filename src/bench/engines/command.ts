import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CannotMeasure, type Engine, Interrupted } from '../engine.ts'
import { MOST_TEXT, TOO_LONG } from '../kept-texts.ts'
import { killGroup } from '../kill-group.ts'
import { end, endMarked, GUARDED, marked } from '../marked.ts'
import type { Run } from '../messages.ts'
import { tree } from '../proc.ts'
import { startWorker } from './worker-child.ts'

const LIMIT_MS = 900_000
const TICK_MS = 10

/** A recogniser of the user's own: one process for each run, its standard output is the text. Never through a shell. */
export function commandEngine(words: readonly string[], audio: string, signal: AbortSignal): Engine {
  const [program, ...args] = words.map((word) => word.replaceAll('{audio}', audio))
  return {
    freshEveryRun: true,
    open: async () => {
      const mark = randomUUID()
      // It is the one that is left when we are killed, and ends then what was running.
      const yardstick = startWorker(signal, { [GUARDED]: mark })
      let pid: number | null = null
      return {
        loadMs: null,
        // What the yardstick takes is not somebody else's.
        pids: () => [pid, yardstick.pid].filter((each) => each !== null),
        ours: () => [yardstick.pid].filter((each) => each !== null),
        run: () => runOnce(program!, args, mark, signal, (started) => (pid = started)),
        calibrate: async () => (await yardstick.ask({ kind: 'calibrate' }, 'calibrated')).calibration,
        placement: async () => [],
        stop: yardstick.stop,
      }
    },
  }
}

async function runOnce(program: string, args: readonly string[], mark: string, signal: AbortSignal, started: (pid: number | null) => void): Promise<Run> {
  if (signal.aborted) throw new Interrupted()
  const cpuBefore = childrenCpuMs()
  const start = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: marked(mark, process.env) })
  started(child.pid ?? null)
  // A daemon leaves the group and its parent, and would be in the way of the next run.
  const stop = () => {
    const [, ...below] = child.pid === undefined || child.exitCode !== null || child.signalCode !== null ? [] : tree(child.pid)
    killGroup(child)
    below.forEach(end)
    endMarked(mark)
  }
  signal.addEventListener('abort', stop)
  const timer = setTimeout(stop, LIMIT_MS)
  let text = ''
  let errors = ''
  let tooMuch = false
  // A letter may lie in two chunks.
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (tooMuch) return
    tooMuch = text.length + chunk.length > MOST_TEXT
    if (tooMuch) stop()
    else text += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString('utf8')).slice(-4096)))
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    child.once('close', (exit, cause) => resolve(exit ?? String(cause)))
  })
  const wallMs = performance.now() - start
  clearTimeout(timer)
  signal.removeEventListener('abort', stop)
  stop()
  started(null)
  if (signal.aborted) throw new Interrupted()
  if (code === 'ENOENT') throw new CannotMeasure(`There is no program ${program}.`)
  if (code === 'EACCES') throw new CannotMeasure(`${program} may not be executed.`)
  if (tooMuch) throw new CannotMeasure(`${program} printed ${TOO_LONG}, and was stopped.`)
  if (wallMs >= LIMIT_MS) throw new CannotMeasure(`${program} was not done after ${LIMIT_MS / 60_000} minutes and was stopped.`)
  if (code !== 0) {
    const last = errors.trim().split('\n').at(-1)?.trim()
    throw new CannotMeasure(`${program} ended with ${typeof code === 'number' ? `exit code ${code}` : code}${last ? `: ${last.slice(0, 200)}` : ''}.`)
  }
  const cpuAfter = childrenCpuMs()
  return { wallMs, cpuMs: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore, phases: [], text }
}

/** CPU time of all children that ended, theirs included: proc_pid_stat(5) fields 16 and 17. null where there is no /proc. */
function childrenCpuMs(): number | null {
  try {
    const text = readFileSync('/proc/self/stat', 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number)
    return (fields[13]! + fields[14]!) * TICK_MS
  } catch {
    return null
  }
}
