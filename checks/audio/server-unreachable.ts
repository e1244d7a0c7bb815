import { DoesNotApply, defineCheck, type Finding, type Immutable, type Refutation } from '../../src/index.ts'
import { alsaAccess, alsaCards } from '../../src/facts/audio-alsa.ts'
import { audioReference, audioServer, audioSessions, type Reference } from '../../src/facts/audio-server.ts'
import { audioWish } from '../../src/facts/audio-wish.ts'
import { target } from '../../src/facts/target.ts'
import { unitState } from '../../src/facts/unit-state.ts'
import type { ServerView } from '../../src/audio/server-view.ts'
import { causeOf, type Cause } from './unreachable-cause.ts'
import { fixesFor } from './unreachable-fixes.ts'
import { counted } from '../../src/audio/sources.ts'
import { alsaAlone, nameOf, needsSound, pulseIsItsWay, referenceEvidence, referenceInputs } from './words.ts'

export default defineCheck({
  id: 'audio/server-unreachable',
  title: 'The service cannot reach a sound server',
  docs: {
    what: 'Looks for the PulseAudio or PipeWire server that the target would use, in its environment, as its user and in its mount namespace, and asks it for its sources. It says which of the several causes behind “Connection refused” it is: no XDG_RUNTIME_DIR, a folder of another user, a missing or a dead socket, one that is hidden or closed to this user, a denied access, a wrong PULSE_SERVER, or a server that is stopped.',
    why: 'A sound server belongs to a login session. A system service has none, so a program that hears well in a terminal is deaf as a service, and libpulse says “Connection refused” to all of these alike.',
    remedy: 'Run it as a user unit with linger, or, where it already runs as the user of the session, set XDG_RUNTIME_DIR for it. Do not open the server to the network without authentication: that is a microphone for everybody.',
    links: [
      'https://www.freedesktop.org/wiki/Software/PulseAudio/Documentation/User/PerfectSetup/',
      'man:pulse-client.conf(5)',
      'man:loginctl(1)',
      'https://github.com/rhasspy/wyoming-satellite/issues/53',
    ],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, wish: audioWish, server: audioServer, reference: audioReference, sessions: audioSessions, cards: alsaCards, access: alsaAccess, unit: unitState },
  run(facts) {
    const { wish, server, reference, sessions, cards, access, unit } = facts
    needsSound(facts)
    const { reach } = server
    if (reach.kind === 'answered') return []
    if (wish.strength === 'shell' && !ownServerFails(server)) throw new DoesNotApply('No sound server is set or found for this shell, and nothing in it is known to need one.')
    if (wish.hardware && cards.capture.length > 0) throw new DoesNotApply('It opens a sound card by name, which needs no sound server.')
    const open = access.known ? access.value.open : null
    if (wish.strength !== 'shell' && alsaAlone(wish)) {
      if (!access.known) return { status: 'unknown', because: access.because, how: access.how }
      if (open !== null) throw new DoesNotApply(`It may record from /dev/snd/${open.node} by ALSA itself, which needs no sound server.`)
      if (cards.capture.length > 0 && reference === null && sessions.length === 0) throw new DoesNotApply('No sound server is set up on this machine: its way to a microphone is ALSA itself.')
    }
    pulseIsItsWay(facts)
    if (reach.kind === 'unknown' || reach.kind === 'asleep') return { status: 'unknown', because: reach.because, how: reach.how }
    const cause = causeOf(nameOf(facts.target), server, sessions)
    if (cause === null) return { status: 'unknown', because: `Whether a sound server can be reached at ${server.addresses.map(({ text }) => text).join(', ')} cannot be seen by this user.`, how: 'Run the same command as root (sudo).' }
    // A daemon started on demand, or what an X11 server says, may still be a way that is not in these files.
    const settled = wish.strength === 'asked' && !alsaAlone(wish) && (server.explicit || !(server.mayAutospawn || server.display))
    const finding: Finding = {
      severity: wish.strength === 'asked' && open === null ? 'error' : wish.strength === 'linked' ? 'info' : 'warning',
      confidence: (settled || wish.strength === 'shell') && !cause.open ? 'certain' : 'likely',
      cause: cause.cause,
      evidence: [cause.evidence[0]!, ...cause.evidence.slice(1), ...referenceEvidence(reference), ...wish.evidence.slice(0, 3), ...(reference === null ? [cards.evidence] : [])],
      refuted: refuted(cause, reference),
      fixes: fixesFor(cause, {
        server, sessions,
        unit: unit === null || wish.strength === 'shell' ? null : { name: unit.name, scope: unit.scope, protectHome: unit.properties['ProtectHome'] ?? '' },
      }),
    }
    return [finding]
  },
})

/** In a shell only what was set up and fails is a fault; root's shell has no session of its own. */
function ownServerFails(server: Immutable<ServerView>): boolean {
  if (server.reach.kind === 'asleep' || server.reach.kind === 'unknown') return false
  return server.addresses.some(({ from, state, owner }) => from === 'PULSE_SERVER' || (state === 'socket' && owner === server.uid))
}

function refuted({ fault, at }: Cause, reference: Immutable<Reference> | null): readonly Refutation[] {
  const refutations: Refutation[] = []
  if (fault === 'absent' || fault === 'no-runtime' || fault === 'foreign-runtime') {
    refutations.push({ hypothesis: 'The sound server refused the connection, as the message “Connection refused” says.', because: 'libpulse gives that message for a missing socket too, and there is none where it looks.' })
  }
  if (reference?.view.reach.kind === 'answered' && reference.view.addresses[0]?.path !== at?.path) {
    refutations.push({ hypothesis: 'The sound server is not running.', because: `${reference.view.reach.info.name} answers ${reference.whose}.` })
  }
  if (reference?.view.reach.kind === 'answered' && referenceInputs(reference) > 0) {
    refutations.push({ hypothesis: 'No microphone is connected.', because: `For ${reference.whose} there are ${counted(reference.view.reach.sources)}.` })
  }
  return refutations
}
