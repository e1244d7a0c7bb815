import { defineCheck, question, type Finding } from '../../src/index.ts'
import { confidenceOf, cudnnPart, doubts, intentEvidence, judgedLibraries, list, needs, pathEvidence, pathFix, severityOf, short, verb } from '../cuda/words.ts'

export default defineCheck({
  id: 'cudnn/sublibraries-missing',
  title: 'cuDNN is found, but not the libraries it opens by itself',
  docs: {
    what: 'Follows, from the libcudnn that the service gets, the libraries it opens by name at its first use (graph, ops, cnn, adv, heuristic, engines).',
    why: 'Nothing shows it beforehand: ldd is clean and the engine loads, then the first convolution aborts the whole program (“Unable to load any of {libcudnn_ops.so…}”, exit 134).',
    remedy: 'Install the whole of cuDNN, all of one version, or add the directory that holds the rest to LD_LIBRARY_PATH.',
    links: ['https://docs.nvidia.com/deeplearning/cudnn/latest/'],
  },
  on: ['linux'],
  fixes: 'sometimes',
  needs,
  run: (facts) => {
    const libraries = judgedLibraries(facts)
    const findings = libraries.flatMap((of): Finding[] => {
      const missing = of.missing.filter(cudnnPart)
      const severity = missing.length === 0 || of.cudnn === null ? null : severityOf('spoilt', of, facts.gpuIntent)
      if (severity === null || of.cudnn === null) return []
      // A variant of cuDNN without precompiled engines exists on purpose and compiles at run time.
      const needed = missing.filter(({ soname }) => !soname.includes('engines_precompiled'))
      const names = missing.map(({ soname }) => soname)
      const found = missing.filter(({ foundAt }) => foundAt.some(({ obstacle }) => obstacle === null))
      const { python } = facts.resolution
      if (found.length > 0 && python.known && python.value !== null && found.every(({ foundAt }) => foundAt.every(({ ofInterpreter }) => ofInterpreter))) return []
      const where = [...new Set(found.map(({ foundAt }) => foundAt.find(({ obstacle }) => obstacle === null)!.path.replace(/\/[^/]+$/, '')))]
      return [{
        severity: needed.length === 0 ? 'warning' : severity,
        confidence: confidenceOf(of, facts) === 'certain' && needed.length > 0 ? 'certain' : 'likely',
        cause: `${of.cudnn.path} opens ${short(names)} by itself, and ${where.length > 0 ? `the loader finds ${verb(names, 'it', 'them')} not, though ${list(where)} has ${verb(found, 'it', 'them')}` : `${verb(names, 'it is', 'they are')} nowhere to be found`}.`,
        evidence: [{ source: question.linkage(facts.resolution.of.root + missing[0]!.neededBy), saw: missing[0]!.neededBy }, ...pathEvidence(facts), ...where.map((directory) => ({ source: question.list(facts.resolution.of.root + directory), saw: list(names) })), ...intentEvidence(facts)],
        refuted: [{ hypothesis: 'ldd finds everything, so everything is there.', because: 'cuDNN opens these libraries with dlopen(3); they stand in no DT_NEEDED, which is all that ldd follows.' }],
        fixes: of.cure !== null && where.length > 0 ? [pathFix(facts, of.cure.value, `Add ${list(of.cure.directories)} to LD_LIBRARY_PATH`, of.cure.works ? 'safe' : 'manual')] : [{ title: `Install the whole of cuDNN ${of.cudnn.major}, all of one version`, safety: 'manual', edits: [], then: [`The files asked for: ${list(names)}.`] }],
      }]
    })
    return findings.length > 0 ? findings : (doubts(libraries) ?? [])
  },
})
