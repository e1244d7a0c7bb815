import { fileURLToPath } from 'node:url'
import { CannotSee } from '../cannot-see.ts'
import type { Json } from '../types.ts'
import { runBounded } from './run.ts'

/** What the packages of the field know about a machine. Each is loaded only when its topic is asked for. */
export async function inventory(topic: string, deadline: number): Promise<Json> {
  if (topic === 'cpu') {
    const { cpu } = await import('systeminformation')
    const { manufacturer, brand, physicalCores, cores } = await cpu()
    return { manufacturer, brand, physicalCores, logicalCores: cores }
  }
  if (topic === 'speech') return (await import('./speech.ts')).speechProcesses(deadline)
  if (topic === 'nvidia') return nvidia(deadline)
  throw new CannotSee(`There is no inventory of ${topic}.`)
}

/**
 * node-nvidia-smi has no time limit and takes any word on stderr for a failure, so it runs in a child of its own.
 * null = no answer of use; then nvidia-smi itself is asked, so that its own words and exit code are the evidence.
 */
async function nvidia(deadline: number): Promise<Json> {
  const script = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './nvidia-smi-child.ts' : './nvidia-smi-child.js', import.meta.url))
  const output = await runBounded([process.execPath, script], {}, deadline)
  if (output === null || output.code !== 0) return null
  try {
    return JSON.parse(output.stdout) as Json
  } catch {
    return null
  }
}
