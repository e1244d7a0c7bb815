/** A library is asked for in one major and there in another: the same judgement for CUDA and for cuDNN. */
import { question, type Finding, type Verdict } from '../../src/index.ts'
import { partsOf } from '../../src/facts/cuda-names.ts'
import { asksEvidence, confidenceOf, cudnnPart, doubts, intentEvidence, judgedLibraries, list, severityOf, short, verb, type Facts } from './words.ts'

export function mismatches(facts: Facts, ofFamily: (soname: string) => boolean, family: 'CUDA' | 'cuDNN'): Verdict {
  const libraries = judgedLibraries(facts)
  const findings = libraries.flatMap((of): Finding[] => {
    const wrong = of.missing.filter((each) => ofFamily(each.soname) && !cudnnPart(each) && each.foundAt.length === 0 && each.otherMajors.length > 0 && each.skipped.length === 0)
    const severity = wrong.length === 0 ? null : severityOf('spoilt', of, facts.gpuIntent)
    if (severity === null) return []
    const wanted = wrong.map(({ soname }) => soname)
    const there = [...new Set(wrong.flatMap(({ otherMajors }) => otherMajors))]
    const majors = [...new Set(there.map((path) => partsOf(path.split('/').at(-1)!).major))].filter((major) => major !== null).map(String)
    const [first, ...rest] = [...asksEvidence(facts, of, wrong), ...there.slice(0, 3).map((path) => ({ source: sourceOf(facts, path), saw: path })), ...intentEvidence(facts)]
    const optional = wrong.every((each) => each.optional)
    return [{
      severity: optional ? 'warning' : severity,
      confidence: confidenceOf(of, facts),
      cause: `${of.library.path} asks for ${short(wanted)}, but only ${short(there, 3)} ${verb(there, 'is', 'are')} on this machine.`,
      evidence: [first!, ...rest],
      refuted: [
        { hypothesis: 'LD_LIBRARY_PATH is the cause.', because: `No directory holds ${list(wanted)}; another path would only lead to another major.` },
        { hypothesis: 'A symbolic link of the wanted name would do.', because: 'Majors are not interchangeable: functions and structures differ, and the program fails later and less clearly.' },
      ],
      fixes: [{
        title: `Install ${family} ${partsOf(wanted[0]!).major}${family === 'CUDA' && of.library.cudaMajor !== null ? ` (the engine is built for CUDA ${of.library.cudaMajor})` : ''}, or a build of the engine for ${family} ${list(majors)}`,
        safety: 'manual', edits: [], then: [`The files asked for: ${list(wanted)}.`],
      }],
    }]
  })
  return findings.length > 0 ? findings : (doubts(libraries) ?? [])
}

/** The folder's listing, or ldconfig's list, whichever showed it. */
function sourceOf({ resolution: { of, places } }: Facts, path: string): string {
  const directory = path.replace(/\/[^/]+$/, '')
  if (places.some((place) => place.directory === directory)) return question.list(of.root + directory)
  return question.run('ldconfig', of.root === '' ? ['-p'] : ['-p', '-C', `${of.root}/etc/ld.so.cache`])
}
