import { defineCheck, question, type Finding } from '../../src/index.ts'
import { braced } from '../../src/paths.ts'
import { isCudaLibrary } from '../../src/facts/cuda-names.ts'
import { asksEvidence, confidenceOf, cudnnPart, doubts, intentEvidence, judgedLibraries, list, needs, pathEvidence, pathFix, severityOf, short, verb, type Facts, type Missing, type Resolved } from './words.ts'

export default defineCheck({
  id: 'cuda/libraries-hidden',
  title: 'CUDA libraries are on this machine, but this service will not find them',
  docs: {
    what: 'Follows what the engine library asks of the dynamic loader, by its own bytes, under the environment, user and file system of the service, and looks for what stays unanswered in toolkits, wheels, conda and the directories the shell knows.',
    why: 'An execution provider that cannot be loaded is not used at all: the whole model then runs on the CPU, often without another word than one line in the log.',
    remedy: 'Add the directories named here to LD_LIBRARY_PATH of the service, or make them known to ldconfig. The variable is read once, when the program starts.',
    links: ['man:ld.so(8)', 'https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#requirements'],
  },
  on: ['linux'],
  fixes: 'sometimes',
  needs,
  run: (facts) => {
    const libraries = judgedLibraries(facts)
    const { python } = facts.resolution
    const findings = libraries.flatMap((of): Finding[] => {
      const hidden = of.missing.filter((each) => !cudnnPart(each) && each.foundAt.some(({ obstacle }) => obstacle === null))
      if (hidden.length === 0) return []
      // Wheels that the service's own interpreter sees are python/cuda-wheels-unreachable: it knows how that engine loads them.
      if (python.known && python.value !== null && hidden.every(({ foundAt }) => foundAt.every(({ ofInterpreter }) => ofInterpreter))) return []
      const severity = severityOf('hidden', of, facts.gpuIntent)
      return severity === null ? [] : [finding(facts, of, hidden, hidden.every(({ optional }) => optional) ? 'warning' : severity)]
    })
    if (findings.length > 0) return findings
    const wheels = libraries.some((of) => of.missing.some(({ foundAt }) => foundAt.some(({ place }) => place === 'wheel')))
    if (wheels && !python.known) return { status: 'unknown', because: python.because, how: python.how }
    return doubts(libraries) ?? []
  },
})

function finding(facts: Facts, of: Resolved, hidden: readonly Missing[], severity: Finding['severity']): Finding {
  const { resolution, target } = facts
  const { library, cure } = of
  const names = hidden.map(({ soname }) => soname)
  const directories = cure?.directories ?? [...new Set(hidden.map(({ foundAt }) => foundAt[0]!.path.replace(/\/[^/]+$/, '')))]
  const ignored = resolution.searchPath.ignored
  const runsPython = resolution.python.known && resolution.python.value !== null
  const reason = ignored !== null ? `its loader ignores LD_LIBRARY_PATH because ${ignored.because}` : runsPython && of.proven === null ? 'the loader by itself will not find them' : 'no path of its loader leads there'
  const nowhere = of.missing.filter((each) => !cudnnPart(each) && each.foundAt.length === 0 && isCudaLibrary(each.soname)).map(({ soname }) => soname)
  const [first, ...rest] = [
    ...asksEvidence(facts, of, hidden),
    ...pathEvidence(facts),
    ...directories.map((directory) => ({ source: question.list(resolution.of.root + directory), saw: list(names.filter((name) => hidden.some(({ soname, foundAt }) => soname === name && foundAt.some(({ path }) => path === `${directory}/${name}`)))) })),
    ...intentEvidence(facts),
  ]
  return {
    severity,
    confidence: confidenceOf(of, facts),
    cause: `${library.path} asks for ${short(names)}, which ${verb(names, 'lies', 'lie')} in ${list(braced(directories))}, but ${reason}.`,
    evidence: [first!, ...rest],
    refuted: [
      { hypothesis: 'The libraries are not installed.', because: `${verb(names, 'It lies', 'They lie')} in ${verb(directories, 'the folder', 'the folders')} named above.` },
      { hypothesis: 'CUDA_HOME or CUDA_PATH is missing.', because: 'The dynamic loader reads neither; it looks only along RPATH, LD_LIBRARY_PATH, RUNPATH, ld.so.cache and its own directories.' },
      ...(library.engine === 'onnxruntime' && hidden.some(({ how }) => how === 'needed')
        ? [{ hypothesis: 'ONNX Runtime uses the GPU with generic, slow kernels instead.', because: `${names[0]} is linked into the provider (DT_NEEDED): without it the provider is not loaded and no part of the model runs on the GPU.` }]
        : []),
    ],
    fixes: fixes(facts, of, directories, nowhere, target.kind === 'unit'),
  }
}

function fixes(facts: Facts, { cure }: Resolved, directories: readonly string[], nowhere: readonly string[], service: boolean): Finding['fixes'] {
  if (facts.resolution.searchPath.ignored !== null) {
    return [{ title: `Make ${list(braced(directories))} known to the whole machine with ldconfig`, safety: 'manual', edits: [], then: [...directories.map((directory) => `echo ${directory} | sudo tee -a /etc/ld.so.conf.d/cuda.conf`), 'sudo ldconfig'] }]
  }
  if (cure === null) return []
  // A conda folder holds libstdc++, OpenSSL and more, all of which would come before the system's.
  const conda = facts.resolution.places.some(({ kind, directory }) => kind === 'conda' && cure.directories.includes(directory))
  const title = `Add ${list(braced(cure.directories))} to LD_LIBRARY_PATH of ${service ? 'the service' : 'the shell'}`
  const fix = pathFix(facts, cure.value, title, !cure.works ? 'manual' : conda ? 'risky' : 'safe')
  return [nowhere.length === 0 ? fix : { ...fix, then: [...fix.then, `Install ${list(nowhere)} as well: ${verb(nowhere, 'it was', 'they were')} found in no usual place.`] }]
}
