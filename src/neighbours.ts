import type { SpeechProcess } from './host/speech.ts'
import { targetArgs, targetName } from './target-name.ts'
import type { Host, Neighbour, Target } from './types.ts'

/** The services and processes on this machine that load a speech runtime, each once. */
export async function neighbours(host: Host): Promise<readonly (Neighbour & { readonly target: Target })[]> {
  const [found, { uid }] = await Promise.all([host.inventory('speech') as Promise<unknown> as Promise<readonly SpeechProcess[]>, host.caller()])
  const byName = new Map<string, Neighbour & { target: Target }>()
  for (const { pid, program, runtime, unit } of found) {
    // A user's manager answers that user; for others the process is what can be examined.
    const foreign = unit !== null && typeof unit.managerUid === 'number' && unit.managerUid !== 0 && unit.managerUid !== uid
    const target: Target = unit === null || foreign ? { kind: 'pid', pid: pid! } : { kind: 'unit', name: unit.name, scope: unit.scope }
    const key = targetArgs(target).join(' ')
    if (!byName.has(key)) byName.set(key, { target, name: unit === null ? program : foreign ? `${unit.name} of uid ${unit.managerUid}` : targetName(target), pid, runtime, args: targetArgs(target) })
  }
  return [...byName.values()]
}
