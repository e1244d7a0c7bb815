import { VOLATILE } from '../../facts/environment-configured.ts'
import type { Env } from '../../types.ts'

/** Who the process is and where it lives; these go with the place and not with its other variables. */
const IDENTITY = new Set([
  'HOME', 'USER', 'LOGNAME', 'SHELL', 'PWD', 'OLDPWD', 'MAIL', 'TMPDIR', 'TEMP', 'TMP', '_', 'SHLVL', 'TERM', 'COLORTERM', 'TERM_PROGRAM', 'LS_COLORS', 'PS1', 'HISTFILE', 'SSH_AUTH_SOCK', 'SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY',
  'XDG_RUNTIME_DIR', 'XDG_SESSION_ID', 'XDG_SESSION_TYPE', 'XDG_SESSION_CLASS', 'XDG_SEAT', 'XDG_VTNR', 'DBUS_SESSION_BUS_ADDRESS', 'SUDO_USER', 'SUDO_UID', 'SUDO_GID', 'SUDO_COMMAND', 'SUDO_HOME',
  'RUNTIME_DIRECTORY', 'STATE_DIRECTORY', 'CACHE_DIRECTORY', 'LOGS_DIRECTORY', 'CONFIGURATION_DIRECTORY',
])
const stays = (name: string): boolean => IDENTITY.has(name) || VOLATILE.has(name)

/** The variables of another place, with who and where one is left as they are. */
export const swapped = (place: Env, other: Env): Env =>
  Object.fromEntries([...Object.entries(other).filter(([name]) => !stays(name)), ...Object.entries(place).filter(([name]) => stays(name))])

/** Names of the variables that would change. */
export const differing = (a: Env, b: Env): readonly string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => !stays(name) && a[name] !== b[name]).sort()
