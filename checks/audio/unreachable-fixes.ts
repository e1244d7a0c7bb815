import type { Directive, Fix, Immutable, Scope } from '../../src/index.ts'
import type { AudioSession } from '../../src/facts/audio-server.ts'
import type { ServerView } from '../../src/audio/server-view.ts'
import type { Cause } from './unreachable-cause.ts'

interface Situation {
  readonly unit: { readonly name: string; readonly scope: Scope; readonly protectHome: string } | null
  readonly server: Immutable<ServerView>
  readonly sessions: readonly Immutable<AudioSession>[]
}

/** Never a server open to the network or to everybody: that would be a microphone for anyone. */
export function fixesFor({ fault, at }: Cause, { unit, server, sessions }: Situation): readonly Fix[] {
  const own = sessions.find(({ uid }) => uid === server.uid)
  if (fault === 'silent' && server.reach.kind === 'silent') return [wake(server.reach.daemon?.state === 'T' ? server.reach.daemon.pid : null)]
  if (fault === 'dead') return [start('Start the sound server of that session again.', server)]
  if (fault === 'hidden' && unit !== null && at?.path != null) return [unhide(unit, at.path)]
  if (fault === 'remote') return [...(own && unit ? [dropIn(unit, own, true)] : []), manual('Correct the address, or start the sound server on that host.')]
  if (unit === null) return [server.explicit ? manual('Unset PULSE_SERVER, or set it to the socket of your own session.', 'unset PULSE_SERVER', 'pactl info') : start('Start a sound server for this user.', server)]
  if (own) return [dropIn(unit, own, server.explicit)]
  if (unit.scope === 'user') return [...(server.explicit ? [manual(`Take PULSE_SERVER out of ${unit.name}; its own session is then used.`, `systemctl --user edit ${unit.name}`)] : []), start('Start the sound server of this session.', server)]
  const [session] = sessions
  if (fault === 'absent' && server.uid !== 0 && !server.explicit) return [start('Start a sound server for this user.', server), ...(session ? [userUnit(unit.name, session)] : [])]
  if (session === undefined) return [start(`Start a sound server for the user that ${unit.name} runs as, or run it as a unit of a user who has one.`, server)]
  return [userUnit(unit.name, session), asUser(unit, session)]
}

const manual = (title: string, ...then: readonly string[]): Fix => ({ title, safety: 'manual', edits: [], then })

const wake = (stopped: number | null): Fix =>
  manual(
    stopped === null ? 'Restart the sound server in its session.' : 'Let the stopped sound server run again, or restart it in its session.',
    ...(stopped === null ? [] : [`kill -CONT ${stopped}`]),
    'systemctl --user restart pipewire-pulse.service   (or pulseaudio.service, whichever is installed)',
  )

const start = (title: string, { uid, user }: Immutable<ServerView>): Fix =>
  manual(
    title,
    ...(uid === 0 ? ['Neither PipeWire nor PulseAudio is started for root by its unit (ConditionUser=!root): use a user of its own.'] : [`loginctl enable-linger ${user ?? uid}`]),
    'systemctl --user start pipewire-pulse.socket   (or pulseaudio.socket, whichever is installed), as that user',
  )

const reload = (unit: { readonly name: string; readonly scope: Scope }): readonly string[] => {
  const call = unit.scope === 'user' ? 'systemctl --user' : 'systemctl'
  return [`${call} daemon-reload`, `${call} restart ${unit.name}`]
}

const linger = ({ linger, user, uid }: Immutable<AudioSession>): readonly string[] => (linger === true ? [] : [`loginctl enable-linger ${user ?? uid}   (so that the session is there before anybody logs in)`])

/** The service already runs as the user of the session: it only has to be told where that session is. */
function dropIn(unit: { name: string; scope: Scope }, session: Immutable<AudioSession>, explicit: boolean): Fix {
  const folder = `/run/user/${session.uid}`
  const value = explicit ? `PULSE_SERVER=unix:${session.path}` : `XDG_RUNTIME_DIR=${folder}`
  return {
    title: `Tell ${unit.name} where the session of ${session.user ?? `uid ${session.uid}`} has its sound server.`,
    safety: 'safe',
    edits: [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set: [...(unit.scope === 'system' ? afterSession(session.uid) : []), { section: 'Service', key: 'Environment', value }] }],
    then: [...linger(session), ...reload(unit)],
  }
}

const afterSession = (uid: number): readonly Directive[] => ['Wants', 'After'].map((key) => ({ section: 'Unit', key, value: `user@${uid}.service` }))

function userUnit(name: string, session: Immutable<AudioSession>): Fix {
  const user = session.user ?? String(session.uid)
  return manual(
    `Run ${name} as a user unit of ${user}, whose session has the sound server.`,
    `As ${user}: copy the unit to ~/.config/systemd/user/${name}, take out User= and Group=, and set WantedBy=default.target`,
    ...linger(session),
    `systemctl disable --now ${name}`,
    `As ${user}: systemctl --user daemon-reload && systemctl --user enable --now ${name}`,
  )
}

const asUser = (unit: { name: string; scope: Scope }, session: Immutable<AudioSession>): Fix => ({
  title: `Or run ${unit.name} under the account of ${session.user ?? `uid ${session.uid}`} (its files and models must be readable to that user).`,
  safety: 'risky',
  edits: [
    {
      kind: 'unit-drop-in', unit: unit.name, scope: unit.scope,
      set: [...afterSession(session.uid), { section: 'Service', key: 'User', value: session.user ?? String(session.uid) }, { section: 'Service', key: 'Environment', value: `XDG_RUNTIME_DIR=/run/user/${session.uid}` }],
    },
  ],
  then: [...linger(session), ...reload(unit)],
})

/**
 * systemd.exec(5): with ProtectHome=tmpfs single folders may be shown again. The folders above them are then root's, so
 * libpulse would no longer take XDG_RUNTIME_DIR for the user's own: the socket itself must be named.
 */
function unhide(unit: { name: string; scope: Scope; protectHome: string }, path: string): Fix {
  const above = path.slice(0, path.lastIndexOf('/'))
  // A folder that is not the server's alone stays hidden.
  const shown = above.endsWith('/pulse') ? above : path
  const home = /^(yes|true|1|on|tmpfs)$/.test(unit.protectHome) && path.startsWith('/run/user/')
  return {
    title: `Show ${shown} to ${unit.name}.`,
    safety: 'safe',
    edits: [
      {
        kind: 'unit-drop-in', unit: unit.name, scope: unit.scope,
        set: [...(home ? [{ section: 'Service', key: 'ProtectHome', value: 'tmpfs' } as const] : []), { section: 'Service', key: 'BindReadOnlyPaths', value: shown }, { section: 'Service', key: 'Environment', value: `PULSE_SERVER=unix:${path}` }],
      },
    ],
    then: reload(unit),
  }
}
