import { defineCheck, question, type Evidence } from '../../src/index.ts'
import { context } from '../../src/facts/context.ts'
import { gpuIntent } from '../../src/facts/gpu-intent.ts'
import { and, preloadDoubt, preloads, wheelReach } from '../../src/facts/python-reach.ts'
import { python } from '../../src/facts/python.ts'

export default defineCheck({
  id: 'python/wheel-roots-split',
  title: "NVIDIA's wheels lie in several site directories, and a library is missed for it",
  docs: {
    what: "The `nvidia` package of the service's Python has several roots (user site and site-packages, or two entries of sys.path), or a regular `nvidia/__init__.py` hides some of them, and a CUDA library that an engine asks for lies where only one of them would be looked at.",
    why: 'Code that takes `nvidia.__path__[0]`, and onnxruntime.preload_dlls(), which looks beside its own package only, find the libraries of one root and miss those of the others.',
    remedy: 'Install all NVIDIA wheels into one site directory, or name the directories of every root on LD_LIBRARY_PATH.',
    links: ['https://docs.python.org/3/reference/import.html#namespace-packages', 'https://peps.python.org/pep-0420/'],
  },
  fixes: 'always',
  needs: { python, reach: wheelReach, preloads, context, intent: gpuIntent },
  run({ python, reach, preloads, context, intent }) {
    if (python === null) return { status: 'not-applicable', because: 'The target runs no Python.' }
    const { libraryDirs, roots, shadowedBy } = python.nvidia
    if (libraryDirs.length === 0) return { status: 'not-applicable', because: 'No NVIDIA wheel with libraries is installed for this Python.' }
    if (intent.asks === 'cpu') return { status: 'not-applicable', because: `The target is told to run on the CPU (${intent.evidence[0]!.saw}).` }
    const holding = [...new Set(libraryDirs.map((dir) => dir.root))]
    if (holding.length < 2 && shadowedBy === null) return []
    // Missed for the split: what the first root does not hold, and what import cannot reach at all.
    const first = roots[0]
    const missed = reach.unreached.filter((one) => !one.optional && one.homes.every((home) => home.root !== first))
    if (missed.length === 0) {
      const [blind] = reach.unclear
      return blind === undefined ? [] : { status: 'unknown', because: blind.because, how: blind.how }
    }
    const unclear = preloadDoubt(missed, python, preloads)
    if (unclear !== null) return { status: 'unknown', because: unclear, how: "Send the service one request, then look what is in its memory: grep -E 'cublas|cudnn|cudart' /proc/PID/maps" }
    const libraries = [...new Set(missed.map((one) => one.soname))]
    const theirs = [...new Set(missed.map((one) => one.homes[0]!.root))]
    const hidden = theirs.filter((root) => !roots.includes(root))
    const directories = [...new Set(missed.map((one) => one.homes[0]!.directory))]
    const evidence: [Evidence, ...Evidence[]] = [
      { source: python.source, saw: `nvidia.__path__ = ${roots.length === 0 ? 'none' : roots.join(', ')}` },
      ...(hidden.length > 0 && shadowedBy !== null ? [{ source: python.source, saw: shadowedBy }] : []),
      ...directories.map((directory) => ({ source: python.source, saw: `${directory}: ${[...new Set(missed.filter((one) => one.homes[0]!.directory === directory).map((one) => one.soname))].join(' ')}` })),
      { source: question.linkage(context.root + missed[0]!.neededBy), saw: missed.filter((one) => one.neededBy === missed[0]!.neededBy).map((one) => one.soname).join(' ') },
    ]
    return [
      {
        severity: 'warning',
        confidence: 'likely',
        cause:
          hidden.length > 0 && shadowedBy !== null
            ? `The regular package ${shadowedBy} hides ${and(hidden)} from import, and ${and(libraries)}, which ${missed[0]!.engine.path} asks for, ${libraries.length === 1 ? 'lies' : 'lie'} there.`
            : `NVIDIA's wheels are split over ${and(holding)}, and ${and(libraries)}, which ${missed[0]!.engine.path} asks for, ${libraries.length === 1 ? 'lies' : 'lie'} in ${and(theirs)}, which is not the first of them.`,
        evidence,
        refuted: [{ hypothesis: 'The libraries are not installed.', because: `They are in ${and(directories)}.` }],
        fixes: [
          {
            title: 'Install all NVIDIA wheels into one site directory',
            safety: 'manual',
            edits: [],
            then: [
              ...python.distributions.filter((one) => one.name.startsWith('nvidia-') && theirs.some((root) => root === `${one.root}/nvidia`)).map((one) => `${one.name} ${one.version} is in ${one.root}: uninstall it there and install it beside the others.`),
              ...(hidden.length > 0 && shadowedBy !== null ? [`Newer wheels ship no __init__.py: upgrade the NVIDIA wheels in ${shadowedBy.replace(/\/nvidia(\/__init__)?\.py$/, '')} so that none of them brings ${shadowedBy}.`] : []),
              `Until then name every root: LD_LIBRARY_PATH must hold ${[...new Set(libraryDirs.map((dir) => dir.directory))].join(':')}`,
            ],
          },
        ],
      },
    ]
  },
})
