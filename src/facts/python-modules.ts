import type { PythonView } from './python.ts'

/** What `import NAME` would make of a module below `nvidia`. */
export type Module =
  /** It has an `__init__.py`: `__file__` names it. */
  | { readonly kind: 'regular'; readonly file: string }
  /** It has none (PEP 420): `__file__` is None, on Python 3.6 there is no such attribute, and `__path__` may have several entries. */
  | { readonly kind: 'namespace'; readonly path: readonly string[] }
  | { readonly kind: 'absent' }

type Nvidia = PythonView['nvidia']
type Place = { readonly root: string; readonly relative: string }

const pathOf = ({ root, relative }: Place): string => (relative === '' ? root : `${root}/${relative}`)

/** The import system's rule: the first regular package wins, however late; without one every folder of that name is a portion. */
export function moduleOf(nvidia: Nvidia, name: string): Module {
  const portion = (root: string) => nvidia.portions.find((one) => one.root === root)
  let search: readonly Place[] = nvidia.roots.map((root) => ({ root, relative: '' }))
  let result: Module = found(nvidia, search)
  for (const part of name.split('.').slice(1)) {
    if (result.kind === 'absent') return result
    search = search
      .map(({ root, relative }) => ({ root, relative: relative === '' ? part : `${relative}/${part}` }))
      .filter((place) => portion(place.root)?.folders.includes(place.relative))
    result = found(nvidia, search)
    if (result.kind === 'regular') search = search.filter((place) => isRegular(nvidia, place)).slice(0, 1)
  }
  return result
}

const isRegular = (nvidia: Nvidia, { root, relative }: Place): boolean => nvidia.portions.find((one) => one.root === root)?.inits.includes(relative) ?? false

function found(nvidia: Nvidia, search: readonly Place[]): Module {
  const regular = search.find((place) => isRegular(nvidia, place))
  if (regular !== undefined) return { kind: 'regular', file: `${pathOf(regular)}/__init__.py` }
  return search.length === 0 ? { kind: 'absent' } : { kind: 'namespace', path: search.map(pathOf) }
}

/** Where libraries of this component lie although `import nvidia.COMPONENT` does not lead there: a CUDA 13 folder, or a hidden root. */
export function elsewhere(nvidia: Nvidia, component: string): readonly string[] {
  const wanted = LIBRARIES[component]
  return nvidia.libraryDirs
    .filter((dir) => (dir.layout === 'cu13' && wanted !== undefined && dir.libraries.some((file) => wanted.test(file))) || (!nvidia.roots.includes(dir.root) && dir.directory.startsWith(`${dir.root}/${component}/`)))
    .map((dir) => dir.directory)
}

/** Library files by the component folder of the CUDA 11 and 12 wheels (cuda_pathfinder, descriptor_catalog.py). */
const LIBRARIES: Readonly<Record<string, RegExp>> = {
  cublas: /^(lib)?cublas/,
  cuda_runtime: /^(lib)?cudart/,
  cuda_nvrtc: /^(lib)?nvrtc/,
  cufft: /^(lib)?cufft/,
  curand: /^(lib)?curand/,
  cusolver: /^(lib)?cusolver/,
  cusparse: /^(lib)?cusparse/,
  nvjitlink: /^(lib)?nvJitLink/,
}

export const versionText = (view: { readonly version: readonly number[] }): string => view.version.join('.')

/** The wheel that a root's site directory holds for a component, as `name version`; null = not told by a dist-info. */
export function wheelOf(view: Pick<PythonView, 'distributions'>, site: string, component: string): string | null {
  const name = component.replace(/_/g, '-')
  const wheel = view.distributions.find((one) => one.root === site && new RegExp(`^nvidia-${name}(-cu\\d+)?$`).test(one.name))
  return wheel === undefined ? null : `${wheel.name} ${wheel.version}`
}
