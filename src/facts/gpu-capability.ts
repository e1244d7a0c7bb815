import { DoesNotApply, known } from '../cannot-see.ts'
import { capabilitiesOf, capabilityByName } from '../gpu/capability.ts'
import { question } from '../question.ts'
import type { Evidence, Fact } from '../types.ts'
import { nvidiaSmi } from './nvidia-smi.ts'
import { target } from './target.ts'

/** A card, and what it can compute. */
export interface Card {
  readonly name: string
  /** 86 for compute capability 8.6. */
  readonly capability: number
  readonly evidence: Evidence
}

const ARGS = ['--query-gpu=compute_cap,name', '--format=csv,noheader'] as const

/** Every card that is seen, or none where the capability of any is not certain: which of several is used is not known. */
export const cards: Fact<readonly Card[]> = {
  id: 'cards',
  about: 'the compute capability of the GPUs',
  gather: async (host, use) => {
    const asked = await use(target)
    if (asked.kind === 'shell') throw new DoesNotApply('Nothing that was named runs inference.')
    const smi = await use(nvidiaSmi)
    const gpus = smi.kind === 'report' ? smi.report.gpus : []
    if (smi.kind !== 'report' || gpus.length === 0) throw new DoesNotApply('nvidia-smi shows no GPU here.')
    const answer = await known(host.run('nvidia-smi', ARGS))
    const listed = answer.known && answer.value?.code === 0 ? capabilitiesOf(answer.value.stdout) : []
    if (listed.length === gpus.length) return listed.map(({ name, capability }) => ({ name, capability, evidence: { source: question.run('nvidia-smi', ARGS), saw: `${Math.floor(capability / 10)}.${capability % 10}, ${name}` } }))
    // Drivers before release 510 do not know the field.
    const named = gpus.map(({ name }) => ({ name: name ?? '', capability: name === null ? null : capabilityByName(name) }))
    return named.some(({ capability }) => capability === null) ? [] : named.map(({ name, capability }) => ({ name, capability: capability!, evidence: { source: smi.source, saw: name } }))
  },
}
