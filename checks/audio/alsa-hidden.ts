import { DoesNotApply, defineCheck, type Directive, type Fix, type Immutable } from '../../src/index.ts'
import { alsaAccess, alsaCards, type AlsaAccess } from '../../src/facts/audio-alsa.ts'
import { audioServer } from '../../src/facts/audio-server.ts'
import { audioWish } from '../../src/facts/audio-wish.ts'
import { container, type Container } from '../../src/facts/container.ts'
import { containerFix } from '../../src/facts/container-fix.ts'
import { context } from '../../src/facts/context.ts'
import { target } from '../../src/facts/target.ts'
import { unitState, type UnitState } from '../../src/facts/unit-state.ts'
import { nameOf } from './words.ts'

export default defineCheck({
  id: 'audio/alsa-hidden',
  title: 'The machine can record, but the service may not open its sound cards',
  docs: {
    what: 'Compares the capture devices that the kernel lists in /proc/asound with what the target may open in its own /dev/snd: missing nodes (PrivateDevices=), a device list without char-alsa (DeviceAllow=, DevicePolicy=), nodes of group audio.',
    why: 'ALSA hides the difference: `arecord -l` says “no soundcards found” both where there is no card and where the user may not open it, and libraries that list devices then show none.',
    remedy: 'Give the service the group of the nodes (SupplementaryGroups=audio), or let /dev/snd through its sandbox (DeviceAllow=char-alsa rw).',
    links: ['man:systemd.exec(5)', 'man:systemd.resource-control(5)', 'https://wiki.debian.org/SystemGroups'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { target, wish: audioWish, server: audioServer, cards: alsaCards, access: alsaAccess, unit: unitState, place: context, container },
  run({ target, wish, server, cards, access, unit, place, container }) {
    if (wish.strength === 'shell') throw new DoesNotApply('Nothing is known to record from this shell.')
    if (cards.capture.length === 0) throw new DoesNotApply(cards.cards.length === 0 ? 'The kernel lists no sound card.' : 'No sound card of this machine can record.')
    if (!wish.hardware && server.reach.kind === 'answered') throw new DoesNotApply('It reaches a sound server, which opens the sound cards in its place.')
    if (!wish.hardware && !wish.apis.includes('alsa') && wish.apis.length > 0) throw new DoesNotApply('It records by a sound server and not by ALSA itself.')
    if (!access.known) return { status: 'unknown', because: access.because, how: access.how }
    const { open, shut } = access.value
    if (open !== null || shut === null) return []
    const who = nameOf(target)
    const asked = wish.strength === 'asked' && (wish.hardware || wish.apis.includes('alsa'))
    return [
      {
        severity: asked ? 'error' : wish.strength === 'linked' ? 'info' : 'warning',
        confidence: asked ? 'certain' : 'likely',
        cause: causeOf(who, place.uid, shut, unit),
        evidence: [shut.evidence, cards.evidence, ...wish.evidence.slice(0, 3)],
        refuted: [{ hypothesis: 'There is no sound card, as “no soundcards found” says.', because: `The kernel lists ${cards.cards.map(({ id }) => id).join(', ')}.` }],
        fixes: fixesFor(shut, unit, container),
      },
    ]
  },
})

type Shut = Immutable<NonNullable<AlsaAccess['shut']>>

function causeOf(who: string, uid: number, { why, device, group }: Shut, unit: Immutable<UnitState> | null): string {
  const node = `/dev/snd/${device.node}`
  if (why === 'device-list') return `The device list of ${who} (DevicePolicy=${unit?.properties['DevicePolicy']}) leaves out the sound cards, so ${node} cannot be opened.`
  if (why === 'no-node') {
    return /^(yes|1|true)$/.test(unit?.properties['PrivateDevices'] ?? '')
      ? `${who} has a /dev of its own without sound cards (PrivateDevices=yes), so ${node} is not there for it.`
      : `The kernel has the capture device ${node.slice('/dev/snd/'.length)}, but there is no ${node} where ${who} looks.`
  }
  return `${who} runs as uid ${uid}, which may not open ${node}${group === null ? '' : `: it is for group ${group}`}.`
}

function fixesFor({ why, group }: Shut, unit: Immutable<UnitState> | null, inside: Immutable<Container> | null): readonly Fix[] {
  const inContainer = inside === null ? null : containerFix('Give the container the sound cards of the machine.', inside.engine, { devices: ['/dev/snd'], ...(group === null ? {} : { groups: [group] }) })
  if (inContainer !== null) return [inContainer]
  if (unit === null) {
    const title = why === 'mode' ? `Put the user into group ${group ?? 'audio'} and start the program from a new login.` : 'Give the program the /dev/snd of the machine (in a container: --device /dev/snd).'
    return [{ title, safety: 'manual', edits: [], then: why === 'mode' ? [`usermod -aG ${group ?? 'audio'} USER`] : [] }]
  }
  const call = unit.scope === 'user' ? 'systemctl --user' : 'systemctl'
  const then = [`${call} daemon-reload`, `${call} restart ${unit.name}`]
  const fix = (title: string, ...set: readonly (readonly [string, string])[]): Fix => ({
    title, safety: 'safe', then,
    edits: [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set: set.map(([key, value]): Directive => ({ section: 'Service', key, value })) }],
  })
  if (why === 'mode' && unit.scope === 'user') {
    // A user's manager cannot add groups that the user has not.
    return [{ title: `Put the user into group ${group ?? 'audio'}.`, safety: 'manual', edits: [], then: [`usermod -aG ${group ?? 'audio'} USER`, 'Log out everywhere, or restart user@UID.service'] }]
  }
  if (why === 'mode') return [fix(`Give ${unit.name} the group ${group ?? 'audio'}.`, ['SupplementaryGroups', group ?? 'audio'])]
  if (/^(yes|1|true)$/.test(unit.properties['PrivateDevices'] ?? '')) {
    return [fix(`Show ${unit.name} the devices, and of them allow the sound cards.`, ['PrivateDevices', 'no'], ['DevicePolicy', 'closed'], ['DeviceAllow', 'char-alsa rw'])]
  }
  return [fix(`Allow ${unit.name} the sound cards.`, ['DeviceAllow', 'char-alsa rw'])]
}
