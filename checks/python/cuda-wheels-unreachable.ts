import { defineCheck, question, type Evidence, type Fix } from '../../src/index.ts'
import { container } from '../../src/facts/container.ts'
import { containerFix } from '../../src/facts/container-fix.ts'
import { context } from '../../src/facts/context.ts'
import { carriedOn, searchPath } from '../../src/facts/loader.ts'
import { gpuIntent } from '../../src/facts/gpu-intent.ts'
import { process_ } from '../../src/facts/process.ts'
import { and, besideOnnxruntime, preloadDoubt, preloads, wheelReach, type Unreached } from '../../src/facts/python-reach.ts'
import { python } from '../../src/facts/python.ts'
import { braced } from '../../src/paths.ts'
import { unitState } from '../../src/facts/unit-state.ts'

export default defineCheck({
  id: 'python/cuda-wheels-unreachable',
  title: 'CUDA libraries are installed as Python wheels, but the speech engine will not find them',
  docs: {
    what: "The CUDA and cuDNN libraries an engine asks for lie in NVIDIA's wheels of the service's own Python, and neither the engine library's RPATH or RUNPATH nor LD_LIBRARY_PATH nor the system's loader cache leads there.",
    why: 'Installing a wheel puts a library into a folder that the dynamic loader does not search. ONNX Runtime then runs on the CPU, and CTranslate2 stops with “is not found or cannot be loaded”. PyTorch is not affected: its libraries carry an RPATH to the wheels.',
    remedy: 'Put the directories of the wheels on LD_LIBRARY_PATH before the service starts, or load the libraries by absolute path before the engine (onnxruntime.preload_dlls(), import torch first).',
    links: ['https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#preload-dlls', 'https://github.com/SYSTRAN/faster-whisper#gpu', 'https://man7.org/linux/man-pages/man8/ld.so.8.html'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { python, reach: wheelReach, preloads, context, process: process_, unit: unitState, intent: gpuIntent, container, searchPath },
  run({ python, reach, preloads, context, process, unit, intent, container, searchPath }) {
    if (python === null) return { status: 'not-applicable', because: 'The target runs no Python.' }
    if (python.nvidia.libraryDirs.length === 0) return { status: 'not-applicable', because: 'No NVIDIA wheel with libraries is installed for this Python.' }
    if (reach.engines.length === 0) return { status: 'not-applicable', because: 'No speech engine that asks for CUDA libraries lies in this Python.' }
    if (intent.asks === 'cpu') return { status: 'not-applicable', because: `The target is told to run on the CPU (${intent.evidence[0]!.saw}).` }
    const running = process !== null && process.pid !== 'self' ? process : null
    // The wheels of CTranslate2 and PyTorch are the same for CPU and GPU: without a GPU, or a word of it, that is worth no more than a note.
    const wanted = (one: { readonly engine: { readonly engine: string } }) => intent.asks === 'gpu' || intent.gpuPresent || !['ctranslate2', 'torch'].includes(one.engine.engine)
    const missing = reach.unreached.filter((one) => !one.optional)
    if (missing.length === 0) {
      const [blind] = reach.unclear
      return blind === undefined ? [] : { status: 'unknown', because: blind.because, how: blind.how }
    }
    const unclear = preloadDoubt(missing, python, preloads)
    if (unclear !== null) {
      return { status: 'unknown', because: unclear, how: `Send the service one request, then look what is in its memory: grep -E 'cublas|cudnn|cudart' ${running === null ? '/proc/PID' : running.folder}/maps` }
    }
    return [...new Set(missing.map((one) => one.engine.path))].map((path) => {
      const of = missing.filter((one) => one.engine.path === path)
      const directories = directoriesOf(of)
      const proven = of.some((one) => one.attempted)
      return {
        severity: intent.asks === 'gpu' ? ('error' as const) : of.some(wanted) ? ('warning' as const) : ('info' as const),
        // Code may still load the libraries by path before the engine asks; only a process that has tried settles it.
        confidence: proven ? ('certain' as const) : ('likely' as const),
        cause: `${and(of.map((one) => one.soname))}, which ${path} needs, ${of.length === 1 ? 'is' : 'are'} installed in ${and(braced(directories))}, where the loader of this ${context.origin === 'caller' ? 'Python' : 'service'} does not look.`,
        evidence: evidenceOf(of, proven),
        refuted: [
          { hypothesis: 'The CUDA libraries are not installed.', because: `The service's own interpreter, ${python.executable} (Python ${python.version.join('.')}), has them in ${and(braced(directories))}.` },
          { hypothesis: 'Being installed for the same Python is enough.', because: 'The dynamic loader reads RPATH, LD_LIBRARY_PATH, RUNPATH and its cache (ld.so(8)); it knows nothing of sys.path, and importing such a wheel loads no library.' },
        ],
        fixes: fixesOf(of, directories),
      }
    })

    function evidenceOf(of: readonly Unreached[], proven: boolean): [Evidence, ...Evidence[]] {
      const path = context.env.known ? context.env.value['LD_LIBRARY_PATH'] : undefined
      const askers = [...new Set(of.map((one) => one.neededBy))]
      const [first, ...rest] = askers.map((asker) => ({ source: question.linkage(context.root + asker), saw: of.filter((one) => one.neededBy === asker).map((one) => one.soname).join(' ') }))
      return [
        first!,
        ...rest,
        ...directoriesOf(of).map((directory) => ({ source: python!.source, saw: `${directory}: ${of.filter((one) => one.homes[0]!.directory === directory).map((one) => one.soname).join(' ')}` })),
        { source: context.envSource, saw: path === undefined ? 'LD_LIBRARY_PATH is not set' : `LD_LIBRARY_PATH=${path}` },
        ...(running !== null && proven ? [{ source: question.read(`${running.folder}/maps`), saw: 'libonnxruntime_providers_shared.so, without libonnxruntime_providers_cuda.so' }] : []),
      ]
    }

    function fixesOf(of: readonly Unreached[], directories: readonly string[]): Fix[] {
      const value = [...carriedOn(searchPath), ...directories].join(':')
      const title = `Put the ${directories.length === 1 ? 'directory' : 'directories'} of the wheels on LD_LIBRARY_PATH before the ${context.origin === 'caller' ? 'program' : 'service'} starts`
      const proof = `After one request, see what was really loaded: grep -E '${[...new Set(of.map((one) => one.soname.replace(/\.so.*/, '')))].join('|')}' /proc/PID/maps`
      const systemctl = `systemctl ${unit?.scope === 'user' ? '--user ' : ''}`
      const inContainer = container === null ? null : containerFix(title, container.engine, { env: { LD_LIBRARY_PATH: value } })
      const byPath: Fix =
        reach.pathIgnored !== null
          ? { title: "Give the directories of the wheels to the system's loader", safety: 'manual', edits: [], then: [`LD_LIBRARY_PATH has no effect here: ${reach.pathIgnored}`, `Write ${and(directories)} into a file in /etc/ld.so.conf.d, a line each, and run ldconfig.`] }
          : inContainer !== null
            ? { ...inContainer, then: [...inContainer.then, proof] }
          : unit !== null
            ? {
                title,
                safety: 'safe',
                edits: [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set: [{ section: 'Service', key: 'Environment', value: `LD_LIBRARY_PATH=${value}` }] }],
                then: [`${systemctl}daemon-reload`, `${systemctl}restart ${unit.name}`, proof],
              }
            : context.origin === 'caller'
              ? { title, safety: 'risky', edits: [{ kind: 'shell-profile', set: { LD_LIBRARY_PATH: value } }], then: ['Open a new shell and start the program from it.', proof] }
              : { title, safety: 'manual', edits: [], then: [`Start the program with LD_LIBRARY_PATH=${value}`, proof] }
      return !of.every(besideOnnxruntime)
        ? [byPath]
        : [byPath, { title: 'Or let ONNX Runtime 1.21 or newer load them itself', safety: 'manual', edits: [], then: ['Call onnxruntime.preload_dlls() before the first InferenceSession is made.', proof] }]
    }
  },
})

const directoriesOf = (of: readonly Unreached[]): readonly string[] => [...new Set(of.map((one) => one.homes[0]!.directory))]
