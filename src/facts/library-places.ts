/**
 * Where on a machine CUDA libraries commonly lie, loader or no loader: toolkits, package folders, wheels, conda, and whatever the
 * invoking shell and the service name. Folders by name only; the disk is not searched.
 */
import { known } from '../cannot-see.ts'
import { dirname, join } from '../paths.ts'
import type { Host } from '../types.ts'
import type { Context } from './context.ts'
import { isCudaLibrary, partsOf } from './cuda-names.ts'
import type { PythonView } from './python.ts'

export type PlaceKind = 'wheel' | 'system' | 'conda' | 'shell-path' | 'beside'

export interface LibraryPlace {
  readonly directory: string
  readonly kind: PlaceKind
  /** The service's own interpreter sees it. */
  readonly ofInterpreter: boolean
  /** CUDA libraries in it, by file name. */
  readonly names: readonly string[]
  /** One installation: directories of the same origin may be mixed, others may not. */
  readonly origin: string
}

export interface Near {
  /** Folders of the engine's libraries and of the program. */
  readonly folders: readonly string[]
  readonly homes: readonly string[]
}

export async function libraryPlaces(host: Host, of: Context, view: PythonView | null, near: Near): Promise<readonly LibraryPlace[]> {
  const { root } = of
  const names = async (path: string): Promise<readonly string[]> => known(host.list(root + path)).then((list) => (list.known ? (list.value ?? []) : []))
  const shell = await host.environment()
  const places = new Map<string, Omit<LibraryPlace, 'names'>>()
  const add = (directory: string, kind: PlaceKind, origin: string, ofInterpreter = false): void => {
    const path = directory.replace(/(?<=.)\/+$/, '')
    if (path.startsWith('/') && !places.has(path)) places.set(path, { directory: path, kind, ofInterpreter, origin })
  }

  for (const { directory, root: nvidia } of view?.nvidia.libraryDirs ?? []) add(directory, 'wheel', nvidia, true)
  for (const site of view?.path ?? []) add(join(site, 'torch/lib'), 'wheel', site, true)
  const env = of.env.known ? of.env.value : {}
  for (const name of ['CUDA_PATH', 'CUDA_HOME', 'CUDNN_PATH', 'CUDNN_HOME']) {
    for (const base of [env[name], root === '' ? shell[name] : undefined]) if (base) for (const part of ['lib64', 'lib', 'targets/x86_64-linux/lib']) add(join(base, part), 'system', base)
  }
  for (const base of [env['CONDA_PREFIX'], root === '' ? shell['CONDA_PREFIX'] : undefined]) if (base) add(join(base, 'lib'), 'conda', base)
  // The shell's directories are worth a look only where the service sees the same disk.
  if (root === '') for (const element of (shell['LD_LIBRARY_PATH'] ?? '').split(/[:;]/)) if (element.startsWith('/')) add(element, 'shell-path', origin(element))
  for (const folder of near.folders) add(folder, 'beside', folder)

  const toolkits = [...(await names('/usr/local')).filter((name) => /^cuda(?:-[\d.]+)?$/.test(name)).map((name) => `/usr/local/${name}`), '/opt/cuda', '/usr/lib/cuda', ...(await names('/opt')).filter((name) => /^cud(?:a|nn)-/.test(name)).map((name) => `/opt/${name}`)]
  const targets = await Promise.all(toolkits.map((kit) => names(join(kit, 'targets'))))
  for (const [at, kit] of toolkits.entries()) for (const part of ['lib64', 'lib', ...targets[at]!.map((target) => `targets/${target}/lib`)]) add(join(kit, part), 'system', kit)

  // A library out of a wheel has its neighbours in the same site directory, whoever asks.
  const around = near.folders.flatMap((folder) => /^(.*\/(?:site|dist)-packages)(?:\/|$)/.exec(folder)?.[1] ?? [])
  const sites = [...new Set([...around, ...(await siteFolders(host, of, near.homes, names))])]
  const nvidia = await Promise.all(sites.map(async (site) => ({ site, parts: await names(join(site, 'nvidia')) })))
  for (const { site, parts } of nvidia) for (const part of parts) if (!part.startsWith('_') && !part.includes('.')) add(join(site, 'nvidia', part, 'lib'), 'wheel', join(site, 'nvidia'))

  const listed = await Promise.all([...places.values()].map(async (place) => ({ place, found: (await names(place.directory)).filter(isCudaLibrary) })))
  const real = await Promise.all(listed.map(async ({ place, found }) => (found.length === 0 ? null : (((await known(host.realpath(root + place.directory))) as { value?: string | null }).value ?? null))))
  const seen = new Set<string>()
  return listed.flatMap(({ place, found }, at) => {
    const key = real[at] ?? place.directory
    if (found.length === 0 || seen.has(key)) return []
    seen.add(key)
    return [{ ...place, names: found }]
  })
}

/** lib64 and targets/…/lib of a toolkit are one origin; so are the parts of one `nvidia` namespace folder. */
const origin = (directory: string): string => directory.replace(/\/(?:lib64|lib|targets\/[^/]+\/lib)$/, '').replace(/\/nvidia\/[^/]+$/, '/nvidia')

async function siteFolders(host: Host, of: Context, homes: readonly string[], names: (path: string) => Promise<readonly string[]>): Promise<readonly string[]> {
  const pythons = async (base: string) => (await names(base)).filter((name) => /^python3(\.\d+)?$/.test(name)).map((name) => join(base, name))
  const caller = of.root === '' ? (await host.caller()).home : null
  const own = of.env.known ? (of.env.value['HOME'] ?? null) : null
  const account = own ?? (await homeOf(host, of))
  const users = [...new Set([account, caller])].filter((home) => home !== null && home !== '' && home !== '/').map((home) => join(home!, '.local/lib'))
  const environments = homes.flatMap((home) => [join(dirname(home), 'lib'), ...['venv', '.venv', 'env'].flatMap((name) => [join(home, name, 'lib'), join(dirname(home), name, 'lib')])]).filter((path) => !path.startsWith('/usr/') && path !== '/lib')
  const bases = await Promise.all(['/usr/lib', '/usr/local/lib', ...users, ...new Set(environments)].map(pythons))
  return bases.flat().flatMap((python) => (python.startsWith('/usr/lib/') ? [`${python}/dist-packages`, `${python}/site-packages`] : [`${python}/site-packages`, ...(python.startsWith('/usr/') ? [`${python}/dist-packages`] : [])]))
}

async function homeOf(host: Host, of: Context): Promise<string | null> {
  const passwd = await known(host.read(`${of.root}/etc/passwd`))
  const line = passwd.known ? (passwd.value ?? '').split('\n').map((each) => each.split(':')).find((fields) => fields[2] === String(of.uid)) : undefined
  return line?.[5] ?? null
}

export const holds = (place: LibraryPlace, soname: string): boolean => place.names.includes(soname)

/** Other majors of the same library that lie in these places: `libcublas.so.11` where `libcublas.so.12` is asked for. */
export function otherMajors(places: readonly { readonly directory: string; readonly names: readonly string[] }[], soname: string): readonly string[] {
  const { stem, major } = partsOf(soname)
  return places.flatMap(({ directory, names }) =>
    names.filter((name) => /\.so\.\d+(?:\.0)?$/.test(name) && partsOf(name).stem === stem && partsOf(name).major !== major).map((name) => join(directory, name)),
  )
}
