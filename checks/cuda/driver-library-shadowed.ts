import { defineCheck, question, type Finding } from '../../src/index.ts'
import { confidenceOf, intentEvidence, judgedLibraries, mapsSource, needs, pathEvidence } from './words.ts'

export default defineCheck({
  id: 'cuda/driver-library-shadowed',
  title: "Another libcuda.so.1 comes before the driver's own",
  docs: {
    what: "Follows the search for libcuda.so.1 in the service and says when it ends at the toolkit's link-time stub or at a forward-compatibility package instead of the driver's library.",
    why: 'The stub has no functions (CUDA error 34), and the compatibility library works only on data-centre GPUs; elsewhere every CUDA call fails with 803 or 804.',
    remedy: "Take the stubs or compat directory out of LD_LIBRARY_PATH and ld.so.conf, so that the driver's libcuda is found.",
    links: ['https://docs.nvidia.com/deploy/cuda-compatibility/'],
  },
  on: ['linux'],
  fixes: 'always',
  needs,
  run: (facts) => {
    const shadowed = judgedLibraries(facts).filter(({ driver }) => driver !== null && kindOf(driver.path, driver.realpath) !== null)
    const [of] = shadowed
    if (of === undefined || facts.gpuIntent.asks === 'cpu') return []
    const { path, realpath, rule } = of.driver!
    const kind = kindOf(path, realpath)!
    const finding: Finding = {
      severity: kind === 'stub' ? 'error' : 'warning',
      confidence: kind === 'stub' ? confidenceOf(of, facts) : 'possible',
      cause: kind === 'stub' ? `libcuda.so.1 is found at ${path}, which is the toolkit's stub for linking and no driver.` : `libcuda.so.1 is found at ${path}, a forward-compatibility library that works only on some data-centre GPUs, before the driver's own.`,
      evidence: [{ source: rule === 'mapped' ? mapsSource(facts) : question.realpath(facts.resolution.of.root + path), saw: realpath }, ...pathEvidence(facts), ...intentEvidence(facts)],
      fixes: [{ title: `Take ${path.replace(/\/[^/]+$/, '')} out of the library path of the service`, safety: 'manual', edits: [], then: ['Restart the service.'] }],
    }
    return [finding]
  },
})

/** NGC images link compat/lib only after their entry point has tried it on the GPU; that one is no accident. */
function kindOf(path: string, realpath: string): 'stub' | 'compat' | null {
  if ([path, realpath].some((each) => /\/stubs\//.test(each))) return 'stub'
  return [path, realpath].some((each) => /\/compat\/libcuda/.test(each)) && !/\/compat\/lib(?:\.real)?\//.test(path) ? 'compat' : null
}
