import { CannotSee, known } from '../cannot-see.ts'
import { question } from '../question.ts'
import { captureDevicesOf, cardsOf, soundAllowed, type CaptureDevice, type Card } from '../audio/alsa.ts'
import { nameOf } from '../audio/passwd.ts'
import { quietEnv } from '../audio/place.ts'
import type { Evidence, Fact, Host, Known } from '../types.ts'
import { audioWish } from './audio-wish.ts'
import { context, type Context } from './context.ts'
import { unitState } from './unit-state.ts'

/** What the kernel has to record with. */
export interface AlsaCards {
  readonly cards: readonly Card[]
  readonly capture: readonly CaptureDevice[]
  readonly evidence: Evidence
}

/** Of this machine, whoever asks. No driver, no cards and cards that only play are all an empty list of capture devices. */
export const alsaCards: Fact<AlsaCards> = {
  id: 'alsa-cards',
  about: 'the sound cards the kernel knows',
  gather: async (host, use) => {
    await use(audioWish)
    const [cards, pcm] = await Promise.all([host.read('/proc/asound/cards'), host.read('/proc/asound/pcm')])
    const capture = captureDevicesOf(pcm ?? '')
    const evidence =
      cards === null ? { source: question.read('/proc/asound/cards'), saw: 'absent' }
      : capture.length === 0 ? { source: question.read('/proc/asound/cards'), saw: cards.trim().split('\n')[0] ?? '' }
      : { source: question.read('/proc/asound/pcm'), saw: (pcm ?? '').split('\n').find((line) => line.includes(': capture ')) ?? '' }
    return { cards: cardsOf(cards ?? ''), capture, evidence }
  },
}

export interface AlsaAccess {
  /** The first capture device that the target may open by its node; null = none. */
  readonly open: CaptureDevice | null
  /** Why not, for the first one that is shut. */
  readonly shut: { readonly why: 'no-node' | 'mode' | 'device-list'; readonly device: CaptureDevice; readonly group: string | null; readonly evidence: Evidence } | null
}

/** Whether the target's user in its mount namespace may open the capture devices. Not whether another program holds them. */
export const alsaAccess: Fact<Known<AlsaAccess>> = {
  id: 'alsa-access',
  about: 'which capture devices the target may open',
  gather: async (host, use) => {
    const [{ capture }, place, unit] = await Promise.all([use(alsaCards), use(context), use(unitState)])
    if (capture.length === 0) return { known: true, value: { open: null, shut: null } }
    // A user's manager cannot apply a device list.
    if (unit !== null && unit.scope === 'system' && !soundAllowed(unit.properties['DevicePolicy'] ?? '', unit.properties['DeviceAllow'] ?? '')) {
      const evidence = { source: unit.source, saw: `DevicePolicy=${unit.properties['DevicePolicy']} PrivateDevices=${unit.properties['PrivateDevices']}` }
      return { known: true, value: { open: null, shut: { why: 'device-list', device: capture[0]!, group: null, evidence } } }
    }
    return known(accessTo(host, place, capture.slice(0, 8)))
  },
}

async function accessTo(host: Host, place: Context, capture: readonly CaptureDevice[]): Promise<AlsaAccess> {
  let shut: AlsaAccess['shut'] = null
  for (const device of capture) {
    const path = `/dev/snd/${device.node}`
    const stat = await host.stat(`${place.root}${path}`)
    if (stat === null) {
      shut ??= { why: 'no-node', device, group: null, evidence: { source: question.stat(`${place.root}${path}`), saw: 'absent' } }
      continue
    }
    // access(2) in the target's place counts the lists that a login session puts on these nodes; mode bits do not.
    const options = { as: { name: place.origin === 'caller' ? 'caller' : 'service', env: quietEnv(null), uid: place.uid, gid: place.gid, groups: place.groups, namespaceOf: place.namespaceOf, cwd: '/' } }
    const tried = await host.run('test', ['-r', path], options)
    if (tried?.code === 0) return { open: device, shut: null }
    if (tried?.code !== 1) throw new CannotSee(`Whether the target may open ${path} could not be tried (test(1): ${tried?.stderr.trim() ?? 'not there'}).`)
    const group = nameOf(await host.read('/etc/group'), stat.gid)
    const saw = `exit 1; mode ${stat.mode.toString(8)}, group ${group ?? stat.gid}`
    shut ??= { why: 'mode', device, group, evidence: { source: question.run('test', ['-r', path], options), saw } }
  }
  return { open: null, shut }
}
