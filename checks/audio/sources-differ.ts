import { DoesNotApply, defineCheck, type Finding, type Fix, type Immutable, type Refutation } from '../../src/index.ts'
import { alsaAccess, alsaCards } from '../../src/facts/audio-alsa.ts'
import { audioReference, audioServer, audioSessions, type Reference } from '../../src/facts/audio-server.ts'
import { audioWish } from '../../src/facts/audio-wish.ts'
import { target } from '../../src/facts/target.ts'
import { unitState } from '../../src/facts/unit-state.ts'
import type { ServerView } from '../../src/audio/server-view.ts'
import { counted, inputsOf, monitorsOf } from '../../src/audio/sources.ts'
import { alsaAlone, listed, nameOf, needsSound, pulseIsItsWay } from './words.ts'

export default defineCheck({
  id: 'audio/sources-differ',
  title: 'The service is offered other audio sources than the shell',
  docs: {
    what: 'Sets the sources that the sound server gives the target beside those that the shell gets, inputs and monitors counted apart, and says why the lists are not the same: another server, or ALSA names on one side and the sources of a sound server on the other.',
    why: '“Four devices in the terminal, one in the service” may be no fault at all: PulseAudio lists a monitor for every output, which is no microphone, and ALSA lists cards, not sources.',
    remedy: 'Point the service to the server of the session, or choose its device by the name that its own interface uses.',
    links: ['man:pulse-client.conf(5)', 'https://github.com/RustAudio/cpal/issues/1133'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, wish: audioWish, server: audioServer, reference: audioReference, sessions: audioSessions, cards: alsaCards, access: alsaAccess, unit: unitState },
  run(facts) {
    const { wish, server, reference, access, unit } = facts
    needsSound(facts)
    if (wish.strength === 'shell') throw new DoesNotApply('The target is the shell itself.')
    const who = nameOf(facts.target)
    const byAlsa = alsaAlone(wish) && access.known && access.value.open !== null
    if (byAlsa || wish.hardware) {
      if (reference?.view.reach.kind !== 'answered' || server.reach.kind === 'answered' || facts.cards.capture.length === 0) {
        throw new DoesNotApply('It records by ALSA itself, whose devices are no sources of a sound server.')
      }
      return [alsaBeside(who, facts, reference)]
    }
    const { reach } = server
    pulseIsItsWay(facts)
    if (reach.kind === 'refused' || reach.kind === 'denied') throw new DoesNotApply('It reaches no sound server, so it has no sources to compare.')
    if (reach.kind === 'silent') return { status: 'unknown', because: 'The sound server does not answer, so its sources are not known.', how: 'See audio/server-unreachable.' }
    if (reach.kind !== 'answered') return { status: 'unknown', because: reach.because, how: reach.how }
    if (reference?.view.reach.kind !== 'answered') throw new DoesNotApply('Neither the shell nor any session that may be looked into has a sound server to compare with.')
    const theirs = reference.view.reach.sources
    const missed = inputsOf(theirs).filter(({ name }) => !reach.sources.some((each) => each.name === name))
    if (missed.length === 0) return []
    const [mine, other] = [server.addresses.find(({ state }) => state !== 'absent'), reference.view.addresses.find(({ state }) => state !== 'absent')]
    const why = mine?.text === other?.text ? 'the same server does not offer it the same sources' : `it uses ${mine?.text}${mine?.from === 'PULSE_SERVER' ? ' (PULSE_SERVER)' : ''} and not ${other?.text}`
    const finding: Finding = {
      // A server of its own with its own microphone may well be meant so.
      severity: inputsOf(reach.sources).length > 0 ? 'info' : 'warning',
      confidence: 'certain',
      cause: `${who} is offered ${counted(reach.sources)}, ${reference.whose} ${counted(theirs)}: ${why}.`,
      evidence: [{ source: reach.source, saw: `${who}: ${listed(reach.sources)}` }, { source: reference.view.reach.source, saw: `${reference.whose}: ${listed(theirs)}` }, ...(mine ? [mine.evidence] : [])],
      refuted: monitorsRefuted(theirs.length, monitorsOf(theirs).length),
      fixes: toServer(unit, server, reference),
    }
    return [finding]
  },
})

type Needed = { readonly cards: Immutable<{ capture: readonly { card: number; device: number }[]; cards: readonly { index: number; id: string }[]; evidence: { source: string; saw: string } }>; readonly wish: Immutable<{ evidence: readonly { source: string; saw: string }[] }> }

/** One program that lists ALSA names, beside a shell that lists the sources of a server: no fault, and often taken for one. */
function alsaBeside(who: string, { cards, wish }: Needed, reference: Immutable<Reference>): Finding {
  const { reach } = reference.view
  const sources = reach.kind === 'answered' ? reach.sources : []
  const names = cards.capture.map(({ card, device }) => `hw:CARD=${cards.cards.find(({ index }) => index === card)?.id ?? card},DEV=${device}`)
  return {
    severity: 'info',
    confidence: 'likely',
    cause: `${who} records by ALSA, which has ${names.length === 1 ? 'the 1 capture device' : `the ${names.length} capture devices`} ${names.join(', ')}; ${reference.whose} asks a sound server, which has ${counted(sources)}: the two lists count different things.`,
    evidence: [cards.evidence, ...(reach.kind === 'answered' ? [{ source: reach.source, saw: listed(sources) }] : []), ...wish.evidence.slice(0, 2)],
    refuted: [
      { hypothesis: 'A missing PULSE_SERVER hides ALSA devices.', because: 'PULSE_SERVER does not change which cards ALSA lists; it only names a sound server, and ALSA’s own “default” and “pulse” devices lead there.' },
      ...monitorsRefuted(sources.length, monitorsOf(sources).length),
    ],
    fixes: [{ title: 'If it is to record from the sound server, let it open the ALSA device “pulse”, “pipewire” or “default” in a session that has the server.', safety: 'manual', edits: [], then: [] }],
  }
}

const monitorsRefuted = (all: number, monitors: number): readonly Refutation[] =>
  monitors === 0 ? [] : [{ hypothesis: `There are ${all} microphones in the shell.`, because: `${monitors} of the ${all} sources ${monitors === 1 ? 'is a monitor' : 'are monitors'}: they play back an output.` }]

function toServer(unit: Immutable<{ name: string; scope: 'system' | 'user' }> | null, server: Immutable<ServerView>, reference: Immutable<Reference>): readonly Fix[] {
  const path = reference.view.addresses.find(({ state }) => state === 'socket')?.path
  if (unit === null || path == null || reference.view.uid !== server.uid) {
    return [{ title: `If the microphone of ${reference.whose} is meant, run the program in that session, as a user unit.`, safety: 'manual', edits: [], then: [] }]
  }
  const call = unit.scope === 'user' ? 'systemctl --user' : 'systemctl'
  return [
    {
      title: `Point ${unit.name} to the sound server of ${reference.whose}, if its microphone is meant.`, safety: 'risky',
      edits: [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set: [{ section: 'Service', key: 'Environment', value: `PULSE_SERVER=unix:${path}` }] }],
      then: [`${call} daemon-reload`, `${call} restart ${unit.name}`],
    },
  ]
}
