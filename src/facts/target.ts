import { known } from '../cannot-see.ts'
import type { Fact, Host, Target } from '../types.ts'
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
  gather: async (_host, use) => (await use(targetChain)).at(-1) ?? null,
}

/** From the unit's main process through start scripts and launchers to the program they wait for; the last one counts. */
export const targetChain: Fact<readonly (number | 'self')[]> = {
  id: 'target-chain',
  about: 'the process behind the target, and the scripts that started it',
  gather: async (host, use) => {
    const asked = await use(target)
    if (asked.kind === 'pid') return [asked.pid]
    if (asked.kind !== 'unit') return ['self']
    const unit = await use(unitState)
    return unit === null || unit.mainPid === 0 ? [] : behindWrappers(host, unit.mainPid)
  },
}

/** Programs that only set the scene for another one, by the name of their file. */
const WRAPPERS = new Set('sh bash dash ash zsh fish busybox env tini dumb-init catatonit gosu su-exec su sudo runuser setpriv nice ionice taskset numactl stdbuf timeout uv poetry pipenv conda micromamba npm'.split(' '))

/**
 * A start script that exports LD_LIBRARY_PATH and then calls the engine without exec stays the main process, with an
 * environment that the engine does not have. What counts is the program it waits for: the only child, link by link.
 */
async function behindWrappers(host: Host, main: number): Promise<readonly number[]> {
  const chain = [main]
  while (chain.length < 8) {
    const pid = chain.at(-1)!
    // A script has its own name for comm and its interpreter for exe; exe is not shown to other users.
    const [exe, comm, children] = await Promise.all([known(host.readlink(`/proc/${pid}/exe`)), known(host.read(`/proc/${pid}/comm`)), known(host.read(`/proc/${pid}/task/${pid}/children`))])
    const names = [exe.known ? (exe.value ?? '').replace(/^.*\//, '') : '', comm.known ? (comm.value ?? '').trim() : '']
    if (!names.some((name) => WRAPPERS.has(name))) break
    const below = children.known ? (children.value ?? '').split(' ').filter(Boolean).map(Number) : []
    // Several children, or none yet: which one is the engine is not to be guessed.
    if (below.length !== 1) break
    chain.push(below[0]!)
  }
  return chain
}
