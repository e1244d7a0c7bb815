import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = /^\/proc\/[^/]+\/root(?=\/|$)/

/**
 * The real path behind `path`, every symbolic link followed. Below `/proc/PID/root` an absolute link is taken to start
 * at that root, as it does for the process itself (path_resolution(7)); realpath(3) would leave the namespace.
 * Rejects with ENOENT or ELOOP as the kernel would.
 */
export async function rooted(path: string): Promise<string> {
  const prefix = ROOT.exec(path)?.[0] ?? ''
  let left = path.slice(prefix.length).split('/').filter(Boolean)
  let at: string[] = []
  for (let links = 0; left.length > 0; ) {
    const [name, ...rest] = left
    left = rest
    if (name === '.') continue
    if (name === '..') {
      at = at.slice(0, -1)
      continue
    }
    const here = prefix + join('/', ...at, name!)
    const stat = await lstat(here)
    // /proc/PID/{exe,cwd,root} and /proc/self/fd/* are links only in name: the kernel jumps, a text may not exist.
    if (!stat.isSymbolicLink() || /^\/proc\/[^/]+\/(exe|cwd|root)$/.test(here)) {
      at.push(name!)
      continue
    }
    if (++links > 40) throw Object.assign(new Error(`too many symbolic links: ${path}`), { code: 'ELOOP' })
    const to = await readlink(here)
    if (to.startsWith('/')) at = []
    left = [...to.split('/').filter(Boolean), ...left]
  }
  return prefix + '/' + at.join('/')
}
