import { plainError } from '../engines/refused.ts'
import { whyNot } from '../providers.ts'
import { cudaCommand, type Runtime } from '../runtime.ts'
import type { Provider } from '../types.ts'

export type Reason = Pick<Provider, 'because' | 'how'>

/** Why onnxruntime-node did not take a provider, and what would help. */
export function reason(provider: string, error: string | null, output: string, runtime: Runtime): Reason {
  const because = whyNot(provider, error === null ? null : plainError(error), output, runtime.hasCuda)
  const fetchable = !runtime.hasCuda && (provider === 'cuda' || provider === 'tensorrt') && process.platform === 'linux' && process.arch === 'x64'
  return { because, how: fetchable ? `This fetches them: ${cudaCommand(runtime)}` : null }
}
