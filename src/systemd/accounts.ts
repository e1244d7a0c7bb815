/** passwd(5) and group(5), as text or as getent(1) prints them. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
}

export const accountsOf = (passwd: string): readonly Account[] =>
  passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid, , home, shell] = line.split(':')
    return name && uid && /^\d+$/.test(uid) ? [{ name, uid: Number(uid), gid: Number(gid), home: home ?? '', shell: shell ?? '' }] : []
  })

export interface Group {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

export const groupsOf = (group: string): readonly Group[] =>
  group.split('\n').flatMap((line) => {
    const [name, , gid, members] = line.split(':')
    return name && gid && /^\d+$/.test(gid) ? [{ name, gid: Number(gid), members: (members ?? '').split(',').filter(Boolean) }] : []
  })

const NO_LOGIN = new Set(['/bin/nologin', '/sbin/nologin', '/usr/bin/nologin', '/usr/sbin/nologin', '/bin/false', '/usr/bin/false', '/bin/true', '/usr/bin/true'])

/**
 * HOME, LOGNAME, USER and SHELL as the manager sets them for `User=` (get_user_creds() with USER_CREDS_CLEAN in
 * basic/user-util.c): no HOME of `/`, no SHELL that refuses a login.
 */
export function loginVariables(account: Account): Readonly<Record<string, string>> {
  // The manager makes up the account of nobody itself (synthesize_user_creds()): it has neither.
  if (account.name === 'nobody') return { LOGNAME: 'nobody', USER: 'nobody' }
  const home = account.uid === 0 ? '/root' : account.home
  const shell = account.uid === 0 && account.shell === '' ? '/bin/sh' : account.shell
  const absolute = (path: string) => path.startsWith('/')
  return {
    ...(absolute(home) && !/^\/+$/.test(home) ? { HOME: home } : {}),
    LOGNAME: account.name,
    USER: account.name,
    ...(absolute(shell) && !NO_LOGIN.has(shell) ? { SHELL: shell } : {}),
  }
}
