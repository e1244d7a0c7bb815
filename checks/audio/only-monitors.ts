import { DoesNotApply, defineCheck, type Finding, type Fix, type Immutable } from '../../src/index.ts'
import { alsaAccess, alsaCards } from '../../src/facts/audio-alsa.ts'
import { audioReference, audioServer, audioSessions } from '../../src/facts/audio-server.ts'
import { audioWish } from '../../src/facts/audio-wish.ts'
import { context } from '../../src/facts/context.ts'
import { target } from '../../src/facts/target.ts'
import { unitState } from '../../src/facts/unit-state.ts'
import { inputsOf, type Source } from '../../src/audio/sources.ts'
import { alsaAlone, listed, nameOf, needsSound, pulseIsItsWay } from './words.ts'

export default defineCheck({
  id: 'audio/only-monitors',
  title: 'The sound server gives the service no microphone, only monitors of outputs',
  docs: {
    what: 'Looks at the sources that the sound server offers the target, and at the one it takes by default. A monitor is what an output plays, recorded: silence, or the sound of the desktop.',
    why: 'A recording from a monitor looks like any other. The recogniser then gets silence or music, and answers with nothing or with invented text.',
    remedy: 'Connect a microphone, switch its card to a profile with an input, or make the real input the default source.',
    links: ['https://www.freedesktop.org/wiki/Software/PulseAudio/FAQ/', 'man:pactl(1)'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, wish: audioWish, server: audioServer, reference: audioReference, sessions: audioSessions, cards: alsaCards, access: alsaAccess, unit: unitState, place: context },
  run(facts) {
    const { wish, server, access, unit, place } = facts
    needsSound(facts)
    if (wish.strength === 'shell') throw new DoesNotApply('Nothing is known to record from this shell.')
    const { reach } = server
    pulseIsItsWay(facts)
    if (reach.kind === 'refused' || reach.kind === 'denied') throw new DoesNotApply('It reaches no sound server that could offer it a monitor.')
    if (wish.hardware) throw new DoesNotApply('It opens a sound card by name and takes no source of a sound server.')
    if (alsaAlone(wish) && access.known && access.value.open !== null) throw new DoesNotApply(`It may record from /dev/snd/${access.value.open.node} by ALSA itself.`)
    if (reach.kind === 'silent') return { status: 'unknown', because: 'The sound server does not answer, so its sources are not known.', how: 'See audio/server-unreachable.' }
    if (reach.kind !== 'answered') return { status: 'unknown', because: reach.because, how: reach.how }
    const { sources, info, source, infoSource } = reach
    const inputs = inputsOf(sources)
    const who = nameOf(facts.target)
    const severity = wish.strength === 'asked' ? 'error' : wish.strength === 'linked' ? 'info' : 'warning'
    const confidence = wish.strength === 'asked' ? 'certain' : 'likely'
    if (inputs.length === 0) {
      const [only] = sources
      const what = sources.length === 0 ? 'no source at all' : sources.length === 1 ? `no input, only the monitor ${only!.name}` : `no input, only ${sources.length} monitors of outputs`
      return [
        {
          severity, confidence,
          cause: `The sound server of ${who} (${info.name}) has ${what}, so ${sources.length === 0 ? 'there is nothing to record from' : 'a recording holds silence or what the machine plays'}.`,
          evidence: [{ source, saw: listed(sources) }, facts.cards.evidence, ...wish.evidence.slice(0, 2)],
          refuted: [{ hypothesis: 'The sound server cannot be reached.', because: `${info.name} answers ${who}.` }],
          fixes: [{ title: 'Connect a microphone, or switch its card to a profile that has an input.', safety: 'manual', edits: [], then: ['pactl list cards   (look for profiles with input:)', 'pactl set-card-profile CARD PROFILE'] }],
        },
      ]
    }
    const chosen = place.env.known ? (place.env.value['PULSE_SOURCE'] ?? null) : null
    const taken = chosen ?? info.defaultSource
    const taking = sources.find(({ name }) => name === taken)
    if (taking === undefined || !taking.monitor) return []
    // A source named on the command line is taken whatever the default.
    if (place.argv.some((arg) => inputs.some(({ name }) => arg.includes(name)))) return []
    const finding: Finding = {
      severity: 'warning',
      confidence: 'likely',
      cause: `${chosen === null ? `The default source of the sound server of ${who}` : `The source that PULSE_SOURCE names for ${who}`} is ${taking.name}, the monitor of an output, while there ${inputs.length === 1 ? 'is 1 input' : `are ${inputs.length} inputs`}.`,
      evidence: [{ source: chosen === null ? infoSource : place.envSource, saw: `${chosen === null ? 'default source' : 'PULSE_SOURCE'}: ${taking.name}` }, { source, saw: listed(sources) }],
      refuted: [{ hypothesis: 'No microphone is connected.', because: `The server lists ${inputs.map(({ name }) => name).join(' and ')}.` }],
      fixes: fixes(inputs, chosen !== null, unit),
    }
    return [finding]
  },
})

function fixes(inputs: readonly Immutable<Source>[], chosen: boolean, unit: Immutable<{ name: string; scope: 'system' | 'user' }> | null): readonly Fix[] {
  const [input] = inputs
  const one: Fix[] =
    inputs.length === 1 && unit !== null
      ? [{
          title: `Let ${unit.name} record from ${input!.name}.`, safety: 'safe',
          edits: [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set: [{ section: 'Service', key: 'Environment', value: `PULSE_SOURCE=${input!.name}` }] }],
          then: [`systemctl ${unit.scope === 'user' ? '--user ' : ''}restart ${unit.name}`],
        }]
      : []
  const set: Fix = { title: 'Make the microphone the default source of that session.', safety: 'manual', edits: [], then: inputs.map(({ name }) => `pactl set-default-source ${name}`) }
  return chosen && one.length > 0 ? one : [...one, set]
}
