import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { Refused } from './refused.ts'

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'it lies on a read-only file system (an immutable system such as NixOS or ostree: see --format nix or ansible)',
  ENOSPC: 'the disk is full (bytes or inodes)',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it would be larger than this process may write',
  EIO: 'the disk reports an error (EIO)',
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
