import { defineCheck, type Finding, type Immutable } from '../../src/index.ts'
import { probe } from '../../src/facts/probe.ts'
import { session } from '../../src/facts/session.ts'
import { target } from '../../src/facts/target.ts'
import type { EngineProbe } from '../../src/probe/types.ts'
import { reasonsIn } from '../../src/verdict/reason.ts'
import { again } from './subject.ts'

export default defineCheck({
  id: 'ep/probe-failed',
  title: 'The engine fails when it is tried in the place of the service',
  docs: {
    what: 'With --probe only: the service’s own interpreter imports each engine it has, makes a session or loads the service’s model on the GPU, runs it for two seconds and watches the GPU through NVML. This looks at engines that crash, hang, fail or compute something wrong there.',
    why: 'An engine that dies while it loads its GPU part writes no line of log, and a service manager only says that the process ended: ONNX Runtime up to 1.22 dies of SIGSEGV where the CUDA libraries are there and the driver’s libcuda.so.1 is not.',
    remedy: 'Mend what the step names that it failed in: a crash or a wait in the first session points at the driver and its libraries, one in the service’s own model at the model.',
    links: ['https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html', 'https://docs.nvidia.com/deploy/nvml-api/'],
  },
  fixes: 'always',
  needs: { target, probe, session },
  run: ({ target, probe, session }) => {
    const { spared, engines, python } = probe.reading
    if (spared !== null) return { status: 'unknown', because: `The GPU was left alone: ${spared}.`, how: 'Stop the service, or whatever else fills the GPU, and probe again.' }
    if (engines.length === 0) return { status: 'unknown', because: `No engine that can be tried is installed for its Python ${python}.`, how: 'Engines of other kinds tell in their log which provider they took.' }
    // What could not be loaded for a reason that it prints is said by ep/fell-back-to-cpu.
    const printed = session.logs.some(({ asked }) => asked === probe.asked)
    return probe.verdicts.flatMap(({ engine, shown, because }): Finding[] => {
      if (shown !== 'broken' || (printed && engine.end === 'answered' && (engine.sessions ?? []).length === 0)) return []
      const said = reasonsIn(engine).slice(0, 2).map((saw) => ({ source: probe.asked, saw }))
      return [
        {
          severity: severityOf(engine, session.asks?.asks ?? null),
          confidence: 'certain',
          cause: `Tried in its place, ${because}`,
          evidence: [{ source: probe.asked, saw: `${engine.engine}: ${engine.end} at “${engine.step}”` }, ...said],
          fixes: [{ title: 'Mend what the engine fails at', safety: 'manual', edits: [], then: [again(target, '--only gpu --only cuda --only cudnn'), `Probe again: ${again(target, '--probe --only ep')}`] }],
        },
      ]
    })
  },
})

/** Where nobody asks for the GPU it was the probe that did, and what came of that once the engine was imported is no fault of the service. */
function severityOf({ end, step }: Immutable<EngineProbe>, asks: 'gpu' | 'cpu' | null): Finding['severity'] {
  if (asks === null && step !== 'start' && !step.startsWith('import ')) return 'info'
  return asks === 'gpu' || end !== 'answered' ? 'error' : 'warning'
}
