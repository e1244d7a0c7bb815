import { defineCheck, type Evidence, type Finding, type Immutable } from '../../src/index.ts'
import { cpuBuild, type CpuBuild } from '../../src/facts/cpu-build.ts'
import { logs } from '../../src/facts/log.ts'
import { session, type Session } from '../../src/facts/session.ts'
import { target } from '../../src/facts/target.ts'
import type { Seen } from '../../src/verdict/signs.ts'
import { standing } from '../../src/verdict/standing.ts'
import { asEvidence, nothingToJudge, ofEarlierRun, ownLinesFor, probed, triedWell, unseenFallback, weightOf, writtenBySelf } from './subject.ts'

export default defineCheck({
  id: 'ep/runtime-cpu-only',
  title: 'The engine that runs was built without CUDA',
  docs: {
    what: 'Looks in the log for the lines with which onnxruntime, onnxruntime-node, sherpa-onnx, CTranslate2, whisper.cpp and torch say that the GPU asked for is not built in. Without such a line it looks at the files of ONNX Runtime, sherpa-onnx and whisper.cpp: what they are linked with, and what lies beside them. With --probe also at what they say when they are tried in the place of a service that asks for the GPU.',
    why: 'Each of them comes in a build for the CPU under nearly the same name, and most go on with it in silence: `use gpu = 1` of whisper.cpp is only the request, and `Fallback to cpu` of sherpa-onnx is one line among many.',
    remedy: 'Install the build with CUDA in place of the other: onnxruntime-gpu, the `+cuda` wheel of sherpa-onnx, whisper.cpp with -DGGML_CUDA=1.',
    links: ['https://onnxruntime.ai/docs/install/', 'https://k2-fsa.github.io/sherpa/onnx/python/install.html', 'https://github.com/ggml-org/whisper.cpp#nvidia-gpu-support'],
  },
  fixes: 'always',
  needs: { target, logs, session, cpuBuild },
  run: ({ target, logs, session, cpuBuild: build }) => {
    const foreign = nothingToJudge(target)
    if (foreign !== null) return foreign
    const lines = ownLinesFor(session, 'cpu-only-runtime')
    const [first] = lines
    if (first !== undefined && writtenBySelf(session, lines)) return [ofLines(session, lines, first)]
    const tried = probed(session, ({ cpuOnly }) => cpuOnly)
    if (tried !== null) return [finding(tried.engine, tried.because, tried.evidence)]
    // whisper.cpp asks for a GPU by default, so that its line counts only where somebody else asks as well.
    const unseen = session.asks?.asks === 'gpu' ? standing(session as Session, ({ id }) => id === 'ggml-no-gpu') : []
    if (unseen.length > 0) return [{ ...finding('ggml-no-gpu', unseen[0]!.signature.meaning, asEvidence(unseen)), confidence: 'likely' as const, refuted: [] }]
    if (session.asks?.asks === 'cpu') return { status: 'not-applicable', because: 'It asks for the CPU.' }
    if (build !== null && !triedWell(session)) return [byFiles(build, session)]
    return session.provider?.state === 'loaded' || triedWell(session) ? [] : (ofEarlierRun(session, ({ confirms }) => confirms.includes('cpu-only-runtime')) ?? unseenFallback(target, logs, session) ?? [])
  },
})

function ofLines(session: Immutable<Session>, lines: readonly Seen[], { signature }: Seen): Finding {
  const { beside, ...weight } = weightOf(session, lines)
  const told = finding(signature.id, signature.meaning + beside, asEvidence(lines))
  return { ...told, ...weight, ...(weight.severity === 'info' && beside !== '' ? { fixes: [{ ...told.fixes[0]!, title: 'Where this engine is meant for the GPU as well: install the build with CUDA' }] } : {}) }
}

/** The files say what is built in; only the log would say that it was missed. */
function byFiles({ engine, path, evidence }: Immutable<CpuBuild>, session: Immutable<Session>): Finding {
  const asked = session.asks?.asks === 'gpu'
  const cause = engine === 'whisper.cpp' ? `${path} was built without a backend for a GPU, so whisper.cpp runs on the CPU, whatever it says of “use gpu = 1”.` : `${path} has no CUDA provider beside it, so ${engine === 'onnxruntime' ? 'ONNX Runtime' : engine} runs on the CPU although CUDA is asked for.`
  return { ...finding(engine, cause, [...evidence, ...(asked ? session.asks!.evidence.slice(0, 1) : [])] as unknown as Finding['evidence']), severity: asked ? 'error' : 'warning', confidence: 'likely' }
}

const INSTEAD: Readonly<Record<string, string>> = {
  'ort-provider-not-available': 'pip uninstall onnxruntime onnxruntime-gpu, then pip install onnxruntime-gpu',
  'sherpa-fallback': 'Install the +cuda wheel of sherpa-onnx from its own index',
  'torch-cpu-wheel': 'Install torch from an index with CUDA',
  'whisper.cpp': 'Build it with CUDA: cmake -B build -DGGML_CUDA=1',
  'sherpa-onnx': 'Install the +cuda wheel of sherpa-onnx from its own index',
  torch: 'Install torch from an index with CUDA',
  onnxruntime: 'pip uninstall onnxruntime, then pip install onnxruntime-gpu',
  'ct2-no-cuda-support': 'Install ctranslate2 from PyPI in place of the build in use',
}

const finding = (id: string, cause: string, evidence: readonly [Evidence, ...Evidence[]]): Finding => ({
  severity: 'error',
  confidence: 'certain',
  cause,
  evidence,
  refuted: [{ hypothesis: 'The CUDA libraries are hidden from the service', because: 'A build without CUDA looks for none.' }],
  fixes: [{ title: 'Install the build with CUDA', safety: 'manual', edits: [], then: [INSTEAD[id] ?? 'Install the build of the engine that has CUDA in it, and restart.'] }],
})
