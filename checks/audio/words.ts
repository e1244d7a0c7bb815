import { CannotSee, DoesNotApply, type Evidence, type Immutable, type Target } from '../../src/index.ts'
import type { AlsaCards } from '../../src/facts/audio-alsa.ts'
import type { AudioSession, Reference } from '../../src/facts/audio-server.ts'
import type { AudioWish } from '../../src/facts/audio-wish.ts'
import type { ServerView } from '../../src/audio/server-view.ts'
import { counted, inputsOf, monitorsOf, type Source } from '../../src/audio/sources.ts'

export interface Facts {
  readonly wish: AudioWish
  readonly server: ServerView
  readonly reference: Reference | null
  readonly sessions: readonly AudioSession[]
  readonly cards: AlsaCards
}

/** The target as it stands in a sentence. */
export const nameOf = (target: Immutable<Target>): string => (target.kind === 'unit' ? target.name : target.kind === 'pid' ? `process ${target.pid}` : 'this shell')

export const person = ({ uid, user }: { readonly uid: number; readonly user: string | null }): string => (user === null ? `uid ${uid}` : `${user} (uid ${uid})`)

/** “2 inputs and 2 monitors: a, b; c.monitor, d.monitor”. */
export const listed = (sources: readonly Source[]): string =>
  sources.length === 0 ? 'no source at all' : `${counted(sources)}: ${[...inputsOf(sources), ...monitorsOf(sources)].map(({ name }) => name).join(', ')}`

/**
 * A hint alone, on a machine without any sound card, session or server, is a machine that is sent its audio: many packages
 * bring libasound along, and many units name group audio in advance.
 */
export function needsSound({ wish, server, reference, sessions, cards }: Immutable<Facts>): void {
  const nowhere = cards.capture.length === 0 && sessions.length === 0 && !server.pipewire && reference === null && server.addresses.every(({ state }) => state === 'absent')
  if ((wish.strength === 'hinted' || wish.strength === 'linked') && nowhere) {
    throw new DoesNotApply('Its libraries or its unit have to do with sound, but this machine has no sound card and no sound server, and nothing else points to a microphone.')
  }
}

/** It may go to ALSA by itself: nothing shows that it needs a sound server. */
export const alsaAlone = ({ apis }: { readonly apis: readonly string[] }): boolean => !apis.includes('pulse') && !apis.includes('pipewire')

/** A native client of PipeWire needs no pipewire-pulse, and its own socket speaks a protocol that no pactl knows. */
export function pulseIsItsWay({ wish, server }: Immutable<Pick<Facts, 'wish' | 'server'>>): void {
  if (server.pipewire && !wish.apis.includes('pulse') && wish.strength !== 'shell' && (server.reach.kind === 'refused' || server.reach.kind === 'denied')) {
    throw new CannotSee('It may reach PipeWire by its own socket, which this check cannot ask.', 'Run wpctl status as its user in its environment.')
  }
}

export const referenceEvidence = (reference: Immutable<Reference> | null): readonly Evidence[] =>
  reference?.view.reach.kind === 'answered' ? [{ source: reference.view.reach.source, saw: `${reference.whose}: ${listed(reference.view.reach.sources)}` }] : []

export const referenceInputs = (reference: Immutable<Reference> | null): number =>
  reference?.view.reach.kind === 'answered' ? inputsOf(reference.view.reach.sources).length : 0
