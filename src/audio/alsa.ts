/** A sound card as the kernel counts them, /proc/asound/cards. */
export interface Card {
  readonly index: number
  /** What follows CARD= in the name of an ALSA device. */
  readonly id: string
  readonly name: string
}

/** ` 0 [Generic        ]: HDA-Intel - HD-Audio Generic`; without cards `--- no soundcards ---`. */
export const cardsOf = (text: string): readonly Card[] =>
  text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+\[(\S+)\s*\]:\s*(.*)$/.exec(line)
    return match ? [{ index: Number(match[1]), id: match[2]!, name: match[3]! }] : []
  })

/** A device that can record: one line of /proc/asound/pcm that says `capture`. */
export interface CaptureDevice {
  readonly card: number
  readonly device: number
  /** Its node below /dev/snd. */
  readonly node: string
}

/** `00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1`. */
export const captureDevicesOf = (pcm: string): readonly CaptureDevice[] =>
  pcm.split('\n').flatMap((line) => {
    const match = /^(\d+)-(\d+):.*: capture \d+/.exec(line)
    if (!match) return []
    const [card, device] = [Number(match[1]), Number(match[2])]
    return [{ card, device, node: `pcmC${card}D${device}c` }]
  })

/**
 * Whether a unit's device list lets /dev/snd through: systemd.resource-control(5), DevicePolicy= and DeviceAllow=. With
 * `auto` every device is open until one is listed. A group may be a pattern, `char-*` or `char-alsa`.
 */
export function soundAllowed(policy: string, allow: string): boolean {
  const entries = allow.split(/\n/).map((line) => line.trim()).filter(Boolean)
  if (policy !== 'closed' && policy !== 'strict' && entries.length === 0) return true
  return entries.some((entry) => {
    const [what = '', how = 'rwm'] = entry.split(/\s+/)
    if (!how.includes('r') || !how.includes('w')) return false
    if (what.startsWith('/dev/snd')) return true
    if (!what.startsWith('char-')) return false
    const pattern = what.slice('char-'.length).replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')
    return new RegExp(`^${pattern}$`).test('alsa')
  })
}
