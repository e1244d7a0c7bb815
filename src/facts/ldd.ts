import { known } from '../cannot-see.ts'
import { load, type Memory } from '../loader/load.ts'
import { finder } from '../loader/model.ts'
import type { Link } from '../loader/types.ts'
import { versionGapsOf } from '../loader/versions.ts'
import { question } from '../question.ts'
import type { Fact, Host, Output } from '../types.ts'
import { context, identityOf } from './context.ts'
import { engines, isGpuPart } from './engines.ts'
import { loader, type LoaderView } from './loader.ts'
import { target } from './target.ts'

/** What ldd says of one file beside what the model says of the same file under the same conditions. */
export interface LddView {
  readonly path: string
  readonly source: string
  /** Both answers, where they are not the same; null = they agree. */
  readonly disagrees: string | null
  /** CUDA functions that no library found has (`ldd -r`); asked only where the model finds every library. */
  readonly undefinedSymbols: readonly string[]
}

/**
 * The cross-check. ldd runs the loader on the file, and the loader may run what the file says: so only a library that the user
 * named, or one that a running service loads from its own place, and then with the rights and environment of that service.
 */
export const ldd: Fact<readonly LddView[]> = {
  id: 'ldd',
  about: 'whether ldd agrees with the model of the loader',
  gather: async (host, use) => {
    const [asked, of, found] = await Promise.all([use(target), use(context), use(engines)])
    if (found.length === 0) return []
    const view = await use(loader)
    const safe = asked.kind === 'library' || of.origin === 'running'
    if (!safe || !of.env.known || view.system.kind !== 'glibc') return []
    const env = of.env.value
    const files = found.filter((library) => asked.kind === 'library' || (isGpuPart(library) && library.cudaMajor !== null)).slice(0, 3)
    const views = await Promise.all(files.map(async ({ path }): Promise<LddView | null> => {
      const { links, memory } = await alone(host, view, path)
      if (links.some(({ answer }) => answer.status === 'unknown' || (answer.status === 'broken' && answer.problem === 'truncated'))) return null
      const whole = links.every(({ answer }) => answer.status === 'found') && versionGapsOf(memory).length === 0
      const args = whole ? ['-r', path] : [path]
      const options = asked.kind === 'library' ? {} : { as: identityOf(of, { ...env, PATH: '/usr/bin:/bin' }) }
      const output = await known(host.run('ldd', args, options))
      if (!output.known || output.value === null) return null
      return { path, source: question.run('ldd', args, options), ...compared(path, links, whole, output.value, view) }
    }))
    return views.filter((each) => each !== null)
  },
}

/** ldd looks at the library alone: no program whose RPATH is inherited, nothing in memory before. */
async function alone(host: Host, view: LoaderView, path: string): Promise<{ links: readonly Link[]; memory: Memory }> {
  const memory: Memory = { objects: [], main: null }
  return { links: await load(finder(host, view.system, { ...view.place, secure: false, program: null }), memory, path, null, 'needed'), memory }
}

/** The exit code first: ldd may print nothing and fail (a file cut short kills it), or print an error and go on. */
export function compared(path: string, links: readonly Link[], whole: boolean, { code, stdout, stderr }: Output, view: Pick<LoaderView, 'place'>): { disagrees: string | null; undefinedSymbols: readonly string[] } {
  const text = `${stdout}\n${stderr}`
  const undefinedSymbols = [...new Set([...text.matchAll(/undefined symbol: (\w+)/g)].map((match) => match[1]!))].filter((name) => /^(?:cublas|cudnn|cufft|curand|cuda|nvrtc|cusolver|cusparse|nvJitLink)/.test(name))
  const failed = code !== 0 || /version `[^']+' not found/.test(text)
  if (failed) {
    return { undefinedSymbols: [], disagrees: whole ? `ldd fails on ${path} (exit ${code}: ${firstLine(text)}), while by the model of the loader every library is found.` : null }
  }
  if (links.some(({ answer }) => answer.status === 'broken')) return { undefinedSymbols: [], disagrees: `ldd finds nothing wrong with ${path}, while by the model of the loader ${links.find(({ answer }) => answer.status === 'broken')!.name} cannot be loaded.` }
  const theirs = new Map<string, string | null>()
  for (const line of stdout.split('\n')) {
    const match = /^\t(\S+) => (?:(not found)|(.+?)(?: \(0x[0-9a-f]+\))?)$/.exec(line)
    if (match) theirs.set(match[1]!, match[2] ? null : match[3]!)
  }
  for (const { name, answer } of links) {
    const other = theirs.get(name)
    if (other === undefined) continue
    const ours = answer.status === 'found' ? answer.path : null
    if (tidy(ours, view.place.cwd) !== tidy(other, view.place.cwd)) return { undefinedSymbols: [], disagrees: `For ${name} ldd says ${other ?? 'not found'}, the model of the loader says ${ours ?? 'not found'}.` }
  }
  return { disagrees: null, undefinedSymbols }
}

const firstLine = (text: string): string => text.split('\n').map((line) => line.trim()).find((line) => line !== '') ?? 'no word'

/** A file found in the working directory has no folder in ldd's words. */
const tidy = (path: string | null, cwd: string | null): string | null => (path === null ? null : (path.startsWith('/') ? path : `${cwd}/${path}`).replace(/\/\.?(?=\/)/g, ''))
