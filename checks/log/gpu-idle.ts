import { defineCheck } from '../../src/index.ts'
import { seenIn } from '../../src/verdict/signs.ts'
import { judged, LOG } from './subject.ts'

/** A GPU that transcribes is busy for most of the time; below this it hardly works. Our own measure. */
const IDLE_PERCENT = 10
const LOADED_PERCENT = 10

export default defineCheck({
  id: 'log/gpu-idle',
  title: 'The log shows a GPU whose memory is taken and that hardly works',
  docs: {
    what: 'Looks in the log for lines of monitors that say how busy the GPU was and how much of its memory was taken.',
    why: 'Memory stays taken while nothing is computed, so it is no sign of work. A GPU that waits while work is queued waits for the CPU: for decoding of audio, for a lock, or for a stage that runs elsewhere.',
    remedy: 'Look at the utilisation while work is known to be under way, and at which stage takes the time then.',
    links: ['https://docs.nvidia.com/deploy/nvidia-smi/index.html'],
  },
  fixes: 'never',
  needs: LOG,
  run: (facts) =>
    judged(facts, (session) => {
      const seen = seenIn(session, ({ id }) => id === 'gpu-load').map(({ hit, evidence }) => ({ evidence, busy: Number(/SM=(\d+)%/.exec(hit.text)?.[1]), taken: Number(/VRAM=([\d.]+)%/.exec(hit.text)?.[1]) }))
      // One busy moment shows that it works.
      if (seen.length === 0 || seen.some(({ busy, taken }) => busy >= IDLE_PERCENT || taken < LOADED_PERCENT)) return []
      const [first] = seen
      return [{ severity: 'info', confidence: 'certain', cause: `${seen.length === 1 ? 'When the log says how busy the GPU was' : `Each of the ${seen.length} times looked at that the log says how busy the GPU was`}, it hardly worked (${first!.busy} %), with ${first!.taken} % of its memory taken. If work was under way, it waited for something else.`, evidence: [first!.evidence], fixes: [] }]
    }),
})
