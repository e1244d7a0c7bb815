import type { Evidence, Immutable } from '../../src/index.ts'
import type { AudioSession } from '../../src/facts/audio-server.ts'
import type { AddressState, ServerView } from '../../src/audio/server-view.ts'
import { person } from './words.ts'

/** Which of the several things it is that libpulse calls “Connection refused”, told apart by what stands at the address. */
export type Fault = 'foreign-runtime' | 'no-runtime' | 'absent' | 'hidden' | 'closed' | 'dead' | 'remote' | 'malformed' | 'denied' | 'silent'

export interface Cause {
  readonly fault: Fault
  readonly cause: string
  readonly at: AddressState | null
  readonly evidence: readonly Evidence[]
  /** Another reading is left: a server may be slow, a network may come back. */
  readonly open: boolean
}

/** null = the evidence does not tell which. */
export function causeOf(who: string, server: Immutable<ServerView>, sessions: readonly Immutable<AudioSession>[]): Cause | null {
  const { reach, foreignRuntime, runtimeDir, explicit, envSource, uid, user } = server
  const me = person({ uid, user })
  const at = (server.addresses.find(({ state }) => state !== 'absent') ?? server.addresses[0] ?? null) as AddressState | null
  const seen = server.addresses.map(({ evidence }) => evidence)
  const said = reach.kind === 'refused' || reach.kind === 'denied' || reach.kind === 'silent' ? reach.evidence : []
  const result = (fault: Fault, cause: string, ...first: readonly Evidence[]): Cause => ({ fault, cause, at, evidence: [...first, ...seen, ...said], open: fault === 'remote' || (reach.kind === 'silent' && reach.daemon?.state !== 'T') })
  const setting = at?.source ? [{ source: at.source, saw: `${at.from === 'client.conf' ? 'default-server' : at.from} names ${at.text}` }] : []
  const names = at === null ? '' : at.from === 'system' || at.from === 'home' ? at.text : `${at.from} of ${who} names ${at.text}`

  if (foreignRuntime !== null) {
    const owner = sessions.find((each) => each.uid === foreignRuntime.owner)
    return result(
      'foreign-runtime',
      `${capital(who)} runs as ${me}, but its XDG_RUNTIME_DIR ${foreignRuntime.path} belongs to ${person({ uid: foreignRuntime.owner, user: owner?.user ?? null })}, so libpulse does not look for a sound server there.`,
      { source: envSource, saw: `XDG_RUNTIME_DIR=${foreignRuntime.path}` },
    )
  }
  if (reach.kind === 'silent') {
    const { daemon } = reach
    if (at?.state === 'remote') return result('remote', `${names}, and nothing answers there within ${reach.afterMs / 1000} s.`, ...setting)
    const state = daemon === null ? '' : daemon.state === 'T' ? `; its process ${daemon.name} (pid ${daemon.pid}) is stopped` : `; its process is ${daemon.name} (pid ${daemon.pid})`
    return result('silent', `The sound server at ${at?.text} takes the connection and then gives no answer within ${reach.afterMs / 1000} s${state}.`)
  }
  if (reach.kind === 'denied') {
    const owner = at?.owner ?? null
    return result('denied', `The sound server at ${at?.text}${owner === null ? '' : ` belongs to ${ownerOf(owner, sessions)} and`} denies access to ${me}, who is not its user and has no cookie of it.`, ...setting)
  }
  if (at !== null && at.state === 'malformed') return result('malformed', `${names}, which is no address: variables are not expanded there.`, ...setting)
  if (at !== null && at.state === 'hidden') return result('hidden', `The socket ${at.path} is there on the machine, but hidden from ${who} by its mount namespace.`, ...setting)
  if (at !== null && at.state === 'closed') {
    return result('closed', `${explicit ? names : `The socket ${at.path}`}${explicit ? ', a socket' : ' is one'} to which ${me} may not connect${at.owner === null ? '' : `: it belongs to ${ownerOf(at.owner, sessions)}`}.`, ...setting)
  }
  if (at !== null && at.state === 'remote') return result('remote', `${names}, and nothing accepts a connection there.`, ...setting)
  if (at !== null && (at.state === 'socket' || at.state === 'no-socket')) {
    return result('dead', at.state === 'socket' ? `The socket ${at.path} is still there, but no sound server listens at it.` : `${at.path}, where ${who} looks for its sound server, is no socket.`, ...setting)
  }
  if (at === null || at.state === 'unseen') return null
  if (explicit || server.addresses[0]?.from === 'PULSE_RUNTIME_PATH') return result('absent', `${names}, which does not exist.`, ...setting)
  if (runtimeDir === null) {
    return result(
      'no-runtime',
      `${capital(who)} runs as ${me} with neither XDG_RUNTIME_DIR nor PULSE_SERVER, so it looks for no session's sound server but only for ${server.addresses.map(({ path }) => path).join(' and ')}, which ${server.addresses.length === 1 ? 'does' : 'do'} not exist.`,
      { source: envSource, saw: 'XDG_RUNTIME_DIR and PULSE_SERVER are not set' },
    )
  }
  return result('absent', `No sound server runs for ${me}: ${server.addresses[0]!.path}, where ${who} looks for it, does not exist.`, ...setting)
}

const ownerOf = (uid: number, sessions: readonly Immutable<AudioSession>[]): string => person({ uid, user: sessions.find((each) => each.uid === uid)?.user ?? null })

const capital = (text: string): string => (text === 'this shell' ? 'This shell' : text.startsWith('process') ? `P${text.slice(1)}` : text)
