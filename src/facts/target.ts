import type { Fact, Target } from '../types.ts'
import { unitState } from './unit-state.ts'

export const target: Fact<Target> = {
  id: 'target',
  about: 'what the user asked to be examined',
  gather: (host) => host.target(),
}

/** The process to look at: the unit's main process, the pid named, or the doctor's own for the shell. null = none. */
export const targetPid: Fact<number | 'self' | null> = {
  id: 'target-pid',
  about: 'the process behind the target',
  gather: async (_host, use) => {
    const asked = await use(target)
    if (asked.kind === 'pid') return asked.pid
    if (asked.kind !== 'unit') return 'self'
    const unit = await use(unitState)
    return unit === null || unit.mainPid === 0 ? null : unit.mainPid
  },
}
