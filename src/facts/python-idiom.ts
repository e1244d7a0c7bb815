import { elsewhere, moduleOf, type Module } from './python-modules.ts'
import type { PythonView } from './python.ts'
import type { IdiomLine } from './source-scan.ts'

/** What becomes of such a line in this Python, with these wheels. */
export type Fate =
  /** `__file__` is None (3.6: there is no such attribute). */
  | { readonly kind: 'no-file'; readonly path: readonly string[] }
  /** Only the first of these is taken. */
  | { readonly kind: 'first-only'; readonly path: readonly string[] }
  /** It cannot be imported, and yet its libraries are here. */
  | { readonly kind: 'not-importable'; readonly elsewhere: readonly string[] }
  /** Right with the wheels of today, by the `__init__.py` or the single root that another release may not have. */
  | { readonly kind: 'fragile'; readonly module: Module }
  /** The component is not installed at all: another matter. */
  | { readonly kind: 'not-installed' }

export function fateOf(line: Pick<IdiomLine, 'module' | 'attribute'>, nvidia: PythonView['nvidia']): Fate {
  const module = moduleOf(nvidia, line.module)
  if (module.kind === 'absent') {
    const places = elsewhere(nvidia, line.module.split('.')[1] ?? '')
    return places.length === 0 ? { kind: 'not-installed' } : { kind: 'not-importable', elsewhere: places }
  }
  if (module.kind === 'namespace' && line.attribute === '__file__') return { kind: 'no-file', path: module.path }
  if (module.kind === 'namespace' && module.path.length > 1) {
    // Several roots matter only where more than one of them holds libraries.
    const holding = module.path.filter((path) => nvidia.libraryDirs.some((dir) => dir.directory === path || dir.directory.startsWith(`${path}/`)))
    if (holding.length > 1 || (holding.length === 1 && holding[0] !== module.path[0])) return { kind: 'first-only', path: module.path }
  }
  return { kind: 'fragile', module }
}
