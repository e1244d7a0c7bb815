import { known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Host } from '../types.ts'

/** Who a file belongs to. `unknown` = no package database answered. */
export interface Owner {
  readonly kind: 'package' | 'none' | 'unknown'
  readonly name: string | null
  readonly source: string | null
}

/** dpkg(1) and rpm(8) know which package brought a file; what a package brought it may also replace. */
export async function packageOf(host: Host, path: string): Promise<Owner> {
  const dpkg = await known(host.run('dpkg', ['-S', path]))
  if (dpkg.known && dpkg.value !== null) {
    const source = question.run('dpkg', ['-S', path])
    const name = /^([^:\n]+(?::[a-z0-9]+)?): \//m.exec(dpkg.value.stdout)?.[1]
    if (name !== undefined) return { kind: 'package', name, source }
    // Merged /usr: the database may hold the path by its other name.
    const other = path.startsWith('/usr/lib/') ? path.slice(4) : path.startsWith('/lib/') ? `/usr${path}` : null
    const again = other === null ? null : await known(host.run('dpkg', ['-S', other]))
    const otherName = again?.known && again.value ? /^([^:\n]+(?::[a-z0-9]+)?): \//m.exec(again.value.stdout)?.[1] : undefined
    if (otherName !== undefined) return { kind: 'package', name: otherName, source: question.run('dpkg', ['-S', other!]) }
    if (dpkg.value.code === 1) return { kind: 'none', name: null, source }
  }
  const rpm = await known(host.run('rpm', ['-qf', '--', path]))
  if (rpm.known && rpm.value !== null) {
    const source = question.run('rpm', ['-qf', '--', path])
    if (rpm.value.code === 0) return { kind: 'package', name: rpm.value.stdout.trim(), source }
    if (/not owned/.test(rpm.value.stdout)) return { kind: 'none', name: null, source }
  }
  return { kind: 'unknown', name: null, source: null }
}
