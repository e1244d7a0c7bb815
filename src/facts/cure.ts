/** Which directories on LD_LIBRARY_PATH would make the missing libraries found: as few origins as possible, tried out on the model. */
import type { Link } from '../loader/types.ts'
import { dirname } from '../paths.ts'
import { isCudaLibrary } from './cuda-names.ts'
import { carriedOn, type LoaderView } from './loader.ts'
import type { FoundAt, MissingLibrary } from './resolution.ts'

export interface Cure {
  /** To be added, in this order. */
  readonly directories: readonly string[]
  /** The whole new value of LD_LIBRARY_PATH, what stands there now kept in front. */
  readonly value: string
  /** On the model with this value nothing of CUDA is missing or broken any more, but for what lies nowhere. */
  readonly works: boolean
}

/** The places in the order of preference when they serve equally well: what an administrator installed before what a package brought. */
const RANK: Readonly<Record<FoundAt['place'], number>> = { 'shell-path': 0, system: 1, conda: 2, wheel: 3, beside: 4 }

export async function cureFor(missing: readonly MissingLibrary[], view: LoaderView, retry: (value: string) => Promise<readonly Link[]>): Promise<Cure | null> {
  // Where the loader ignores the variable no directory in it helps.
  if (view.searchPath.ignored !== null) return null
  const needs = missing.map(({ foundAt }) => foundAt.filter(({ obstacle }) => obstacle === null)).filter((places) => places.length > 0)
  const directories = directoriesFor(needs)
  if (directories.length === 0) return null
  // Elements that do not mean what they seem to (empty, $VARIABLE, relative: cuda/library-path-unsafe) are not carried on.
  const value = [...carriedOn(view.searchPath), ...directories].join(':')
  const hopeless = new Set(missing.filter(({ foundAt }) => foundAt.length === 0).map(({ soname }) => soname))
  const links = await retry(value)
  return { directories, value, works: links.every(({ name, answer }) => answer.status === 'found' || !isCudaLibrary(name) || hopeless.has(name)) }
}

/** Greedy: the origin that serves most of the remaining needs, again and again. Needs of one origin are never served by two. */
export function directoriesFor(needs: readonly (readonly FoundAt[])[]): readonly string[] {
  const chosen: string[] = []
  let left = needs
  while (left.length > 0) {
    const origins = new Map<string, { served: number; rank: number }>()
    for (const places of left) {
      for (const origin of new Set(places.map(({ origin }) => origin))) {
        const rank = Math.min(...places.filter((place) => place.origin === origin).map(({ place }) => RANK[place]))
        const now = origins.get(origin)
        origins.set(origin, { served: (now?.served ?? 0) + 1, rank: Math.min(now?.rank ?? rank, rank) })
      }
    }
    const [best] = [...origins].sort(([a, x], [b, y]) => y.served - x.served || x.rank - y.rank || (a < b ? -1 : 1))[0]!
    for (const places of left) {
      const place = places.find(({ origin }) => origin === best)
      if (place !== undefined && !chosen.includes(dirname(place.path))) chosen.push(dirname(place.path))
    }
    left = left.filter((places) => !places.some(({ origin }) => origin === best))
  }
  return chosen
}
