import { CannotSee } from '../cannot-see.ts'
import type { Fact } from '../types.ts'
import { interpreter } from './python-interpreter.ts'
import { replacedBy } from './python-sandbox.ts'
import { askView } from './python-view.ts'
import { unitState } from './unit-state.ts'

/** The interpreter the target runs, or would run, and what it sees. Asked of that interpreter itself, in its own place. */
export interface PythonView {
  readonly executable: string
  readonly version: readonly [number, number, number]
  /** `sys.path` in order, real folders only. */
  readonly path: readonly string[]
  readonly venv: string | null
  readonly userSite: { readonly path: string | null; readonly enabled: boolean }
  /** Speech and CUDA distributions seen, by dist-info. `root` is the site directory that holds it. */
  readonly distributions: readonly { readonly name: string; readonly version: string; readonly root: string }[]
  readonly nvidia: {
    /** Every root of the `nvidia` package, in import order. */
    readonly roots: readonly string[]
    /** A regular `nvidia/__init__.py` that hides the other roots from import; null = none. */
    readonly shadowedBy: string | null
    /** Every `nvidia` folder on sys.path in order, hidden or not: its folders, and those of them that hold an `__init__.py` ('' is itself). */
    readonly portions: readonly { readonly root: string; readonly folders: readonly string[]; readonly inits: readonly string[] }[]
    /** Every directory of shared libraries below any root on sys.path, hidden from import or not. */
    readonly libraryDirs: readonly { readonly directory: string; readonly root: string; readonly layout: 'component' | 'cu13'; readonly libraries: readonly string[] }[]
  }
  /** The question behind all this, for evidence. */
  readonly source: string
}

/** null = the target runs no Python. */
export const python: Fact<PythonView | null> = {
  id: 'python',
  about: "the service's own interpreter and what it sees",
  gather: async (host, use) => {
    const found = await use(interpreter)
    if (found === null) return null
    const { os } = await host.platform()
    if (os === 'win32') throw new CannotSee('Python on Windows is not examined yet.')
    const view = await askView(host, found)
    const unit = found.pid === null && found.context.origin === 'configured' ? await use(unitState) : null
    const replaced = replacedBy(unit?.properties ?? {}, [view.executable, ...view.path])
    if (replaced !== null) {
      throw new CannotSee(`The unit does not run, and ${replaced.directive} would change what its Python sees of ${replaced.path}.`, 'Start the service and run the check again.')
    }
    return view
  },
}
