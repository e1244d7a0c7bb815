import type { Scope } from '../types.ts'

/**
 * The service a process belongs to, from /proc/PID/cgroup: the innermost `*.service` of systemd's own tree (v2 `0::`,
 * or v1 `name=systemd`). Below `user@UID.service` it is a unit of that user's manager. systemd.slice(5), CGROUP_DELEGATION.
 */
export function unitOfCgroup(text: string): { readonly name: string; readonly scope: Scope } | null {
  const lines = text.split('\n').map((line) => line.split(':'))
  const own = lines.find(([, controllers]) => controllers === 'name=systemd') ?? lines.find(([id, controllers]) => id === '0' && controllers === '')
  const path = own?.slice(2).join(':') ?? ''
  const services = path.split('/').filter((part) => part.endsWith('.service'))
  const name = services.at(-1)
  if (name === undefined || /^user@\d+\.service$/.test(name)) return null
  return { name, scope: services.some((part) => /^user@\d+\.service$/.test(part)) ? 'user' : 'system' }
}
