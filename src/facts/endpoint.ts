import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { answersOf, type EndpointAnswers } from '../probe/endpoint-answers.ts'
import { judgedEndpoint, type EndpointVerdict } from '../probe/endpoint-judge.ts'
import { endpointOf, type EndpointReading } from '../probe/endpoint.ts'
import { question } from '../question.ts'
import type { Fact, Use } from '../types.ts'
import { gpuIntent } from './gpu-intent.ts'
import { target, targetChain } from './target.ts'
import { unitState } from './unit-state.ts'

export interface Endpoint {
  readonly url: string
  readonly reading: EndpointReading
  readonly answers: EndpointAnswers
  readonly verdict: EndpointVerdict
  /** The question behind it, for evidence. */
  readonly asked: string
}

/** The service's own endpoint, asked for the text of known speech while its processes and the GPUs are watched. */
export const endpoint: Fact<Endpoint> = {
  id: 'endpoint',
  about: 'what the endpoint of the service answers, and who works for it',
  gather: async (host, use) => {
    const asked = await use(target)
    if (asked.probe?.url === undefined) throw new DoesNotApply('Nobody asked for its endpoint (--probe URL).')
    const { url, seconds } = asked.probe
    // From the unit's main process on: whatever it starts is watched as well.
    const main = asked.kind === 'shell' ? null : (await use(targetChain))[0]
    const words = [url, seconds, typeof main === 'number' ? main : null, asked.kind === 'unit' ? asked.name : null] as const
    const wish = await known(use(gpuIntent))
    const reading = endpointOf(await host.transcribe(...words))
    if (reading === null) throw new CannotSee('What came of asking the endpoint was not recorded in full.')
    return { url, reading, answers: answersOf(reading), verdict: judgedEndpoint(reading, await quotaOf(use), wish.known ? wish.value.gpuPresent : null), asked: question.transcribe(...words) }
  },
}

/** CPU time a second of one processor (systemd.resource-control(5)). */
async function quotaOf(use: Use): Promise<number | null> {
  const unit = await known(use(unitState))
  const [, amount, unitOfTime] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec((unit.known ? unit.value?.properties['CPUQuotaPerSecUSec'] : '') ?? '') ?? []
  return amount === undefined ? null : Number(amount) / (unitOfTime === 'ms' ? 1000 : 1)
}
