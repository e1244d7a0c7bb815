/** What the times of first and later runs tell: of the first work of a process, and of inputs of a new shape. */
import { episodesOf, SAMPLE_RATE, type Episode } from '../log/timeline.ts'
import type { ShapeRuns } from '../profile/types.ts'
import type { Evidence } from '../types.ts'
import { ms, shapeInWords } from './by-profile.ts'
import type { ReadLog, Signs } from './signs.ts'

export interface Told {
  readonly evidence: readonly Evidence[]
  readonly because: string
}

/** So many times as long as later ones is slow, and below the other it is not. What lies between decides nothing. Our own measure. */
const SLOW = 3
const EVEN = 1.5
/** Less than this is no matter, whatever its multiple. */
const NOTABLE_US = 100_000
const NOTABLE_LOG_US = 1_000_000

/**
 * Whether the first work of a process was the slow one. A log tells it where one transcription stands beside two later ones at
 * least; a profile, where the shape that came first was run again.
 */
export const firstOfAll = ({ logs, profiles }: Pick<Signs, 'logs' | 'profiles'>): (Told & { readonly slow: boolean }) | null => {
  for (const log of logs) {
    const told = ofLog(log)
    if (told !== null) return told
  }
  for (const { asked, reading } of profiles) {
    const [first] = reading.shapes
    if (first === undefined || first.laterUs === null) continue
    const slow = isSlow(first)
    if (slow === null) continue
    return { slow, evidence: [evidenceOf(asked, first)], because: slow ? 'Only the first run was slow.' : 'The first run took no longer than those behind it.' }
  }
  return null
}

function ofLog({ asked, reading }: ReadLog): (Told & { readonly slow: boolean }) | null {
  const timed = episodesOf(reading).flatMap((episode) => (episode.samples && episode.totalMs !== null ? [{ episode, rtf: episode.totalMs / 1000 / (episode.samples / SAMPLE_RATE) }] : []))
  const [first, ...later] = timed
  if (first === undefined || later.length < 2) return null
  const usual = [...later].sort((a, b) => a.rtf - b.rtf)[Math.floor(later.length / 2)]!
  const ratio = first.rtf / usual.rtf
  const extraUs = (first.rtf - usual.rtf) * (first.episode.samples! / SAMPLE_RATE) * 1e6
  const alone = ratio >= SLOW && extraUs >= NOTABLE_LOG_US && later.every(({ rtf }) => rtf * EVEN < first.rtf)
  if (!alone && ratio > EVEN) return null
  const saw = ({ episode, rtf }: (typeof timed)[number]): Evidence => ({ source: `${asked}:${episode.lines[0]}`, saw: `${inSeconds(episode)}, RTF ${rtf.toFixed(2)}` })
  return alone
    ? { slow: true, evidence: [saw(first), saw(usual)], because: 'Only the first transcription was slow.' }
    : { slow: false, evidence: [saw(first), saw(usual)], because: `Those behind it are as slow as the first in the log: RTF ${usual.rtf.toFixed(2)} after ${first.rtf.toFixed(2)}.` }
}

const inSeconds = ({ totalMs, samples }: Episode): string => `${(totalMs! / 1000).toFixed(1)} s for ${(samples! / SAMPLE_RATE).toFixed(0)} s of audio`
const isSlow = ({ firstUs, laterUs }: ShapeRuns): boolean | null => (firstUs >= laterUs! * SLOW && firstUs - laterUs! >= NOTABLE_US ? true : firstUs <= laterUs! * EVEN ? false : null)
const evidenceOf = (source: string, { shape, runs, firstUs, laterUs }: ShapeRuns): Evidence => ({ source, saw: `${shapeInWords(shape)}: first run ${ms(firstUs)}, the ${runs - 1} behind it ${ms(laterUs!)}` })

/** Shapes that came when the process was warm, and were run again. */
const newShapes = ({ profiles }: Pick<Signs, 'profiles'>) => profiles.flatMap(({ asked, reading }) => reading.shapes.slice(1).filter(({ laterUs }) => laterUs !== null).map((each) => ({ asked, each, slow: isSlow(each) })))

/** Each new shape is slow once. That is what a search for algorithms looks like; memory that grows looks so as well. */
export function anewForEachShape(signs: Pick<Signs, 'profiles'>): Told | null {
  const slow = newShapes(signs).filter((each) => each.slow === true)
  return slow.length < 2 ? null : { evidence: slow.slice(0, 2).map(({ asked, each }) => evidenceOf(asked, each)), because: 'Each new length is slow once, as it is with a search; why, the times do not tell.' }
}

/** A shape that was new to a warm process, and no slower than when it came again, was not searched for. */
export function onceForEachShape(signs: Pick<Signs, 'profiles'>): Told | null {
  const all = newShapes(signs)
  return all.length === 0 || all.some(({ slow }) => slow !== false) ? null : { evidence: all.slice(0, 2).map(({ asked, each }) => evidenceOf(asked, each)), because: 'The first run with a new length took no longer than those behind it.' }
}
