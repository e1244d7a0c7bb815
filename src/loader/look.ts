import { CannotSee, known } from '../cannot-see.ts'
import { dirname, join } from '../paths.ts'
import type { Host } from '../types.ts'
import { obstacle, type Who } from './access.ts'
import type { Look } from './types.ts'

const MAX_LINKS = 40

/** What stands at `path` for `who`. `sameAsCaller`: the doctor itself is that user, so its own success is the proof. */
export async function lookAt(host: Host, root: string, path: string, who: Who, sameAsCaller: boolean): Promise<Look> {
  const stat = await known(host.stat(root + path))
  if (!stat.known) {
    if (sameAsCaller) return { kind: 'unreadable', because: stat.because }
    throw new CannotSee(stat.because, stat.how)
  }
  if (stat.value === null) return linkAt(host, root, path)
  const real = (await host.realpath(root + path))?.slice(root.length) ?? path
  const [linkage, barred] = await Promise.all([known(host.linkage(root + path)), obstacle(host, root, real === path ? [path] : [real, path], who)])
  if (stat.value.type === 'directory') return barred === null || sameAsCaller ? { kind: 'directory' } : { kind: 'unreadable', because: barred }
  if (!linkage.known) {
    if (sameAsCaller || barred !== null) return { kind: 'unreadable', because: barred ?? linkage.because }
    throw new CannotSee(linkage.because, linkage.how)
  }
  if (barred !== null && !sameAsCaller) return { kind: 'unreadable', because: barred }
  return linkage.value === null ? { kind: 'absent' } : { kind: 'file', realpath: real, linkage: linkage.value }
}

/** Nothing can be opened there: is it nothing, a link to nothing, or links in a circle (ELOOP)? */
async function linkAt(host: Host, root: string, path: string): Promise<Look> {
  const first = await host.readlink(root + path)
  if (first === null) return { kind: 'absent' }
  let at = path
  for (let links = 0; links <= MAX_LINKS; links++) {
    const to = await host.readlink(root + at)
    if (to === null) return { kind: 'dangling', to: first }
    at = to.startsWith('/') ? to : join(dirname(at), to)
  }
  return { kind: 'link-loop', to: first }
}
