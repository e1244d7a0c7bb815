import { defineCheck, type Evidence } from '../../src/index.ts'
import { profiles } from '../../src/facts/profile.ts'
import { session, type Session } from '../../src/facts/session.ts'
import { target } from '../../src/facts/target.ts'
import { onGpu, sideOf } from '../../src/onnx/providers.ts'
import { seenIn } from '../../src/verdict/signs.ts'
import { nothingToJudge } from './subject.ts'

export default defineCheck({
  id: 'ep/session-without-provider',
  title: 'One session lies wholly on the CPU while another is on CUDA',
  docs: {
    what: 'Compares the sessions of one program, where a verbose log or several profiles show on which provider the nodes of each were placed.',
    why: 'A transducer is three models in three sessions, and the list of providers is easily given to the encoder alone. It is no fault by itself: voice activity detection belongs on the CPU, and a tiny decoder may be faster there.',
    remedy: 'Give the providers to every session that does much work, and measure both ways.',
    links: ['https://onnxruntime.ai/docs/execution-providers/'],
  },
  fixes: 'always',
  needs: { target, profiles, session },
  run: ({ target, profiles: given, session }) => {
    const foreign = nothingToJudge(target)
    if (foreign !== null) return foreign
    const seen = (wanted: RegExp) => seenIn(session as Session, ({ id }) => wanted.test(id))
    const [onCpu] = seen(/^ort-all-on-cpu$/)
    const [onCuda] = seen(/^ort-(all|some)-on-cuda$/)
    const profiles = session.profiles.map(({ asked, reading }) => ({ asked, gpu: reading.providers.filter(({ provider }) => onGpu(provider)).map(({ provider }) => provider), cpu: reading.providers.length > 0 && reading.providers.every(({ provider }) => sideOf(provider) === 'cpu') }))
    const evidence: readonly Evidence[] =
      onCpu !== undefined && onCuda !== undefined
        ? [onCpu.evidence, onCuda.evidence]
        : profiles.some(({ gpu }) => gpu.length > 0) && profiles.some(({ cpu }) => cpu)
          ? profiles.filter(({ gpu, cpu }) => cpu || gpu.length > 0).map(({ asked, gpu }) => ({ source: asked, saw: gpu.length > 0 ? `nodes on ${gpu.join(' and ')}` : 'nodes on CPUExecutionProvider only' }))
          : []
    const [first, ...more] = evidence
    if (first !== undefined) {
      return [
        {
          severity: 'info',
          confidence: 'possible',
          cause: 'One session has all its nodes on the CPU, while another of the same program has nodes on CUDA.',
          evidence: [first, ...more],
          fixes: [{ title: 'Give the providers to this session as well, unless it is meant for the CPU', safety: 'manual', edits: [], then: ['Measure both ways: voice activity detection and tiny decoders are often faster on the CPU.'] }],
        },
      ]
    }
    const unread = given.find(({ reading }) => !reading.known)
    if (unread !== undefined && !unread.reading.known) return { status: 'unknown', because: unread.reading.because, how: unread.reading.how }
    const placements = seen(/^ort-(all|some)-on-(cuda|cpu)$/).length > 0 || profiles.length > 1
    if (placements) return []
    return { status: 'not-applicable', because: 'Neither a verbose log nor profiles of several sessions show where nodes were placed.' }
  },
})
