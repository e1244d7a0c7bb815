import { known, need } from '../cannot-see.ts'
import { question } from '../question.ts'
import { nameOf } from '../audio/passwd.ts'
import { sudoUser, type Place } from '../audio/place.ts'
import type { ServerView } from '../audio/server-view.ts'
import type { Evidence, Fact, Host } from '../types.ts'
import { serverView } from './audio-view.ts'
import { audioWish } from './audio-wish.ts'
import { context } from './context.ts'

// Every fact here first asks whether the target wants a microphone: on a service that is sent its audio nothing is probed.

/** The sound server as the target meets it. */
export const audioServer: Fact<ServerView> = {
  id: 'audio-server',
  about: 'the sound server as the target would find it',
  gather: async (host, use) => {
    await use(audioWish)
    const place = await use(context)
    const env = need(place.env)
    return place.origin === 'caller' ? use(audioShell) : serverView(host, place, env, place.envSource, 'service')
  },
}

/** The sound server as the invoking shell meets it. */
export const audioShell: Fact<ServerView> = {
  id: 'audio-shell',
  about: 'the sound server as the shell finds it',
  gather: async (host, use) => {
    await use(audioWish)
    const [caller, env] = await Promise.all([host.caller(), host.environment()])
    const place: Place = { origin: 'caller', uid: caller.uid, gid: caller.gid, groups: caller.groups, root: '', namespaceOf: null }
    return serverView(host, place, env, question.environment(), 'caller')
  },
}

/** A login session's own socket, found by its file. */
export interface AudioSession {
  readonly uid: number
  readonly user: string | null
  readonly path: string
  readonly evidence: Evidence
  /** The user manager stays without a login (loginctl enable-linger). null = not to be seen. */
  readonly linger: boolean | null
}

/** Sockets of sound servers in the runtime folders of all users, as far as the caller may look. */
export const audioSessions: Fact<readonly AudioSession[]> = {
  id: 'audio-sessions',
  about: 'the sound servers of all logged-in users',
  gather: async (host, use) => {
    await use(audioWish)
    const [users, passwd, lingering] = await Promise.all([known(host.list('/run/user')), known(host.read('/etc/passwd')), known(host.list('/var/lib/systemd/linger'))])
    const uids = (users.known ? (users.value ?? []) : []).filter((name) => /^\d+$/.test(name)).map(Number)
    const sessions = await Promise.all(
      uids.map(async (uid): Promise<readonly AudioSession[]> => {
        const path = `/run/user/${uid}/pulse/native`
        const stat = await known(host.stat(path))
        if (!stat.known || stat.value?.type !== 'socket') return []
        const user = passwd.known ? nameOf(passwd.value, uid) : null
        const linger = lingering.known && user !== null ? (lingering.value ?? []).includes(user) : null
        return [{ uid, user, path, linger, evidence: { source: question.stat(path), saw: `socket, uid ${stat.value.uid}` } }]
      }),
    )
    return sessions.flat()
  },
}

/** Whoever is meant by “in my shell it works”: the shell itself, else the session of the person behind sudo, else the only session there is. */
export interface Reference {
  /** As it stands in a sentence: “the shell”, “the session of robert”. */
  readonly whose: string
  readonly view: ServerView
}

/** null = neither the shell nor any session that may be looked into has a sound server that answers. */
export const audioReference: Fact<Reference | null> = {
  id: 'audio-reference',
  about: 'the sound server that works for somebody on this machine',
  gather: async (host, use) => {
    const shell = await use(audioShell)
    if (shell.reach.kind === 'answered') return { whose: 'the shell', view: shell }
    const [{ uid }, env, sessions] = await Promise.all([host.caller(), host.environment(), use(audioSessions)])
    if (uid !== 0) return null
    const person = sudoUser(env)
    const target = await known(use(context))
    const order = [person, target.known ? target.value.uid : null]
    const first = [...sessions].sort((a, b) => rank(order, a.uid) - rank(order, b.uid))
    for (const session of first.slice(0, 3)) {
      const view = await sessionView(host, session)
      if (view.reach.kind === 'answered') return { whose: `the session of ${session.user ?? `uid ${session.uid}`}`, view }
    }
    return null
  },
}

const rank = (order: readonly (number | null)[], uid: number): number => (order.includes(uid) ? order.indexOf(uid) : order.length)

function sessionView(host: Host, { uid }: AudioSession): Promise<ServerView> {
  // The group is of no importance: PulseAudio and PipeWire know their own user by uid.
  const place: Place = { origin: 'caller', uid, gid: uid, groups: [], root: '', namespaceOf: null }
  return serverView(host, place, { XDG_RUNTIME_DIR: `/run/user/${uid}`, HOME: '/dev/null' }, question.stat(`/run/user/${uid}`), `uid-${uid}`)
}
