import { resolve } from 'node:path'
import type { Io } from '../../io.ts'
import type { Prepared } from '../audio/prepare.ts'
import type { BenchOptions } from '../command.ts'
import { CannotMeasure, type Engine } from '../engine.ts'
import { embedded, type EmbeddedInstance } from '../engines/embedded.ts'
import { refusesProvider } from '../engines/refused.ts'
import type { Job, NetworkName } from '../messages.ts'
import type { WorkloadName } from '../names.ts'
import { shortName, tierOf, usedProvider } from '../providers.ts'
import type { Subject } from '../subject.ts'
import { defaultWorkload } from '../workloads.ts'
import { reason, type Reason } from './refusal.ts'
import { runtimeFor } from './runtime-wanted.ts'

/** A built-in network, or the user's own model, on onnxruntime-node. */
export async function onnxruntimeNodeTarget(options: BenchOptions, io: Io, audio: Prepared, signal: AbortSignal): Promise<Subject> {
  const model = options.model === undefined ? null : resolve(io.cwd, options.model)
  const own = model === null ? {} : await (await import('../recogniser/recognise.ts')).modelRun(model)
  const runtime = await runtimeFor(options, io)
  const asked = options.provider.length === 0 ? ['auto'] : options.provider.map(shortName)
  const providers = asked.flatMap((name) => (name !== 'auto' ? [name] : runtime.hasCuda ? ['cuda', 'cpu'] : ['cpu']))
  let workload = (options.workload ?? defaultWorkload(tierOf(providers[0]!))) as WorkloadName
  const network = (): NetworkName => (model === null ? { kind: 'workload', workload } : { kind: 'model', path: model })
  const name = () => (model === null ? `${workload} (random weights)` : options.model!)
  const job = (names: readonly string[]): Job => ({ runtime: runtime.entry, network: network(), providers: names, threads: options.threads ?? null, audio: audio.path })
  let last: EmbeddedInstance | null = null
  let fellBack: Reason | null = null
  const engine: Engine<EmbeddedInstance> = {
    freshEveryRun: false,
    open: async () => {
      try {
        return await embedded(job(fellBack === null ? providers : ['cpu']), signal).open()
      } catch (error) {
        // `auto` names no provider, so the next best is used, and the reason is kept.
        if (asked[0] !== 'auto' || providers[0] === 'cpu' || fellBack !== null || !(error instanceof CannotMeasure) || error.refusal === null) throw error
        fellBack = reason(providers[0]!, error.refusal.error, error.refusal.output, runtime)
        workload = (options.workload ?? defaultWorkload('cpu')) as WorkloadName
        return embedded(job(['cpu']), signal).open()
      }
    },
  }
  return {
    engine,
    plan: { launches: 3, runs: options.runs ?? null, place: true },
    get workload() {
      return model === null ? workload : options.model!
    },
    target: () => ({ kind: model === null ? 'embedded' : 'model', name: name(), runtime: `onnxruntime-node ${last?.runtimeVersion ?? runtime.version}`, threads: options.threads ?? null, ...own }),
    opened: (instance) => (last = instance as EmbeddedInstance),
    provider: ({ placement }) => {
      const used = placement.length === 0 ? null : usedProvider(providers, placement)
      const first = asked[0]!
      const missed = used !== null && first !== 'auto' && used !== first
      return { asked, used, tier: used === null ? null : tierOf(used), ...((missed ? reason(first, null, last?.output() ?? '', runtime) : fellBack) ?? { because: null, how: null }), placement }
    },
    // Any other error is not the provider's: what it says is what there is to say.
    refused: ({ refusal }) => {
      const first = asked[0]!
      if (refusal === null || first === 'auto' || first === 'cpu' || !refusesProvider(first, refusal.error, refusal.output)) return null
      return { asked, used: null, tier: null, ...reason(first, refusal.error, refusal.output, runtime), placement: [] }
    },
  }
}
