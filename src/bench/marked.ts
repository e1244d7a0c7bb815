import { readdirSync } from 'node:fs'
import { read } from './proc.ts'

const NAME = 'ASR_DOCTOR_RUN'
/** Tells a child of ours what it is to end when the benchmark dies. */
export const GUARDED = 'ASR_DOCTOR_GUARDED'

/** The environment of a program by which all that it starts is known again, in whatever session and under whatever parent it goes on. */
export const marked = (mark: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ ...env, [NAME]: mark })

/** What is being killed may still start others. */
const ROUNDS = 20

/** Ends every process that carries the mark. Only those of the same user can be read; without /proc there is nothing to look at. */
export function endMarked(mark: string): void {
  for (let round = 0; round < ROUNDS; round++) {
    const found = carriers(mark)
    if (found.length === 0) return
    found.forEach(end)
  }
}

function carriers(mark: string): readonly number[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => read(`/proc/${pid}/environ`)?.split('\0').includes(`${NAME}=${mark}`)).map(Number)
  } catch {
    return []
  }
}

export function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Already gone.
  }
}
