import type { ChildProcess } from 'node:child_process'

/** Ends a child that was started with a process group of its own, and all in that group. */
export function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // Already gone.
  }
}
