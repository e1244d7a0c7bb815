/** Where a change would land. Nothing here writes. */
import { closeSync, constants, existsSync, lstatSync, openSync, readFileSync, readlinkSync, realpathSync, statSync, type Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { failure } from './failure.ts'
import { Refused } from './refused.ts'

/** A target met on the disk: where it really lies, and what must still be so when it is written. */
export interface Place {
  readonly target: string
  /** With every symbolic link followed. */
  readonly real: string
  /** The file itself; null = there is none. */
  readonly stat: Stats | null
  readonly bytes: Buffer | null
  /** Folders to be made, the outermost first. */
  readonly folders: readonly string[]
  /** In whose name it is written: the owner of the folder it lies in. null = our own. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
}

const MAX_BYTES = 8 * 1024 * 1024

/** Looks at a target without touching it. Refuses what is no regular file, or would not stay what it is. */
export function placeOf(target: string): Place {
  const real = realOf(target)
  const folders: string[] = []
  let there = dirname(real)
  while (!existsSync(there)) {
    folders.unshift(there)
    there = dirname(there)
  }
  const parent = statSync(there)
  if (!parent.isDirectory()) throw new Refused(`${there} is no folder, so ${target} cannot be written.`)
  const stat = statOrNull(real)
  if (stat !== null && !stat.isFile()) throw new Refused(`${target} is no regular file.`)
  if (stat !== null && stat.nlink > 1) throw new Refused(`${target} has ${stat.nlink - 1} other name${stat.nlink === 2 ? '' : 's'} (hard links), which would keep the old text.`)
  if (stat !== null && stat.size > MAX_BYTES) throw new Refused(`${target} is larger than 8 MiB.`)
  const owner = actingFor(target, real, parent, stat)
  return { target, real, stat, bytes: stat === null ? null : wholeOf(real), folders, owner }
}

/** In whose name something in a folder is touched. Refused where a user decides where the way leads, and it leads to what is not that user's. */
function actingFor(target: string, real: string, parent: Stats, stat: Stats | null): Place['owner'] {
  if (process.geteuid?.() !== 0) return null
  const user = usersOn(target)
  if (user !== null && (parent.uid !== user || (stat !== null && stat.uid !== user))) throw new Refused(`${target} lies in a folder of uid ${user} and leads to ${real}, which is not that user's; root does not write there for a user.`)
  if (parent.uid === 0) return null
  if (stat !== null && stat.uid !== parent.uid) throw new Refused(`${target} belongs to another user than the folder it lies in, so it cannot be replaced safely.`)
  return { uid: parent.uid, gid: parent.gid }
}

/** The folder that a target was written in, and in whose name what was left in it may be taken away; null = it leads elsewhere now. */
export function folderOf(target: string, real: string): { readonly folder: string; readonly owner: Place['owner'] } | null {
  try {
    if (realOf(target) !== real) return null
    return { folder: dirname(real), owner: actingFor(target, real, statSync(dirname(real)), null) }
  } catch {
    return null
  }
}

/** The last owner but root of a folder or link on the way to the target: that user decides where the way leads. */
function usersOn(target: string): number | null {
  let owner: number | null = null
  const parts = target.split('/').filter(Boolean)
  for (let at = 0; at < parts.length; at++) {
    const stat = statOrNull(`/${parts.slice(0, at + 1).join('/')}`)
    if (stat === null) break
    if (stat.uid !== 0 && (at < parts.length - 1 || stat.isSymbolicLink())) owner = stat.uid
  }
  return owner
}

/** Follows the links of a path whose last parts may not exist. A link that leads nowhere is not ours to fill. */
function realOf(target: string): string {
  if (!target.startsWith('/')) throw new Refused(`${target} is no absolute path of this machine.`)
  try {
    return realpathSync(target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ELOOP') throw new Refused(`${target} is reached through symbolic links that go in a circle.`)
    if (code !== 'ENOENT') throw failure(error, target, 'looked at')
  }
  let link: string | null = null
  try {
    link = readlinkSync(target)
  } catch {
    // No link: the file is simply not there.
  }
  if (link !== null) throw new Refused(`${target} is a symbolic link to ${link}, which does not exist.`)
  const folder = dirname(target)
  return folder === target ? target : join(realOf(folder), basename(target))
}

export function statOrNull(path: string): Stats | null {
  try {
    return lstatSync(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw failure(error, path, 'looked at')
  }
}

/** Never through a link, never waiting for a FIFO. */
function wholeOf(path: string): Buffer {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      return readFileSync(file)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw failure(error, path, 'read')
  }
}

/** Still what was examined: the same file behind the same links, with the same bytes. */
export function unchanged({ target, real, stat, bytes }: Place): void {
  const now = realOf(target)
  if (now !== real) throw new Refused(`${target} leads to ${now} now and led to ${real} when it was examined.`)
  const is = statOrNull(real)
  if (is !== null && !is.isFile()) throw new Refused(`${target} is no regular file any more.`)
  if ((is === null) !== (stat === null) || (is !== null && (!wholeOf(real).equals(bytes!) || is.uid !== stat!.uid || is.gid !== stat!.gid || is.mode !== stat!.mode))) {
    throw new Refused(`${target} was changed since it was examined; nothing was written to it.`)
  }
}
