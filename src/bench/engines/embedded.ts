import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine, Instance } from '../engine.ts'
import type { Job } from '../messages.ts'
import { startWorker } from './worker-child.ts'

export interface EmbeddedInstance extends Instance {
  readonly runtimeVersion: string
  output(): string
}

/** A synthetic network on onnxruntime-node in a child process, which also survives a crash of it. */
export const embedded = (job: Job, signal: AbortSignal): Engine<EmbeddedInstance> => ({ open: () => open(job, signal), freshEveryRun: false })

async function open(job: Job, signal: AbortSignal): Promise<EmbeddedInstance> {
  const startedAtMs = Date.now()
  const worker = startWorker(signal)
  const { loaded } = await worker.ask({ kind: 'load', job }, 'loaded')
  return {
    runtimeVersion: loaded.runtimeVersion,
    loadMs: loaded.readyAtMs - startedAtMs - loaded.prepareMs,
    pids: () => (worker.pid === null ? [] : [worker.pid]),
    output: worker.output,
    run: async () => (await worker.ask({ kind: 'run' }, 'ran')).run,
    calibrate: async () => (await worker.ask({ kind: 'calibrate' }, 'calibrated')).calibration,
    placement: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-bench-'))
      try {
        return (await worker.ask({ kind: 'place', folder }, 'placed')).placement
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
    compare: async () => (await worker.ask({ kind: 'compare' }, 'compared')).agreement,
    // Only of a built-in network is it known how much arithmetic it takes.
    ...(job.network.kind === 'workload' ? { peak: async (tier) => (await worker.ask({ kind: 'peak', tier }, 'peaked')).peak } : {}),
    stop: worker.stop,
  }
}
