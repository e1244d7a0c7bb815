/** The words of an engine that was tried which say why it is not on the GPU, out of all that it printed. */
import { SIGNATURES } from '../log/signatures.ts'
import type { Signature } from '../log/types.ts'
import type { EngineProbe } from '../probe/types.ts'
import { readingOf } from './readings.ts'
import { shortened } from './signs.ts'

/** A line of failure. What a verbose log says of the placement is counted by the probe itself. */
export const tellsFailure = (signature: Signature): boolean => (signature.shows === 'fault' || signature.shows === 'cpu') && signature.tier === null && readingOf(signature).counts === undefined

const FAILURES = SIGNATURES.filter(tellsFailure)

/** Lines that are known to say why, cut around what says it. Whatever else an engine prints (telemetry, advice) is no reason. */
export const reasonsIn = ({ said }: Pick<EngineProbe, 'said'>): readonly string[] =>
  said.flatMap((text) => {
    const signature = FAILURES.find(({ literals, where }) => literals.some((literal) => text.includes(literal)) && (where?.test(text) ?? true))
    return signature === undefined ? [] : [shortened({ text }, signature)]
  })

/** The best single piece of evidence of what an engine did: what it answered, where it printed no reason. */
export function reasonOf(engine: EngineProbe): string {
  const failed = [...(engine.sessions ?? []).flatMap(({ error, runError }) => [error, runError]), ...(engine.models ?? []).map(({ error }) => error)].find((each) => each !== null)
  return engine.error ?? reasonsIn(engine)[0] ?? failed ?? answered(engine) ?? `${engine.engine}: ${engine.end} at “${engine.step}”`
}

function answered({ engine, available, builtFor, devices, systemInfo }: EngineProbe): string | null {
  if (available !== undefined) return `get_available_providers(): ${available.join(', ')}`
  if (engine === 'torch' && builtFor !== undefined) return `torch.version.cuda: ${builtFor ?? 'None'}${devices === undefined ? '' : `, devices: ${devices}`}`
  if (engine === 'ctranslate2' && typeof devices === 'number') return `get_cuda_device_count(): ${devices}`
  return systemInfo?.trim().slice(0, 200) ?? null
}
