import { accountsOf, groupsOf, type Account, type Group } from '../systemd/accounts.ts'
import type { Host } from '../types.ts'

/** The account of a name or a number; /etc/passwd first, then whatever getent(1) knows (LDAP, systemd-homed). */
export async function accountOf(host: Host, user: string): Promise<Account | null> {
  const matches = (account: Account) => account.name === user || String(account.uid) === user
  const local = accountsOf((await host.read('/etc/passwd')) ?? '').find(matches)
  if (local) return local
  const asked = await host.run('getent', ['passwd', user])
  return (asked && accountsOf(asked.stdout).find(matches)) ?? null
}

export async function groupOf(host: Host, group: string): Promise<Group | null> {
  const matches = (each: Group) => each.name === group || String(each.gid) === group
  const local = groupsOf((await host.read('/etc/group')) ?? '').find(matches)
  if (local) return local
  const asked = await host.run('getent', ['group', group])
  return (asked && groupsOf(asked.stdout).find(matches)) ?? null
}

/** The gids that initgroups(3) would give: the own group and every group that lists the user. */
export async function memberGroups(host: Host, account: Account, gid: number): Promise<readonly number[]> {
  const listed = groupsOf((await host.read('/etc/group')) ?? '').filter(({ members }) => members.includes(account.name))
  return [...new Set([gid, ...listed.map((group) => group.gid)])].sort((a, b) => a - b)
}
