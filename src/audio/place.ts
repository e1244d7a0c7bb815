import type { Context } from '../facts/context.ts'
import type { Env } from '../types.ts'

/**
 * The environment in which pactl is asked. libpulse as a client writes: it makes ~/.config/pulse, a runtime folder in /tmp
 * with a link to it, and a cookie where there is none; and it starts a daemon where client.conf says autospawn. So it
 * gets no home, no configuration and a full cookie file (all zeros when the service has none), and the server's address
 * by --server, which forbids autospawn (pa_context_connect, src/pulse/context.c; pa_authkey_load, src/pulsecore/authkey.c).
 */
export const quietEnv = (cookie: string | null): Env => ({ HOME: '/dev/null', PULSE_CLIENTCONFIG: '/dev/null', PULSE_COOKIE: cookie ?? '/dev/zero' })

/** Root asked the doctor by sudo(8): whose shell it was. */
export const sudoUser = (env: Env): number | null => {
  const uid = Number(env['SUDO_UID'] ?? Number.NaN)
  return Number.isInteger(uid) && uid > 0 ? uid : null
}

export type Place = Pick<Context, 'origin' | 'uid' | 'gid' | 'groups' | 'root' | 'namespaceOf'>
