import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CannotSee } from '../cannot-see.ts'
import type { Json } from '../types.ts'
import { findProgram } from './find-program.ts'

/** What the packages of the field know about a machine. Each is loaded only when its topic is asked for. */
export async function inventory(topic: string, deadline: number): Promise<Json> {
  if (topic === 'cpu') {
    // CommonJS: a bundler gives it as the default export alone.
    const { default: systeminformation } = await import('systeminformation')
    const { manufacturer, brand, physicalCores, cores } = await systeminformation.cpu()
    return { manufacturer, brand, physicalCores, logicalCores: cores }
  }
  if (topic === 'speech') return (await import('./speech.ts')).speechProcesses(deadline)
  if (topic === 'nvidia') return nvidia(deadline)
  throw new CannotSee(`There is no inventory of ${topic}.`)
}

/**
 * node-nvidia-smi has no time limit and takes any word on stderr for a failure, so it runs in a child of its own, which is killed
 * with everything it started. null = no nvidia-smi, or no answer of use; then nvidia-smi itself is asked, so that its own words and
 * exit code are the evidence. Throws where it gives no answer at all: whoever asks again would wait again.
 */
async function nvidia(deadline: number): Promise<Json> {
  const program = findProgram('nvidia-smi', process.env)
  if (program === null) return null
  const script = fileURLToPath(new URL('./nvidia-smi-child.js', import.meta.url))
  const start = Date.now()
  try {
    const { runBounded } = await import('./run.ts')
    const output = await runBounded([process.execPath, script, dirname(program)], {}, deadline)
    return output === null || output.code !== 0 ? null : (JSON.parse(output.stdout) as Json)
  } catch (error) {
    if (!(error instanceof CannotSee) || Date.now() < deadline) return null
    throw new CannotSee(`nvidia-smi gave no answer within ${((deadline - start) / 1000).toFixed(1).replace(/\.0$/, '')} s.`, 'Look for NVRM and Xid in the kernel log (journalctl -k), or give it longer with --timeout SECONDS.')
  }
}
