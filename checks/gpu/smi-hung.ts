import { defineCheck } from '../../src/index.ts'
import { gpuWish } from '../../src/facts/gpu-wish.ts'
import { nvidiaSmi } from '../../src/facts/nvidia-smi.ts'
import { evidence, manual } from './subject.ts'

/** Without persistence mode the driver starts the GPUs anew for each call, which takes seconds. */
const PATIENCE_MS = 5000

export default defineCheck({
  id: 'gpu/smi-hung',
  title: 'nvidia-smi does not come back',
  docs: {
    what: 'Asks nvidia-smi -q -x once, within the time limit of the whole run, and ends it with all that it started when the time is up.',
    why: '`nvidia-smi` waits inside the driver when a GPU has fallen off the bus or its firmware does not answer. Whatever uses CUDA then hangs in the same place.',
    remedy: 'Look for NVRM and Xid in the kernel log, end what holds the GPU, and reboot the machine if it does not come back.',
    links: ['https://docs.nvidia.com/deploy/xid-errors/', 'https://docs.nvidia.com/deploy/driver-persistence/'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { nvidiaSmi, gpuWish },
  run: ({ nvidiaSmi: smi, gpuWish: wish }) => {
    if (smi.kind === 'absent') return { status: 'not-applicable', because: 'There is no nvidia-smi on this machine.' }
    if (smi.kind === 'unseen') return { status: 'unknown', because: smi.because, how: smi.how }
    if (smi.kind !== 'late') return []
    if (smi.limitMs < PATIENCE_MS) return { status: 'unknown', because: `${smi.words.replace(/\.$/, '')}, which may be slowness alone.`, how: 'Give it longer with --timeout 15.' }
    return [{
      severity: wish.strength === 'asked' || wish.strength === 'built' ? 'error' : 'warning',
      confidence: 'likely',
      cause: `${smi.words.replace(/\.$/, '')}, so the driver or a GPU does not respond.`,
      evidence: evidence({ source: smi.source, saw: smi.words }),
      fixes: [manual('Find out from the kernel log what the GPU did, and reboot if nvidia-smi stays stuck', "journalctl -k | grep -E 'NVRM|Xid'", 'ps -eo pid,stat,wchan:32,cmd | grep nvidia   (state D: stuck in the kernel, and only a reboot helps)', 'If it was only slow: nvidia-smi -pm 1 keeps the driver loaded.')],
    }]
  },
})
