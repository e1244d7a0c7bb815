/** Whether somebody may read a file: permission bits along the whole path (path_resolution(7)). ACLs are not seen. */
import { ancestors } from '../paths.ts'
import type { Host, Stat } from '../types.ts'

export interface Who {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
}

const READ = 4
const ENTER = 1

export function mayUse(stat: Stat, who: Who, bit: 4 | 1): boolean {
  if (who.uid === 0) return true
  const shift = stat.uid === who.uid ? 6 : stat.gid === who.gid || who.groups.includes(stat.gid) ? 3 : 0
  return ((stat.mode >> shift) & bit) !== 0
}

/** Why `who` cannot open the file; null = nothing stands in the way. `paths` are the names by which it is reached. */
export async function obstacle(host: Host, root: string, paths: readonly string[], who: Who): Promise<string | null> {
  if (who.uid === 0) return null
  const folders = [...new Set(paths.flatMap(ancestors))]
  const [file, ...above] = await Promise.all([host.stat(root + paths[0]!), ...folders.map((folder) => host.stat(`${root}${folder}`))])
  const closed = above.findIndex((stat) => stat !== null && !mayUse(stat, who, ENTER))
  if (closed !== -1) return `${folders[closed]} (mode ${octal(above[closed]!.mode)}, owner uid ${above[closed]!.uid}) may not be entered by uid ${who.uid}`
  if (file !== null && file !== undefined && !mayUse(file, who, READ)) return `${paths[0]} (mode ${octal(file.mode)}, owner uid ${file.uid}) may not be read by uid ${who.uid}`
  return null
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0')
