import type { Change, Json, Stat, Watch } from '../types.ts'
import type { Ask, Question } from './host.ts'

/** Answers a question in place of the machine; `undefined` = the machine's own answer stands. */
export type Instead = (asked: Question, machine: Ask) => Promise<Json> | undefined

/** The machine as it would be with the changes made: the same answers, but for what the changes touch. Nothing is written. */
export const overlay = (machine: Ask, changes: readonly Change[], instead: Instead = () => undefined): Ask => {
  const files = new Map(changes.map((change) => [change.target, change]))
  const made = madeFolders(changes)
  const answer: Ask = (asked) => instead(asked, machine) ?? fileAnswer(asked) ?? machine(asked)

  const fileAnswer = (asked: Question): Promise<Json> | undefined => {
    const [path] = asked.args
    if (asked.verb === 'watch') return asked.args.slice(1).some((each) => files.has(each)) ? watched(asked) : undefined
    if (path === undefined) return undefined
    const change = files.get(path)
    if (change !== undefined) return changed(asked, change)
    if (asked.verb === 'list') return made.has(path) || [...files.keys()].some((file) => folderOf(file) === path) ? listed(asked, path) : undefined
    if (made.has(path) && (asked.verb === 'stat' || asked.verb === 'realpath')) return folder(asked, path)
    return undefined
  }

  async function changed(asked: Question, { before, after, target }: Change): Promise<Json> {
    switch (asked.verb) {
      case 'read':
        return after
      case 'stat':
        return after === null ? null : statOf(after, before === null ? null : ((await machine(asked)) as Stat | null))
      case 'realpath':
        return after === null ? null : before === null ? target : machine(asked)
      case 'readlink':
        return before === null ? null : machine(asked)
      case 'linkage':
        return after === null ? null : { format: 'broken', problem: after === '' ? 'empty' : 'not-elf', sizeBytes: bytesOf(after) }
      default:
        return machine(asked)
    }
  }

  async function listed(asked: Question, path: string): Promise<Json> {
    const known = made.has(path) ? await absentIsNull(machine, asked) : ((await machine(asked)) as readonly string[] | null)
    const names = new Set(known ?? [])
    for (const { target, after } of files.values()) {
      if (folderOf(target) !== path) continue
      if (after === null) names.delete(nameOf(target))
      else names.add(nameOf(target))
    }
    for (const each of made) if (folderOf(each) === path) names.add(nameOf(each))
    return known === null && names.size === 0 ? null : [...names].sort()
  }

  async function folder(asked: Question, path: string): Promise<Json> {
    const known = await absentIsNull(machine, asked)
    if (known !== null) return known as Json
    return asked.verb === 'realpath' ? path : ({ type: 'directory', mode: 0o755, uid: 0, gid: 0, sizeBytes: 4096, mtimeMs: 0, device: null } as unknown as Json)
  }

  async function watched(asked: Question): Promise<Json> {
    const real = (await machine(asked)) as unknown as Watch
    const over = (texts: readonly (string | null)[]) => texts.map((text, at) => (files.has(asked.args[at + 1]!) ? files.get(asked.args[at + 1]!)!.after : text))
    return { elapsedMs: real.elapsedMs, before: over(real.before), after: over(real.after) }
  }

  return answer
}

/** A folder that the change will make was, of course, never asked about. */
async function absentIsNull(machine: Ask, asked: Question): Promise<readonly string[] | null> {
  try {
    return (await machine(asked)) as readonly string[] | null
  } catch {
    return null
  }
}

/** Folders that may have to be made for new files: the drop-in folder of a unit, a folder of the user's configuration. */
const madeFolders = (changes: readonly Change[]): ReadonlySet<string> => new Set(changes.filter(({ before, after, target }) => before === null && after !== null && target.startsWith('/')).map(({ target }) => folderOf(target)))

/** As old as can be: what is written now is older than the process that a restart would bring. */
const statOf = (text: string, old: Stat | null): Json =>
  ({ type: 'file', mode: old?.mode ?? 0o644, uid: old?.uid ?? 0, gid: old?.gid ?? 0, sizeBytes: bytesOf(text), mtimeMs: 0, device: null }) as unknown as Json

const bytesOf = (text: string): number => new TextEncoder().encode(text).length
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
