import { DoesNotApply } from '../cannot-see.ts'
import { join } from '../paths.ts'
import type { Fact } from '../types.ts'
import { context } from './context.ts'
import { program } from './program.ts'
import { interpreter } from './python-interpreter.ts'
import { python, type PythonView } from './python.ts'
import { scopeOf } from './source-idiom.ts'
import { reachOf, scanSource, type EngineLine, type Reach } from './source-scan.ts'
import { unitState } from './unit-state.ts'

/** Lines of the service's own source that say how its engine is to be run. */
export interface SourceEngine {
  /** Of the script and of what it imports: what merely lies beside it says nothing of the service. */
  readonly lines: readonly (EngineLine & { readonly reach: Reach })[]
  /** The script that was started, where there is one. */
  readonly script: string | null
  /** The question behind it, for evidence. */
  readonly source: string
  readonly python: PythonView
}

const ENGINES = /^(onnxruntime(-gpu)?|ctranslate2|faster-whisper|sherpa-onnx)$/

export const sourceEngine: Fact<SourceEngine> = {
  id: 'source-engine',
  about: "lines of the service's own source that choose providers and devices",
  gather: async (host, use) => {
    await use(program)
    const own = await use(interpreter)
    const view = own === null ? null : await use(python)
    if (own === null || view === null) throw new DoesNotApply('It runs no Python.')
    if (!view.distributions.some(({ name }) => ENGINES.test(name))) throw new DoesNotApply('Its Python has no engine that takes providers or a device.')
    const [of, unit] = await Promise.all([use(context), use(unitState)])
    const scope = await scopeOf(host, of, own, unit)
    if (scope.folders.length + scope.files.length + scope.modules.length + scope.entries.length === 0) throw new DoesNotApply('The target is a program without source beside it.')
    const scan = await scanSource(host, own, scope)
    const start = own.start?.kind === 'script' ? own.start.path : null
    const script = start === null || start.startsWith('/') || of.cwd === null ? start : join(of.cwd, start.replace(/^\.\//, ''))
    const lines = (scan.engineLines ?? []).map((line) => ({ ...line, reach: reachOf(line, script) })).filter(({ reach }) => reach !== 'beside')
    return { lines, script, source: scan.source, python: view }
  },
}
