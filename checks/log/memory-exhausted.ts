import { defineCheck, type Finding } from '../../src/index.ts'
import { asEvidence, linesFor } from '../ep/subject.ts'
import { judged, LOG } from './subject.ts'

export default defineCheck({
  id: 'log/memory-exhausted',
  title: 'The log shows that memory ran out',
  docs: {
    what: 'Looks in the log for the lines with which torch says that the GPU had no memory left, and with which the kernel and systemd say that a process was killed for want of memory.',
    why: 'A killed service is started again and looks merely slow; a model that does not fit into the memory of the GPU is often retried on the CPU.',
    remedy: 'Raise the limit of the service, load the model once and not per request, use a smaller model or half precision, or shorten the longest piece of audio.',
    links: ['man:systemd.resource-control(5)', 'https://pytorch.org/docs/stable/notes/cuda.html#memory-management'],
  },
  fixes: 'never',
  needs: LOG,
  run: (facts) =>
    judged(facts, (session) => {
      const finding = (hypothesis: string, cause: string): readonly Finding[] => {
        const lines = linesFor(session, hypothesis)
        // Nobody is named, and the log does not show that the one that was killed wrote it.
        const stranger = lines.length > 0 && lines.every(({ hit }) => hit.unsure)
        return lines.length === 0 ? [] : [{ severity: stranger ? 'info' : 'error', confidence: stranger ? 'possible' : 'certain', cause: stranger ? `${cause} Whether it is the one whose log this is, the log does not tell; --unit NAME does.` : cause, evidence: asEvidence(lines), fixes: [] }]
      }
      return [...finding('gpu-out-of-memory', 'The GPU had no memory left when the program asked for more.'), ...finding('out-of-memory', 'The kernel killed a process for want of memory.')]
    }),
})
