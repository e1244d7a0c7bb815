import { defineCheck } from '../../src/index.ts'
import { endpoint } from '../../src/facts/endpoint.ts'
import { session } from '../../src/facts/session.ts'
import { target } from '../../src/facts/target.ts'
import { again, linesFor } from './subject.ts'

export default defineCheck({
  id: 'ep/endpoint-on-cpu',
  title: 'The service asks for the GPU and answers from the CPU',
  docs: {
    what: 'With --probe URL only: while the endpoint transcribes known speech, the CPU time of the service’s processes, the devices they have open and their time on the GPU are watched. This looks at services that ask for the GPU and whose processors do the work while no GPU computes for them.',
    why: 'An engine that could not have the GPU takes the CPU, and many say so in no log. What it does at work tells, whatever the engine and its language.',
    remedy: 'Find out why the engine does not take the GPU: libraries that are not found, a build without CUDA, or a device that the service may not use.',
    links: ['https://docs.nvidia.com/deploy/nvidia-smi/index.html', 'man:proc_pid_fd(5)'],
  },
  fixes: 'always',
  needs: { target, endpoint, session },
  run: ({ target, endpoint, session }) => {
    const { onGpu, place } = endpoint.verdict
    if (onGpu !== false || session.asks?.asks !== 'gpu') return []
    // Where its log gives the reason, ep/fell-back-to-cpu and ep/runtime-cpu-only say it.
    if (['provider-not-loaded', 'cpu-only-runtime'].some((cause) => linesFor(session, cause).length > 0)) return []
    return [
      {
        severity: 'error',
        confidence: 'likely',
        cause: 'It asks for the GPU, and answers its endpoint with the CPU alone.',
        evidence: [{ source: endpoint.asked, saw: place }, ...session.asks.evidence.slice(0, 1)],
        fixes: [{ title: 'Find out why the engine does not take the GPU', safety: 'manual', edits: [], then: [again(target, '--only gpu --only cuda --only cudnn --only service'), ...(session.usesOnnx ? [`Where it is a Python program, its engine can be tried in its place: ${again(target, '--probe --only ep')}`] : [])] }],
      },
    ]
  },
})
