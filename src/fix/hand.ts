/** The only writer. Everything here is synchronous: a run is a handful of small files, and the order of the steps is what keeps them whole. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync, closeSync, constants, existsSync, fchmodSync, fchownSync, fsyncSync, linkSync, lstatSync, mkdirSync, openSync, readFileSync, readlinkSync, realpathSync, renameSync,
  rmdirSync, statSync, unlinkSync, writeSync, type Stats,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Refused } from './refused.ts'
import { asUser } from './rights.ts'

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
  const foreign = process.geteuid?.() === 0 && parent.uid !== 0
  const user = process.geteuid?.() === 0 ? usersOn(target) : null
  if (user !== null && (parent.uid !== user || (stat !== null && stat.uid !== user))) throw new Refused(`${target} lies in a folder of uid ${user} and leads to ${real}, which is not that user's; root does not write there for a user.`)
  if (foreign && stat !== null && stat.uid !== parent.uid) throw new Refused(`${target} belongs to another user than the folder it lies in, so it cannot be replaced safely.`)
  return { target, real, stat, bytes: stat === null ? null : wholeOf(real), folders, owner: foreign ? { uid: parent.uid, gid: parent.gid } : null }
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

function statOrNull(path: string): Stats | null {
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

export const tempName = (real: string): string => join(dirname(real), `.${basename(real).slice(0, 200)}.asr-doctor-${randomBytes(6).toString('hex')}`)

/**
 * Puts `after` in place of what lies there: written beside it under `temp`, brought to the disk, and renamed, so that
 * whoever reads sees the old text or the new and never a part. null takes the file away.
 */
export function replace(place: Place, after: Buffer | null, temp: string): void {
  asUser(place.owner, () => {
    try {
      if (after === null) {
        unchanged(place)
        if (place.stat !== null) unlinkSync(place.real)
      } else {
        for (const folder of place.folders) {
          if (existsSync(folder)) continue
          mkdirSync(folder)
          chmodSync(folder, 0o755)
          syncFolder(dirname(folder))
        }
        writeTemp(place, after, temp)
        unchanged(place)
        // A new file must not fall on one that somebody made meanwhile: link(2) never replaces.
        if (place.stat === null) {
          linkSync(temp, place.real)
          unlinkSync(temp)
        } else renameSync(temp, place.real)
      }
      syncFolder(dirname(place.real))
    } catch (error) {
      removeTemp(temp)
      for (const folder of [...place.folders].reverse()) removeEmpty(folder)
      throw error instanceof Refused ? error : failure(error, place.target, after === null ? 'removed' : 'written')
    }
  })
}

function writeTemp({ real, stat }: Place, bytes: Buffer, temp: string): void {
  const kept = stat !== null && copyAttributes(real, temp)
  if (kept) chmodSync(temp, 0o600)
  const file = openSync(temp, constants.O_WRONLY | constants.O_NOFOLLOW | (kept ? constants.O_TRUNC : constants.O_CREAT | constants.O_EXCL), 0o600)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    if (stat !== null && !kept) fchownSync(file, stat.uid, stat.gid)
    fchmodSync(file, stat === null ? 0o644 : stat.mode & 0o7777)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Owner, mode, access control list, extended attributes and with them the SELinux label, by cp(1) of GNU coreutils. */
function copyAttributes(from: string, to: string): boolean {
  if (process.platform !== 'linux') return false
  const copy = ['cp', '--no-dereference', '--attributes-only', '--preserve=all', '--no-clobber', '--', from, to] as const
  // If we are killed, it must not make its file after us.
  const [program, ...args] = ['/usr/bin/setpriv', '/bin/setpriv'].some((path) => existsSync(path)) ? (['setpriv', '--pdeathsig', 'KILL', '--', ...copy] as const) : copy
  const done = spawnSync(program, args, { stdio: 'ignore', timeout: 10_000, env: { PATH: '/usr/bin:/bin' } })
  const there = statOrNull(to)
  if (done.status === 0 && there !== null) {
    const old = lstatSync(from)
    if (there.uid === old.uid && there.gid === old.gid) return true
  }
  if (there !== null) unlinkSync(to)
  if (existsSync('/sys/fs/selinux/enforce')) throw new Refused(`The SELinux label of ${from} could not be copied, so it was not replaced.`)
  return false
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

export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const file = openSync(folder, constants.O_RDONLY)
  try {
    fsyncSync(file)
  } catch (error) {
    // Some file systems (FUSE, 9p) cannot sync a folder; the rename itself is whole there too.
    if (!['EINVAL', 'ENOTSUP', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    closeSync(file)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'it lies on a read-only file system (an immutable system such as NixOS or ostree: see --format nix or ansible)',
  ENOSPC: 'the disk is full (bytes or inodes)',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it would be larger than this process may write',
  EBUSY: 'it is a mount point itself, such as a file that a container was given with -v; change it outside',
  EXDEV: 'it lies on another file system than its folder; change it where it comes from',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'its name is too long',
  EEXIST: 'somebody made it meanwhile',
  ELOOP: 'a symbolic link stands in its place',
  ENOTDIR: 'a part of its path is no folder',
}

/** What the kernel said, in words, and that nothing was written. */
export function failure(error: unknown, target: string, what: 'looked at' | 'read' | 'written' | 'removed'): Error {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) return error as Error
  const reason = REASONS[code] ?? (code === 'EACCES' || code === 'EPERM' ? denied(target, code) : code)
  return new Refused(`${target} could not be ${what}: ${reason}.`)
}

function denied(target: string, code: string): string {
  if (process.getuid?.() === 0 && process.geteuid?.() !== 0) return 'the user whose folder it is may not write there'
  if (process.geteuid?.() !== 0) return 'this user may not; run the same command as root (sudo)'
  const flags = spawnSync('lsattr', ['-d', '--', target], { encoding: 'utf8', timeout: 5000 }).stdout?.split(' ')[0] ?? ''
  const folder = spawnSync('lsattr', ['-d', '--', dirname(target)], { encoding: 'utf8', timeout: 5000 }).stdout?.split(' ')[0] ?? ''
  if (/[ia]/.test(flags)) return `it is immutable or append-only (lsattr ${flags}); chattr -i or -a takes that off`
  if (/[ia]/.test(folder)) return `its folder is immutable or append-only (lsattr ${folder}); chattr -i or -a takes that off`
  return `the kernel forbids it even to root (${code}): it may be immutable (lsattr shows), or a security module is in the way`
}

/** Whether a write has a chance, before anybody is asked. */
export function refuseUnwritable(place: Place): void {
  const folder = place.folders.length > 0 ? dirname(place.folders[0]!) : dirname(place.real)
  const temp = join(folder, `.asr-doctor-${randomBytes(6).toString('hex')}`)
  asUser(place.owner, () => {
    try {
      closeSync(openSync(temp, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600))
      unlinkSync(temp)
    } catch (error) {
      throw failure(error, place.target, 'written')
    }
  })
}

