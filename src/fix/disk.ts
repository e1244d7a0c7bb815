/** Steps on the disk that hold when the power fails, and what is left of them on file systems that lack a part. */
import { chmodSync, closeSync, constants, existsSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { Refused } from './refused.ts'

/** A folder open to be synced; null = this system has no such thing. */
export type Opened = number | null

/**
 * To be opened before anything in it is changed: one that may be written and not read (mode 0311) cannot be synced, and after the
 * change it would be too late to find that out.
 */
export function openFolder(folder: string): Opened {
  if (process.platform === 'win32') return null
  try {
    return openSync(folder, constants.O_RDONLY)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    const mode = (statSync(folder).mode & 0o7777).toString(8).padStart(4, '0')
    throw new Refused(`Nothing can be written safely in ${folder}: the user who would write there may not read it (mode ${mode}), so no change in it can be brought to the disk. Make it readable to that user first.`)
  }
}

export function sync(folder: Opened): void {
  if (folder === null) return
  try {
    fsyncSync(folder)
  } catch (error) {
    // Some file systems (FUSE, 9p) cannot sync a folder; the rename itself is whole there too.
    if (!['EINVAL', 'ENOSYS', 'ENOTSUP', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

export function close(folder: Opened): void {
  if (folder !== null) closeSync(folder)
}

export function syncFolder(folder: string): void {
  const opened = openFolder(folder)
  try {
    sync(opened)
  } finally {
    close(opened)
  }
}

/** A folder whose name is on the disk as well. Whatever the umask, it has the mode. */
export function makeFolder(folder: string, mode: number): void {
  const parent = openFolder(dirname(folder))
  try {
    mkdirSync(folder)
    where(() => chmodSync(folder, mode))
    sync(parent)
  } finally {
    close(parent)
  }
}

/** All that is missing of a path. Somebody else may make the same at the same time. */
export function makeFolders(path: string, mode: number): void {
  if (existsSync(path)) return
  makeFolders(dirname(path), mode)
  try {
    makeFolder(path, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

export function removeTemp(temp: string): void {
  try {
    unlinkSync(temp)
  } catch {
    // It was never made, or is the new file already.
  }
}

export function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Somebody keeps something in it now.
  }
}

/** Owners and modes as far as the file system has such a thing. */
export function where(possible: () => void): void {
  try {
    possible()
  } catch (error) {
    if (!['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** link(2) was refused because the file system has no hard links: FAT, exFAT, some of FUSE (sshfs). */
export const noLinks = (error: unknown): boolean => ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')

/** A new file must not fall on one that somebody made meanwhile: link(2) never replaces. Without links only a look just before is left. */
export function bringUnder(temp: string, path: string, look: () => void): void {
  try {
    linkSync(temp, path)
  } catch (error) {
    if (!noLinks(error)) throw error
    look()
    renameSync(temp, path)
    return
  }
  unlinkSync(temp)
}
