/** The only writer. Everything here is synchronous: a run is a handful of small files, and the order of the steps is what keeps them whole. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, constants, existsSync, fchmodSync, fchownSync, fsyncSync, linkSync, lstatSync, mkdirSync, openSync, renameSync, rmdirSync, unlinkSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { failure } from './failure.ts'
import { statOrNull, unchanged, type Place } from './place.ts'
import { Refused } from './refused.ts'
import { asUser } from './rights.ts'

export const tempName = (real: string): string => join(dirname(real), `.${basename(real).slice(0, 200)}.asr-doctor-${randomBytes(6).toString('hex')}`)

/**
 * Puts `after` in place of what lies there: written beside it under `temp`, brought to the disk, and renamed, so that
 * whoever reads sees the old text or the new and never a part. null takes the file away.
 */
export function replace(place: Place, after: Buffer | null, temp: string, mode = 0o644): void {
  asUser(place.owner, () => {
    try {
      if (after === null) {
        unchanged(place)
        if (place.stat !== null) unlinkSync(place.real)
      } else {
        for (const folder of place.folders) {
          if (existsSync(folder)) continue
          mkdirSync(folder)
          where(() => chmodSync(folder, 0o755))
          syncFolder(dirname(folder))
        }
        writeTemp(place, after, temp, mode)
        unchanged(place)
        if (place.stat === null) bringUnder(temp, place)
        else renameSync(temp, place.real)
      }
      syncFolder(dirname(place.real))
    } catch (error) {
      removeTemp(temp)
      for (const folder of [...place.folders].reverse()) removeEmpty(folder)
      throw error instanceof Refused ? error : failure(error, place.target, after === null ? 'removed' : 'written')
    }
  })
}

/** Owners and modes as far as the file system has such a thing. */
function where(possible: () => void): void {
  try {
    possible()
  } catch (error) {
    if (!['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** A new file must not fall on one that somebody made meanwhile: link(2) never replaces. FAT and some of FUSE have no links, and there only a look just before it is left. */
function bringUnder(temp: string, place: Place): void {
  try {
    linkSync(temp, place.real)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    unchanged(place)
    renameSync(temp, place.real)
    return
  }
  unlinkSync(temp)
}

/** `mode`: of a file that is not there, such as one that is put back. */
function writeTemp({ real, stat }: Place, bytes: Buffer, temp: string, mode: number): void {
  const kept = stat !== null && copyAttributes(real, temp)
  if (kept) where(() => chmodSync(temp, 0o600))
  const file = openSync(temp, constants.O_WRONLY | constants.O_NOFOLLOW | (kept ? constants.O_TRUNC : constants.O_CREAT | constants.O_EXCL), 0o600)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    if (stat !== null && !kept) where(() => fchownSync(file, stat.uid, stat.gid))
    where(() => fchmodSync(file, stat === null ? mode : stat.mode & 0o7777))
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
