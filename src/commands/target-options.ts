import type { Command } from 'commander'
import { hostOf, remembered, type Ask } from '../host/host.ts'
import { WrongCall } from '../wrong-call.ts'
import { resolveTarget, type Asked } from '../resolve-target.ts'
import type { Target } from '../types.ts'

/** The options that name what is to be examined, the same for every command that examines. */
export const addTargetOptions = (command: Command): Command =>
  command
    .option('-u, --unit <name>', 'examine this systemd service (.service may be left out)')
    .option('--user', 'the unit is one of your user manager')
    .option('--system', 'the unit is one of the system manager')
    .option('-p, --pid <n>', 'examine this running process')
    .option('--python <path>', 'examine this Python interpreter')
    .option('--library <file>', 'examine this shared object, e.g. libonnxruntime_providers_cuda.so')

export interface TargetOptions extends Asked {
  readonly timeout: string
}

export const addTimeout = (command: Command): Command => command.option('--timeout <seconds>', 'time for all questions together', '10')

/** This machine, to be asked until the time is up, and what on it is to be examined. */
export async function machineOf(options: TargetOptions, cwd: string, watch: (ask: Ask) => Ask): Promise<{ readonly ask: Ask; readonly target: Target }> {
  const [{ realMachine }, { bounded }, { about }] = await Promise.all([import('../host/real.ts'), import('../host/bounded.ts'), import('../host/about.ts')])
  const deadline = Date.now() + secondsOf(options.timeout) * 1000
  const ask = remembered(bounded(watch(realMachine({ kind: 'shell' }, deadline)), deadline))
  const target = await resolveTarget(options, hostOf(ask), cwd)
  return { ask: about(target, ask), target }
}

function secondsOf(typed: string): number {
  const seconds = Number(typed)
  if (typed.trim() === '' || !Number.isFinite(seconds) || seconds <= 0 || seconds > 3600) throw new WrongCall(`--timeout ${JSON.stringify(typed)}: give seconds, above 0 and at most 3600.`)
  return seconds
}
