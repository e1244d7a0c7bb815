import type { Engine, Instance } from '../engine.ts'
import type { Job } from '../messages.ts'
import { inTempFolder } from '../temp-folder.ts'
import { startWorker } from './worker-child.ts'

export interface EmbeddedInstance extends Instance {
  readonly runtimeVersion: string
  output(): string
}

/** A synthetic network on onnxruntime-node in a child process, which also survives a crash of it. */
export const embedded = (job: Job, signal: AbortSignal): Engine<EmbeddedInstance> => ({ open: () => open(job, signal), freshEveryRun: false })

async function open(job: Job, signal: AbortSignal): Promise<EmbeddedInstance> {
  const startedAt = performance.now()
  const worker = startWorker(signal)
  const { loaded } = await worker.ask({ kind: 'load', job }, 'loaded')
  const loadMs = performance.now() - startedAt - loaded.sinceReadyMs - loaded.prepareMs
  return {
    runtimeVersion: loaded.runtimeVersion,
    loadMs,
    pids: () => (worker.pid === null ? [] : [worker.pid]),
    output: worker.output,
    run: async () => (await worker.ask({ kind: 'run' }, 'ran')).run,
    calibrate: async () => (await worker.ask({ kind: 'calibrate' }, 'calibrated')).calibration,
    placement: () => inTempFolder(async (folder) => (await worker.ask({ kind: 'place', folder }, 'placed')).placement),
    compare: async () => (await worker.ask({ kind: 'compare' }, 'compared')).agreement,
    // Only of a built-in network is it known how much arithmetic it takes.
    ...(job.network.kind === 'workload' ? { peak: async (tier) => (await worker.ask({ kind: 'peak', tier }, 'peaked')).peak } : {}),
    stop: worker.stop,
  }
}
