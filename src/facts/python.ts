import type { Fact } from '../types.ts'

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
  gather: async () => null,
}
