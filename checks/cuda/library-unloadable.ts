import { defineCheck, question, type Evidence, type Finding } from '../../src/index.ts'
import { ldd } from '../../src/facts/ldd.ts'
import { asksEvidence, confidenceOf, cudnnPart, doubts, intentEvidence, judgedLibraries, needs, pathEvidence, severityOf, type Facts, type Resolved } from './words.ts'

export default defineCheck({
  id: 'cuda/library-unloadable',
  title: 'A library of the engine is there but cannot be loaded',
  docs: {
    what: 'Finds files that carry the right name and cannot serve: cut short, a git-lfs pointer, another processor, not readable for the user of the service, or without a symbol or symbol version that is asked for.',
    why: 'The loader passes over some of these files without a word and then says “No such file”, stops at others, and is killed by SIGBUS at a file that was cut short.',
    remedy: 'Replace the file named here, give the user of the service the right to read it, or install the version of the library that has the missing symbols.',
    links: ['man:ld.so(8)', 'https://git-lfs.com'],
  },
  on: ['linux'],
  fixes: 'sometimes',
  needs: { ...needs, ldd },
  run: (facts) => {
    const libraries = judgedLibraries(facts)
    const findings = libraries.flatMap((of) => faultsOf(facts, of))
    if (findings.length > 0) return findings
    // The model and ld.so must agree; where they do not, neither is believed.
    const quarrel = facts.ldd.find(({ disagrees }) => disagrees !== null)
    if (quarrel !== undefined) return { status: 'unknown', because: quarrel.disagrees!, how: `Compare by hand: ldd ${quarrel.path}, in the environment of the service.` }
    return doubts(libraries) ?? []
  },
})

interface Fault {
  readonly cause: string
  readonly evidence: readonly Evidence[]
  readonly refuted?: Finding['refuted']
  readonly fix: string
  readonly then?: readonly string[]
}

function faultsOf(facts: Facts & { readonly ldd: readonly { readonly path: string; readonly undefinedSymbols: readonly string[]; readonly source: string }[] }, of: Resolved): readonly Finding[] {
  const severity = severityOf('spoilt', of, facts.gpuIntent)
  if (severity === null) return []
  const { root, uid } = facts.resolution.of
  const broken = of.broken.map(({ path, problem, soname }): Fault => ({
    cause: `${path} ${PROBLEMS[problem]}${path === of.library.path ? '' : `, and ${of.library.path} cannot be loaded without ${soname}`}.`,
    evidence: [{ source: problem === 'directory' ? question.stat(root + path) : question.linkage(root + path), saw: problem }],
    fix: problem === 'lfs-pointer' ? `Fetch the real ${path} with git lfs pull` : `Replace ${path} with an intact file`,
    then: problem === 'lfs-pointer' ? ['git lfs install', 'git lfs pull'] : ['Install the package that brings it again.'],
  }))
  const passed = of.missing.filter((each) => !cudnnPart(each) && !each.foundAt.some(({ obstacle }) => obstacle === null)).flatMap((each) =>
    each.skipped.filter(({ why }) => why === 'unreadable' || why === 'other-class' || why === 'other-machine').slice(0, 1).map(({ path, why, detail }): Fault => ({
      cause: why === 'unreadable' ? `${path} has the name that ${of.library.path} asks for, but ${detail}.` : `${path} is for another processor (${detail}), and no other ${each.soname} is found.`,
      evidence: [{ source: why === 'unreadable' ? question.stat(root + path) : question.linkage(root + path), saw: detail }, ...asksEvidence(facts, of, [each])],
      refuted: [{ hypothesis: 'The file is not there.', because: `${path} exists; ld.so passes over a file that is ${why === 'unreadable' ? 'not readable' : 'for another processor'} and then says “No such file or directory”.` }],
      fix: why === 'unreadable' ? `Let uid ${uid} read ${path}` : `Install the ${each.soname} of this processor`,
    })),
  )
  const locked = of.missing.filter((each) => !cudnnPart(each) && each.skipped.every(({ why }) => why !== 'unreadable') && each.foundAt.length > 0 && each.foundAt.every(({ obstacle }) => obstacle !== null)).map((each): Fault => ({
    cause: `${each.soname}, which ${of.library.path} asks for, is only at ${each.foundAt[0]!.path}, and ${each.foundAt[0]!.obstacle}.`,
    evidence: [{ source: question.stat(root + each.foundAt[0]!.path), saw: each.foundAt[0]!.obstacle! }, ...asksEvidence(facts, of, [each])],
    fix: `Install the libraries where uid ${uid} may read them, or let it enter that folder`,
  }))
  const gaps = of.versionGaps.slice(0, 3).map(({ library, version, requiredBy }): Fault => ({
    cause: `${requiredBy} needs the symbol version ${version}, which ${library} does not have.`,
    evidence: [{ source: question.linkage(root + requiredBy), saw: version }, { source: question.linkage(root + library), saw: `defines no ${version}` }, ...pathEvidence(facts)],
    refuted: [{ hypothesis: 'The library is missing.', because: `${library} is found; it is older than the one ${requiredBy} was built with.` }],
    fix: `Use a ${library.split('/').at(-1)} that has ${version}, or a build of ${requiredBy.split('/').at(-1)} for this system`,
  }))
  const checked = of.broken.length + of.missing.length + of.versionGaps.length === 0 ? facts.ldd.filter(({ path, undefinedSymbols }) => path === of.library.path && undefinedSymbols.length > 0) : []
  const symbols = checked.map(({ undefinedSymbols: names, source }): Fault => ({
    cause: `The libraries found for ${of.library.path} do not have ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more functions` : ''}, which it calls.`,
    evidence: names.slice(0, 3).map((name) => ({ source, saw: `undefined symbol: ${name}` })),
    refuted: [{ hypothesis: 'A library is missing.', because: 'Every library asked for is found; one of them is another release than the engine was built with.' }],
    fix: 'Install the release of the CUDA libraries that the engine was built with, and remove the older copy from the path',
  }))
  // A genuine CUDA provider links the CUDA runtime; one that links nothing of CUDA is the file of another build.
  const links = of.links.find(({ name, answer }) => name === of.library.path && answer.status === 'found')
  const hollow: readonly Fault[] = of.library.path.endsWith('/libonnxruntime_providers_cuda.so') && of.library.cudaMajor === null && links !== undefined && of.broken.length === 0
    ? [{
        cause: `${of.library.path} links no CUDA library, so it is not the CUDA provider of this engine.`,
        evidence: [{ source: question.linkage(root + of.library.path), saw: of.library.wants.filter(({ how }) => how === 'needed').map(({ soname }) => `NEEDED ${soname}`).join(', ') || 'no NEEDED entry' }],
        fix: `Replace ${of.library.path} with the one from the GPU package of the same version`,
      }]
    : []
  return [...broken, ...hollow, ...grouped(passed), ...locked, ...gaps, ...symbols].map(({ cause, evidence: [first, ...rest], refuted, fix, then = [] }): Finding => ({
    severity, confidence: confidenceOf(of, facts), cause, evidence: [first!, ...rest, ...intentEvidence(facts)], ...(refuted ? { refuted } : {}),
    fixes: [{ title: fix, safety: 'manual', edits: [], then }],
  }))
}

/** One folder that may not be entered hides many files: said once. */
function grouped(faults: readonly Fault[]): readonly Fault[] {
  const seen = new Set<string>()
  return faults.filter(({ cause, evidence: [first] }) => {
    const key = first!.source.startsWith('stat ') ? first!.saw : cause
    return !seen.has(key) && seen.add(key)
  })
}

const PROBLEMS: Readonly<Record<Resolved['broken'][number]['problem'], string>> = {
  empty: 'is an empty file (ld.so: “file too short”)',
  'too-short': 'is too short to be a library (ld.so: “file too short”)',
  'lfs-pointer': 'is a git-lfs pointer, not the library itself (ld.so: “file too short” or “invalid ELF header”)',
  truncated: 'is cut short: its segments reach beyond its end, and whoever loads it is killed by SIGBUS',
  'linker-script': 'is a script for the linker, not a library (ld.so: “invalid ELF header”)',
  'not-elf': 'is no shared library (ld.so: “invalid ELF header”)',
  directory: 'is a directory',
  'other-byte-order': 'is for a processor of the other byte order',
  'other-class': 'is for another word size (ld.so: “wrong ELF class”)',
  'other-machine': 'is for another processor',
}
