/** Where the libraries of a target's engine may lie: folders near what runs, cheap to list, each with the question that led there. */
import { known } from '../cannot-see.ts'
import { ancestors, basename, dirname, join } from '../paths.ts'
import { question } from '../question.ts'
import type { Host } from '../types.ts'
import type { Context } from './context.ts'
import type { PythonView } from './python.ts'

export interface Folder {
  readonly path: string
  readonly foundBy: string
}

/** Folders full of programs of all kinds: only known names are asked for there, they are not listed. */
const CROWDED = new Set(['/', '/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/usr/lib', '/usr/lib64', '/lib', '/lib64', '/usr/local/lib', '/usr/local/lib64', '/root', '/home', '/tmp', '/opt', '/etc', '/srv', '/var'])
export const crowded = (folder: string): boolean => CROWDED.has(folder) || /^\/usr\/lib\/[^/]+-linux-[^/]+$/.test(folder) || /^\/home\/[^/]+$/.test(folder)

/** Folders that wheels of speech engines put their libraries in, below a site directory. */
const IN_SITE = ['onnxruntime/capi', 'ctranslate2.libs', 'ctranslate2', 'torch/lib', 'sherpa_onnx/lib', 'sherpa_onnx.libs']

export async function foldersNear(host: Host, of: Context, view: PythonView | null): Promise<readonly Folder[]> {
  const { root } = of
  const folders: Folder[] = []
  const add = (path: string, foundBy: string) => void (crowded(path) || folders.some((folder) => folder.path === path) || folders.push({ path, foundBy }))

  // The program's folder, its lib* folders and those beside it; also of the file behind a symbolic link, which is what $ORIGIN is.
  const named = [of.exe, of.argv[0]?.startsWith('/') ? of.argv[0] : null].filter((path) => path !== null && path !== undefined)
  const real = await Promise.all(named.map(async (path) => (await known(host.realpath(root + path))) as { value?: string | null }))
  const programs = [...new Set([...named, ...real.flatMap((found) => (typeof found.value === 'string' ? [found.value.slice(root.length)] : []))])]
  const scripts = of.argv.slice(1).filter((word) => word.startsWith('/') && !word.includes(':')).slice(0, 4)
  const homes = [...new Set([...programs, ...scripts].map(dirname))].filter((folder) => !crowded(folder))
  for (const home of homes) {
    add(home, question.list(root + home))
    const parent = dirname(home)
    for (const near of [home, ...(crowded(parent) || home.startsWith('/usr/') ? [] : [parent])]) {
      const names = await known(host.list(root + near))
      for (const name of names.known ? (names.value ?? []) : []) if (/^lib\w*$/.test(name) && name !== 'libexec') add(join(near, name), question.list(root + near))
    }
  }
  for (const bin of new Set(programs.map(dirname))) {
    if (bin === '/usr/local/bin' || bin === '/usr/bin') folders.push({ path: join(dirname(bin), 'lib'), foundBy: question.stat(`${root}${dirname(bin)}/lib/libonnxruntime_providers_cuda.so`) })
  }

  // A Node program finds its package in a node_modules above the script or the working directory; another program only beside itself.
  const isNode = programs.some((path) => /^(?:node|nodejs|bun|deno|electron)$/.test(basename(path)))
  const above = [...homes, ...(of.cwd === null ? [] : [of.cwd])].flatMap((folder) => [folder, ...ancestors(folder)])
  const roots = new Set((isNode ? above : homes).filter((folder) => folder !== '/'))
  const packages = [...roots].map((base) => join(base, 'node_modules/onnxruntime-node'))
  const there = await Promise.all(packages.map((folder) => known(host.stat(root + folder))))
  for (const [at, folder] of packages.entries()) {
    const stat = there[at]!
    if (!stat.known || stat.value === null) continue
    for (const part of ['napi-v6/linux/x64', 'napi-v6/linux/arm64', 'napi-v3/linux/x64', 'napi-v3/linux/arm64']) add(join(folder, 'bin', part), question.stat(root + folder))
  }

  for (const site of view?.path ?? []) for (const part of IN_SITE) add(join(site, part), view!.source)
  const dylib = of.env.known ? (of.env.value['ORT_DYLIB_PATH'] ?? '') : ''
  // A relative one is taken from the program's folder (pykeio/ort, src/lib.rs).
  if (dylib !== '') add(dirname(dylib.startsWith('/') ? dylib : join(dirname(of.exe ?? '/'), dylib)), of.envSource)
  return folders
}
