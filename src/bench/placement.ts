import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Placement } from './messages.ts'

interface ProfileEvent {
  readonly cat?: string
  readonly name?: string
  readonly dur?: number
  readonly args?: { readonly provider?: string; readonly node_index?: string; readonly op_name?: string }
}

/** The runtime puts them between providers; they compute nothing. */
const COPIES = new Set(['MemcpyFromHost', 'MemcpyToHost'])

/**
 * Counts nodes by provider in profiles of the runtime (Chrome trace JSON; a process that died leaves one without its end).
 * On a device the duration of a node is the time to launch it (onnxruntime issue 20398), so it is not reported there.
 */
export function placementOf(profiles: readonly string[]): readonly Placement[] {
  const nodes = new Map<string, Set<string>>()
  const timeMs = new Map<string, number>()
  profiles.forEach((text, file) => {
    for (const event of parse(text)) {
      const provider = event.args?.provider
      if (event.cat !== 'Node' || provider === undefined || !event.name?.endsWith('_kernel_time') || COPIES.has(event.args?.op_name ?? '')) continue
      nodes.set(provider, (nodes.get(provider) ?? new Set()).add(`${file} ${event.args?.node_index} ${event.name}`))
      timeMs.set(provider, (timeMs.get(provider) ?? 0) + (event.dur ?? 0) / 1000)
    }
  })
  return [...nodes].map(([provider, names]) => ({ provider, nodes: names.size, timeMs: provider === 'CPUExecutionProvider' ? timeMs.get(provider)! : null }))
}

/** Of the profiles that the runtime wrote into a folder. */
export const placementIn = (folder: string): readonly Placement[] => placementOf(readdirSync(folder).filter((name) => name.endsWith('.json')).sort().map((name) => readFileSync(join(folder, name), 'utf8')))

function parse(text: string): readonly ProfileEvent[] {
  try {
    return JSON.parse(text) as ProfileEvent[]
  } catch {
    const end = text.lastIndexOf('},')
    if (end < 0) return []
    try {
      return JSON.parse(`${text.slice(0, end + 1)}]`) as ProfileEvent[]
    } catch {
      return []
    }
  }
}
