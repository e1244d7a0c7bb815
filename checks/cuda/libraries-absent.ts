import { defineCheck, question, type Finding } from '../../src/index.ts'
import { partsOf } from '../../src/facts/cuda-names.ts'
import { asksEvidence, confidenceOf, cudnnPart, doubts, intentEvidence, judgedLibraries, list, needs, pathEvidence, severityOf, short, verb, type Facts, type Missing, type Resolved } from './words.ts'

export default defineCheck({
  id: 'cuda/libraries-absent',
  title: 'Libraries that the engine asks for are not on this machine',
  docs: {
    what: 'Names the libraries an engine library asks for that neither the loader of the service finds nor any usual place of the machine holds.',
    why: 'A GPU build without its CUDA libraries runs on the CPU, or not at all. Where nothing shows that the GPU is wanted (no argument, no variable, nothing in memory) this is a remark and no error, since a GPU package may serve the CPU on purpose.',
    remedy: 'Install the CUDA major that the engine was built for, and cuDNN where it asks for it; or use the CPU package if the CPU is meant.',
    links: ['https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#requirements', 'https://opennmt.net/CTranslate2/installation.html'],
  },
  on: ['linux'],
  fixes: 'sometimes',
  needs,
  run: (facts) => {
    const libraries = judgedLibraries(facts)
    const findings = libraries.flatMap((of): Finding[] => {
      const absent = of.missing.filter((each) => !cudnnPart(each) && !each.optional && each.foundAt.length === 0 && each.otherMajors.length === 0 && !each.skipped.some(({ why }) => why !== 'dangling' && why !== 'link-loop'))
      const severity = absent.length === 0 ? null : severityOf('absent', of, facts.gpuIntent)
      return severity === null ? [] : [finding(facts, of, absent, severity)]
    })
    return findings.length > 0 ? findings : (doubts(libraries) ?? [])
  },
})

function finding(facts: Facts, of: Resolved, absent: readonly Missing[], severity: Finding['severity']): Finding {
  const { library } = of
  const names = absent.map(({ soname }) => soname)
  const dead = absent.flatMap(({ skipped }) => skipped)
  const [first, ...rest] = [
    ...asksEvidence(facts, of, absent),
    ...pathEvidence(facts),
    ...dead.map(({ path, detail }) => ({ source: question.readlink(facts.resolution.of.root + path), saw: detail })),
    ...intentEvidence(facts),
  ]
  const links = dead.length === 0 ? '' : `; ${dead[0]!.path} is a link that leads ${dead[0]!.why === 'dangling' ? 'to nothing' : 'in a circle'}`
  const modest = facts.gpuIntent.asks === null
  return {
    severity,
    confidence: confidenceOf(of, facts),
    cause: `${library.path} asks for ${short(names)}, which ${verb(names, 'was', 'were')} found neither by its loader nor in any usual place of this machine${links}${modest ? ', so it can serve the CPU only' : ''}.`,
    evidence: [first!, ...rest],
    refuted: [
      { hypothesis: 'LD_LIBRARY_PATH is the cause.', because: `No directory for it is known: toolkits, wheels, conda, the folders of the engine and the directories of the shell hold no ${list(names)}.` },
      { hypothesis: 'CUDA_HOME or CUDA_PATH is missing.', because: 'The dynamic loader reads neither.' },
    ],
    fixes: [{ title: modest ? 'Install what the GPU build asks for, or use the CPU package if the CPU is meant' : `Install ${installOf(of, names)}`, safety: 'manual', edits: [], then: [...wheels(facts, of, names), `The files asked for: ${list(names)}.`] }],
  }
}

/** NVIDIA's wheels for CUDA 12 by the libraries they hold, for an engine that is itself a wheel. */
const WHEELS: Readonly<Record<string, string>> = {
  'libcublas.so.12': 'nvidia-cublas-cu12', 'libcublasLt.so.12': 'nvidia-cublas-cu12', 'libcudart.so.12': 'nvidia-cuda-runtime-cu12', 'libcudnn.so.9': "'nvidia-cudnn-cu12>=9'",
  'libcufft.so.11': 'nvidia-cufft-cu12', 'libcurand.so.10': 'nvidia-curand-cu12', 'libnvrtc.so.12': 'nvidia-cuda-nvrtc-cu12',
}

function wheels({ resolution: { python } }: Facts, { library }: Resolved, names: readonly string[]): readonly string[] {
  const view = python.known ? python.value : null
  const all = [...new Set(names.map((name) => WHEELS[name]))]
  if (view === null || library.cudaMajor !== 12 || !view.path.some((site) => library.path.startsWith(`${site}/`)) || all.includes(undefined)) return []
  return [`${view.executable} -m pip install ${all.join(' ')}`]
}

function installOf({ library }: Resolved, names: readonly string[]): string {
  const cudnn = names.find((name) => name.startsWith('libcudnn'))
  const cuda = names.some((name) => !name.startsWith('libcudnn'))
  return list([...(cuda && library.cudaMajor !== null ? [`the CUDA ${library.cudaMajor} libraries`] : cuda ? ['the libraries named'] : []), ...(cudnn === undefined ? [] : [`cuDNN ${partsOf(cudnn).major ?? ''}`.trim()])])
}
