import { known } from '../cannot-see.ts'
import { hostOf, type Ask } from '../host/host.ts'
import type { Io } from '../io.ts'
import { neighbours } from '../neighbours.ts'
import { clean } from '../report/clean.ts'
import type { Target } from '../types.ts'
import { WrongCall } from '../wrong-call.ts'

/** Without a target: the one speech service of this machine, by name; none = this shell. What may be meant and was not seen is not written over. */
export async function theOneService(ask: Ask, io: Pick<Io, 'stderr'>, writes: boolean): Promise<Target> {
  const found = await known(neighbours(hostOf(ask)))
  if (!found.known) {
    const unseen = `Which speech services there are could not be seen: ${found.because}`
    if (writes) throw new WrongCall(`${unseen} Nothing was written; name what is meant with --unit or --pid.`)
    io.stderr.write(`${clean(unseen)} This shell is taken; name a service with --unit.\n`)
    return { kind: 'shell' }
  }
  const services = found.value.filter(({ target }) => target.kind === 'unit')
  if (services.length > 1) throw new WrongCall(`There are ${services.length} speech services; name one: ${services.map(({ args }) => `asr-doctor fix ${args.join(' ')}`).join(', ')}.`)
  if (services.length === 0) return { kind: 'shell' }
  io.stderr.write(`Taken: ${clean(services[0]!.name)}, the one speech service found here.\n`)
  return services[0]!.target
}
