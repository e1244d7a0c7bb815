import type { SpeechProcess } from './host/speech.ts'
import { targetArgs, targetName } from './target-name.ts'
import type { Host, Neighbour, Target } from './types.ts'

/** The services and processes on this machine that load a speech runtime, each once. */
export async function neighbours(host: Host): Promise<readonly (Neighbour & { readonly target: Target })[]> {
  const found = (await host.inventory('speech')) as unknown as readonly SpeechProcess[]
  const byName = new Map<string, Neighbour & { target: Target }>()
  for (const { pid, program, runtime, unit } of found) {
    const target: Target = unit === null ? { kind: 'pid', pid: pid! } : { kind: 'unit', name: unit.name, scope: unit.scope }
    const key = targetArgs(target).join(' ')
    if (!byName.has(key)) byName.set(key, { target, name: unit === null ? program : targetName(target), pid, runtime, args: targetArgs(target) })
  }
  return [...byName.values()]
}
