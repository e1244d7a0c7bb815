import { defineCheck, question, type Finding } from '../../src/index.ts'
import { confidenceOf, doubts, intentEvidence, judgedLibraries, list, mapsSource, needs, pathEvidence, severityOf, type Facts, type Resolved } from '../cuda/words.ts'

export default defineCheck({
  id: 'cudnn/mixed-origins',
  title: 'The libraries of cuDNN come from different installations',
  docs: {
    what: 'Compares the directories (symbolic links followed) from which libcudnn and the libraries it opens come, in the memory of the process or by the search of its loader.',
    why: 'The parts check that they are of one release: two cuDNN 9 of different patch level end in CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH.',
    remedy: 'Leave one cuDNN on the path of the service: remove the other package, or put the directory of the whole one first.',
    links: ['https://docs.nvidia.com/deeplearning/cudnn/latest/'],
  },
  on: ['linux'],
  fixes: 'always',
  needs,
  run: (facts) => {
    const libraries = judgedLibraries(facts)
    const findings = libraries.flatMap((of): Finding[] => {
      const severity = of.cudnn === null ? null : severityOf('spoilt', of, facts.gpuIntent)
      if (severity === null || of.cudnn === null) return []
      // The shim inside CTranslate2's wheel (a hash in its name) is meant to find its parts elsewhere.
      const shim = /libcudnn-[0-9a-f]+\.so/.test(of.cudnn.path)
      const files = [...(shim ? [] : [of.cudnn.path]), ...of.cudnn.parts.flatMap(({ path }) => (path === null ? [] : [path]))]
      const folders = [...new Set(files.map(folderOf))]
      const releases = new Set(files.map(releaseOf))
      // One release spread over two folders is untidy, no fault.
      if (folders.length < 2 || (releases.size === 1 && !releases.has(null))) return []
      const known = releases.size > 1 && !releases.has(null)
      const examples = folders.map((folder) => files.find((file) => folderOf(file) === folder)!)
      return [{
        severity: known ? severity : 'warning',
        confidence: known ? confidenceOf(of, facts) : 'possible',
        cause: `The libraries of cuDNN come from ${folders.length} installations: ${list(examples)}.`,
        evidence: [{ source: seenBy(facts, of, examples[0]!), saw: examples[0]! }, ...examples.slice(1).map((path) => ({ source: seenBy(facts, of, path), saw: path })), ...pathEvidence(facts), ...intentEvidence(facts)],
        fixes: [{ title: `Leave one of ${list(folders)} on the library path of the service`, safety: 'manual', edits: [], then: ['Restart the service.'] }],
      }]
    })
    return findings.length > 0 ? findings : (doubts(libraries) ?? [])
  },
})

/** The search that led to the file, or the memory of the process. */
function seenBy(facts: Facts, of: Resolved, path: string): string {
  const answer = of.links.map(({ answer }) => answer).find((each) => each.status === 'found' && each.realpath === path)
  return answer?.status === 'found' ? question.realpath(facts.resolution.of.root + answer.path) : mapsSource(facts)
}

const folderOf = (path: string): string => path.replace(/\/[^/]+$/, '')

/** `libcudnn_ops.so.9.1.0` is release 9.1.0; wheels ship plain `.so.9` and tell nothing. */
const releaseOf = (path: string): string | null => /\.so\.(\d+\.\d+\.\d+)$/.exec(path)?.[1] ?? null
