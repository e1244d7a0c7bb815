import type { Scope } from '../types.ts'

/** `managerUid`: whose manager keeps it; null = the system's. */
export interface CgroupUnit {
  readonly name: string
  readonly scope: Scope
  readonly managerUid: number | null
}

/**
 * The service a process belongs to, from /proc/PID/cgroup: the innermost `*.service` of systemd's own tree (v2 `0::`,
 * or v1 `name=systemd`). Below `user@UID.service` it is a unit of that user's manager. systemd.slice(5), CGROUP_DELEGATION.
 */
export function unitOfCgroup(text: string): CgroupUnit | null {
  const lines = text.split('\n').map((line) => line.split(':'))
  const own = lines.find(([, controllers]) => controllers === 'name=systemd') ?? lines.find(([id, controllers]) => id === '0' && controllers === '')
  const path = own?.slice(2).join(':') ?? ''
  const services = path.split('/').filter((part) => part.endsWith('.service'))
  const name = services.at(-1)
  if (name === undefined || USER_MANAGER.test(name)) return null
  const manager = services.map((part) => USER_MANAGER.exec(part)?.[1]).find((uid) => uid !== undefined)
  return manager === undefined ? { name, scope: 'system', managerUid: null } : { name, scope: 'user', managerUid: Number(manager) }
}

const USER_MANAGER = /^user@(\d+)\.service$/
