/**
 * What happens when a program starts or calls dlopen(3): the file's needs, breadth first, each name answered by what is in
 * memory already or else by a search (glibc elf/dl-deps.c). Unlike the loader it goes on after a failure, so that all are seen.
 */
import type { Find } from './model.ts'
import type { Link, Loaded, Search } from './types.ts'

/** No sober program comes near; a made-up tree must not keep the doctor busy for ever. */
const MAX_OBJECTS = 2000

export interface Memory {
  readonly objects: Loaded[]
  /** The program, or the library judged alone: whose RPATH everybody inherits. */
  main: Loaded | null
}

/** Loads `name` as `loader` would ask for it, and everything below. Adds to `memory`; returns each link followed, in order. */
export async function load(find: Find, memory: Memory, name: string, loader: Loaded | null, how: Link['how']): Promise<readonly Link[]> {
  const first = await ask(find, memory, name, loader)
  const links: Link[] = [{ name, neededBy: loader?.path ?? '', how, answer: first }]
  const start = settle(memory, name, loader, first)
  return [...links, ...(start.fresh && start.object !== null ? await follow(find, memory, [start.object]) : [])]
}

/** A program and what LD_PRELOAD names (ld.so(8): blanks or colons between; one that is missing is passed over). */
export async function startProgram(find: Find, memory: Memory, path: string, preloads: readonly string[]): Promise<readonly Link[]> {
  const own = await ask(find, memory, path, null)
  const { object } = settle(memory, path, null, own)
  if (object === null) return [{ name: path, neededBy: '', how: 'needed', answer: own }]
  const queue = [object]
  for (const name of preloads) {
    const settled = settle(memory, name, object, await ask(find, memory, name, object))
    if (settled.fresh) queue.push(settled.object!)
  }
  return follow(find, memory, queue)
}

/** The needs of the files in the queue and of all they bring in, breadth first. */
async function follow(find: Find, memory: Memory, from: readonly Loaded[]): Promise<readonly Link[]> {
  const links: Link[] = []
  const queue = [...from]
  for (let at = 0; at < queue.length && memory.objects.length < MAX_OBJECTS; at++) {
    const object = queue[at]!
    const answers = await Promise.all(object.linkage.needed.map((needed) => ask(find, memory, needed, object)))
    for (const [i, needed] of object.linkage.needed.entries()) {
      // A sibling may have come in meanwhile under this very name.
      const sibling = present(memory, needed)
      const answer = sibling === null ? answers[i]! : inMemory(sibling)
      links.push({ name: needed, neededBy: object.path, how: 'needed', answer })
      const settled = settle(memory, needed, object, answer)
      if (settled.fresh) queue.push(settled.object!)
    }
  }
  return links
}

/** The file in memory that answers to the name: asked for by it before, or carrying it as its soname. */
export const present = (memory: Memory, name: string): Loaded | null =>
  memory.objects.find((object) => object.names.has(name) || object.linkage.soname === name) ?? null

const inMemory = (object: Loaded): Search => ({ status: 'found', path: object.path, realpath: object.realpath, linkage: object.linkage, rule: 'already-loaded', of: null, skipped: [] })

async function ask(find: Find, memory: Memory, name: string, loader: Loaded | null): Promise<Search> {
  const object = present(memory, name)
  return object === null ? find(name, loader, memory.main) : inMemory(object)
}

function settle(memory: Memory, name: string, loader: Loaded | null, answer: Search): { object: Loaded | null; fresh: boolean } {
  if (answer.status !== 'found') return { object: null, fresh: false }
  const known = present(memory, name) ?? memory.objects.find((object) => object.realpath === answer.realpath)
  if (known) {
    known.names.add(name)
    return { object: known, fresh: false }
  }
  const { path, realpath, linkage, rule, of } = answer
  const object: Loaded = { path, realpath, linkage, loader, names: new Set([name, path]), rule, of }
  memory.objects.push(object)
  memory.main ??= object
  return { object, fresh: true }
}
