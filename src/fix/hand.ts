/** What puts a change in its place, and nothing else does. Everything here is synchronous: a run is a handful of small files, and the order of the steps is what keeps them whole. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { accessSync, chmodSync, closeSync, constants, existsSync, fchmodSync, fchownSync, fsyncSync, lstatSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { bringUnder, close, makeFolder, openFolder, removeEmpty, removeTemp, sync, where, type Opened } from './disk.ts'
import { failure } from './failure.ts'
import { statOrNull, unchanged, type Place } from './place.ts'
import { Refused } from './refused.ts'
import { asUser } from './rights.ts'

export const tempName = (real: string): string => join(dirname(real), `.${basename(real).slice(0, 200)}.asr-doctor-${randomBytes(6).toString('hex')}`)

/** What a file that is not there is made with, such as one that is put back. */
export interface Made {
  readonly mode: number
  /** null = whoever writes it. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
}

/**
 * Puts `after` in place of what lies there: written beside it under `temp`, brought to the disk, and renamed, so that
 * whoever reads sees the old text or the new and never a part. null takes the file away.
 */
export function replace(place: Place, after: Buffer | null, temp: string, made: Made = { mode: 0o644, owner: null }): void {
  asUser(place.owner, () => {
    let folder: Opened = null
    try {
      if (after !== null) for (const missing of place.folders) if (!existsSync(missing)) makeFolder(missing, 0o755)
      folder = openFolder(dirname(place.real))
      if (after === null) {
        unchanged(place)
        if (place.stat !== null) unlinkSync(place.real)
      } else {
        writeTemp(place, after, temp, made)
        unchanged(place)
        if (place.stat === null) bringUnder(temp, place.real, () => unchanged(place))
        else renameSync(temp, place.real)
      }
      sync(folder)
    } catch (error) {
      removeTemp(temp)
      for (const missing of [...place.folders].reverse()) removeEmpty(missing)
      throw error instanceof Refused ? error : failure(error, place.target, after === null ? 'removed' : 'written')
    } finally {
      close(folder)
    }
  })
}

function writeTemp({ real, stat }: Place, bytes: Buffer, temp: string, made: Made): void {
  const kept = stat !== null && copyAttributes(real, temp)
  if (kept) where(() => chmodSync(temp, 0o600))
  const file = openSync(temp, constants.O_WRONLY | constants.O_NOFOLLOW | (kept ? constants.O_TRUNC : constants.O_CREAT | constants.O_EXCL), 0o600)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    const owner = stat ?? made.owner
    if (owner !== null && !kept) where(() => fchownSync(file, owner.uid, owner.gid))
    where(() => fchmodSync(file, stat === null ? made.mode : stat.mode & 0o7777))
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

/** open(2): a file without a name, which is gone with whoever opened it. Node has no name for it; the number is that of Linux on x86 and ARM. */
const O_TMPFILE = 0o20000000 | (constants.O_DIRECTORY ?? 0)

/** Whether a write has a chance, before anybody is asked. Nothing is left behind, even by one who is killed here. */
export function refuseUnwritable(place: Place): void {
  const folder = place.folders.length > 0 ? dirname(place.folders[0]!) : dirname(place.real)
  asUser(place.owner, () => {
    try {
      close(openFolder(folder))
      // access(2) asks for the real user, and under another's name we are that user only in effect.
      if (place.owner === null) accessSync(folder, constants.W_OK | constants.X_OK)
      if (process.platform === 'linux') nameless(folder)
    } catch (error) {
      throw error instanceof Refused ? error : failure(error, place.target, 'written')
    }
  })
}

function nameless(folder: string): void {
  try {
    closeSync(openSync(folder, O_TMPFILE | constants.O_WRONLY, 0o600))
  } catch (error) {
    // A file system without such files says so, or takes it for opening the folder itself: then the write will tell.
    if (!['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL', 'ENOENT', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
