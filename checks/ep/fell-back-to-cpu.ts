import { defineCheck, type Finding, type Immutable, type Target } from '../../src/index.ts'
import { logs } from '../../src/facts/log.ts'
import { session, type Session } from '../../src/facts/session.ts'
import { target } from '../../src/facts/target.ts'
import { engineOf, enginesAt, readingOf } from '../../src/verdict/readings.ts'
import { standing } from '../../src/verdict/standing.ts'
import { again, asEvidence, gravity, linesFor, nothingToJudge, ofEarlierRun, probed, triedWell, unseenFallback, weightOf, writtenBySelf } from './subject.ts'

export default defineCheck({
  id: 'ep/fell-back-to-cpu',
  title: 'The engine could not use its GPU part and went on without it',
  docs: {
    what: 'Looks in the log for the lines with which ONNX Runtime, CTranslate2 and their bindings say that a GPU part could not be loaded, and in the memory of the process for the provider itself. With --probe also at what a session gets that is made in the place of a service that asks for the GPU.',
    why: 'ONNX Runtime goes on with the CPU and says so in one line on stderr. `get_available_providers()` still names CUDA: it lists what was compiled in. The reason stands in the line before the general advice about CUDA and cuDNN.',
    remedy: 'Mend what the line names: most often one library that is missing from, or hidden from, the place where the service runs. `session.get_providers()` tells afterwards what a session really got.',
    links: ['https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html', 'https://github.com/microsoft/onnxruntime/issues/25609'],
  },
  fixes: 'always',
  needs: { target, logs, session },
  run: ({ target, logs, session }) => {
    const foreign = nothingToJudge(target)
    if (foreign !== null) return foreign
    const lines = [...linesFor(session, 'provider-not-loaded'), ...standing(session as Session, ({ id }) => FELL_BACK.has(id))]
    if (lines.length > 0) {
      // The reason of the loader says more than what came of it.
      const first = lines.find(({ signature }) => readingOf(signature).unloaded === true) ?? lines[0]!
      const self = writtenBySelf(session, lines)
      const cause = causeOf(first.hit.text, first.signature.meaning)
      const weight = weightOf(session, lines)
      const [severity, confidence] = self ? ([weight.severity, weight.confidence] as const) : ofCopy(session)
      return [finding(target, self ? cause + weight.beside : `Tried in its place: ${cause}`, confidence, asEvidence([first, ...lines.filter((each) => each !== first)]), engineOf(first.signature) === 'onnxruntime', severity)]
    }
    if (session.provider?.state === 'loaded') return []
    const tried = probed(session, ({ shown, cpuOnly }) => shown === 'cpu' && !cpuOnly)
    if (tried !== null) {
      const [severity, confidence] = tried.engine === 'onnxruntime' ? ofCopy(session) : (['error', 'likely'] as const)
      return [finding(target, tried.because, confidence, tried.evidence, false, severity)]
    }
    if (session.provider?.state === 'tried') {
      return [finding(target, 'The process asked ONNX Runtime for a provider that lies in a file of its own, and libonnxruntime_providers_cuda.so is not in its memory, so it works on the CPU.', 'likely', [session.provider.evidence], true)]
    }
    if (session.asks?.asks === 'cpu') return { status: 'not-applicable', because: 'It asks for the CPU.' }
    const earlier = ofEarlierRun(session, ({ id, confirms }) => confirms.includes('provider-not-loaded') || FELL_BACK.has(id))
    return triedWell(session) ? [] : (earlier ?? unseenFallback(target, logs, session) ?? [])
  },
})

/** Torch brings CUDA's libraries into a process when it is imported, and ONNX Runtime finds them there; a copy that does not import it is worse off. */
const ofCopy = (session: Immutable<Session>): readonly [Finding['severity'], Finding['confidence']] => (enginesAt(session.engineFiles ?? []).includes('torch') ? ['warning', 'possible'] : [gravity(session), 'likely'])

/** Lines that say that the work went to the CPU, and not why. */
const FELL_BACK = new Set(['ort-falling-back', 'cpu-retry'])

const finding = (target: Immutable<Target>, cause: string, confidence: Finding['confidence'], evidence: Finding['evidence'], ort: boolean, severity: Finding['severity'] = 'error'): Finding => ({
  severity,
  confidence,
  cause,
  evidence,
  ...(ort ? { refuted: [{ hypothesis: 'CUDA is among the available providers', because: 'That list says what was compiled in, and is the same whether or not the provider can be loaded.' }] } : {}),
  fixes: [{ title: 'Let the service reach what its GPU part needs', safety: 'manual', edits: [], then: [again(target, '--only cuda --only cudnn'), 'Restart the service; the line must not come again.'] }],
})

/** The reason as the loader gave it (dlerror(3)), in a sentence. */
function causeOf(text: string, meaning: string): string {
  const error = /libonnxruntime_providers_\w+\.so with error: (.+)$/.exec(text)?.[1]?.trim()
  if (error === undefined) return meaning
  const missing = /^(\S+?): cannot open shared object file/.exec(error)?.[1]
  if (missing === undefined) return `ONNX Runtime could not load its CUDA provider, and the loader said “${error.replace(/[.:\s]+$/, '')}”.`
  return `ONNX Runtime could not load its CUDA provider because ${missing.split('/').at(-1)} was not found, so nothing runs on the GPU through it.`
}
