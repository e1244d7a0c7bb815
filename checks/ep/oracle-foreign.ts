import { defineCheck, type Finding } from '../../src/index.ts'
import { session } from '../../src/facts/session.ts'
import { sourceEngine } from '../../src/facts/source-engine.ts'
import { linesFor } from './subject.ts'

export default defineCheck({
  id: 'ep/oracle-foreign',
  title: 'The service asks one engine whether another can use the GPU',
  docs: {
    what: "Looks in the service's own Python source (what was started and what it imports) for torch.cuda.is_available() that chooses the device of CTranslate2 or ONNX Runtime, where the torch of that Python was built for the CPU; and for get_device() or get_available_providers() of ONNX Runtime in a service whose log shows that CUDA could not be loaded.",
    why: 'Each engine finds the GPU by its own means. A torch without CUDA says no, and faster-whisper runs on the CPU beside an idle card. ONNX Runtime answers what was compiled in, which is yes whether or not the provider can be loaded.',
    remedy: 'Ask the engine that runs: ctranslate2.get_cuda_device_count(), or session.get_providers() after the session was made.',
    links: ['https://opennmt.net/CTranslate2/python/ctranslate2.get_cuda_device_count.html', 'https://github.com/microsoft/onnxruntime/issues/21769'],
  },
  fixes: 'always',
  needs: { sourceEngine, session },
  run: ({ sourceEngine: { lines, source, python }, session }) => {
    const torch = python.distributions.find(({ name }) => name === 'torch')
    const without = torch !== undefined && /\+cpu$/.test(torch.version)
    const decides = lines.filter(({ kind }) => kind === 'torch-decides')
    const asked = lines.filter(({ kind }) => kind === 'compiled-in')
    const failed = linesFor(session, 'provider-not-loaded')
    const of = (list: typeof lines): Finding['evidence'] => list.slice(0, 2).map(({ file, line, text }) => ({ source, saw: `${file}:${line}: ${text}` })) as unknown as Finding['evidence']
    const findings: Finding[] = []
    if (without && decides.length > 0) {
      const { file, line } = decides[0]!
      findings.push({
        severity: 'warning',
        confidence: decides.some(({ reach }) => reach === 'script') ? 'likely' : 'possible',
        cause: `${file}:${line} asks torch whether there is a GPU, and torch ${torch.version} was built without CUDA, so it always says no to an engine that has its own way to the GPU.`,
        evidence: [...of(decides), { source: python.source, saw: `torch ${torch.version}` }] as unknown as Finding['evidence'],
        fixes: [{ title: 'Ask the engine that runs', safety: 'manual', edits: [], then: ["device = 'cuda' if ctranslate2.get_cuda_device_count() > 0 else 'cpu'", 'For ONNX Runtime name the providers, and read session.get_providers() afterwards.'] }],
      })
    }
    if (asked.length > 0 && failed.length > 0) {
      const { file, line } = asked[0]!
      findings.push({
        severity: 'info',
        confidence: 'certain',
        cause: `${file}:${line} asks ONNX Runtime what was compiled in, which names CUDA although the log shows that CUDA could not be loaded.`,
        evidence: [...of(asked), failed[0]!.evidence] as unknown as Finding['evidence'],
        fixes: [{ title: 'Ask the session what it uses', safety: 'manual', edits: [], then: ['session.get_providers(), after the session was made.'] }],
      })
    }
    return findings
  },
})
