import { about } from '../host/about.ts'
import { bounded } from '../host/bounded.ts'
import { hostOf, remembered, type Ask } from '../host/host.ts'
import { realMachine } from '../host/real.ts'
import { addressOf, resolveTarget, type Asked } from '../resolve-target.ts'
import type { Target } from '../types.ts'
import { WrongCall } from '../wrong-call.ts'

export interface TargetOptions extends Asked {
  readonly timeout: string
}

/** This machine, to be asked until the time is up, and what on it is to be examined. `renew` gives the questions still to come the whole time again. */
export async function machineOf(options: TargetOptions, cwd: string, watch: (ask: Ask) => Ask): Promise<{ readonly ask: Ask; readonly target: Target; readonly renew: () => void }> {
  const limitMs = secondsOf(options.timeout) * 1000
  const until = (deadline: number): Ask => bounded(watch(realMachine({ kind: 'shell' }, deadline)), deadline)
  let now = until(Date.now() + limitMs)
  const ask = remembered((asked) => now(asked))
  const target = await resolveTarget(await withServer(options), hostOf(ask), cwd)
  return { ask: about(target, ask), target, renew: () => void (now = until(Date.now() + limitMs)) }
}

/** An endpoint named alone is that of the process behind it, where this user may see which one that is. */
async function withServer(options: TargetOptions): Promise<TargetOptions> {
  const { probe, unit, pid, python, library, log, profile, model } = options
  if (typeof probe !== 'string' || (unit ?? pid ?? python ?? library ?? log ?? profile ?? model) !== undefined) return options
  const url = new URL(addressOf(probe))
  const { isHere, portOf, serverOn } = await import('../host/listeners.ts')
  const server = (await isHere(url)) ? serverOn(portOf(url)) : null
  return server === null ? options : { ...options, pid: String(server) }
}

function secondsOf(typed: string): number {
  const seconds = Number(typed)
  if (typed.trim() === '' || !Number.isFinite(seconds) || seconds <= 0 || seconds > 3600) throw new WrongCall(`--timeout ${JSON.stringify(typed)}: give seconds, above 0 and at most 3600.`)
  return seconds
}
