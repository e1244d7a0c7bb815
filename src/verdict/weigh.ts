/** The state of every hypothesis that the signs speak of, and the symptoms they are asked for. */
import type { Evidence, Hypothesis } from '../types.ts'
import { HYPOTHESES, type HypothesisRow, type Symptom } from './hypotheses.ts'
import { evidenceOf, seenIn, slowest, type Seen, type Signs } from './signs.ts'

/**
 * Our own measure, without a source: a GPU that is asked for is expected to work at least three times as fast as the audio
 * runs. Below it the question is worth asking; it is no fault by itself.
 */
const EXPECTED_RTF = 1 / 3

export function symptomsOf(signs: Signs): ReadonlySet<Symptom> {
  const has = (...ids: string[]) => seenIn(signs, ({ id }) => ids.includes(id)).length > 0
  const symptoms = new Set<Symptom>()
  const speed = slowest(signs)
  if ((speed !== null && speed.rtf > EXPECTED_RTF) || has('accelerate-offloaded', 'ort-fallback-mode')) symptoms.add('slow')
  if (seenIn(signs, ({ shows }) => shows === 'cpu').length > 0 || has('ort-provider-unloadable', 'ort-cuda-not-created', 'ct2-library-missing', 'torch-no-driver', 'torch-no-gpus', 'torch-cpu-wheel', 'cuda-driver-insufficient')) symptoms.add('on-cpu')
  if (has('zero-tokens')) symptoms.add('empty-text')
  if (has('systemd-main-exited', 'exit-code', 'systemd-oom', 'kernel-oom', 'systemd-repeated')) symptoms.add('dies')
  if (has('pulse-refused', 'alsa-unknown-pcm')) symptoms.add('no-microphone')
  return symptoms
}

export function weighed(signs: Signs): readonly Hypothesis[] {
  const symptoms = symptomsOf(signs)
  const states = HYPOTHESES.flatMap((row) => stateOf(row, signs, symptoms) ?? [])
  const order = ['confirmed', 'undetermined', 'refuted'] as const
  return [...states].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
}

function stateOf(row: HypothesisRow, signs: Signs, symptoms: ReadonlySet<Symptom>): Hypothesis | null {
  const { id, claim } = row
  const findings = (row.foundBy ?? []).flatMap((check) => {
    const outcome = signs.outcomes.get(check)
    return outcome?.status === 'found' ? outcome.findings : []
  })
  // A finding that leaves another reading is a reason to ask, not yet an answer.
  const [found, likely] = [true, false].map((certain) => findings.filter(({ confidence }) => (confidence === 'certain') === certain).flatMap(({ evidence }) => evidence.slice(0, 1))) as [Evidence[], Evidence[]]
  const speaking = seenIn(signs, ({ confirms, refutes }) => confirms.includes(id) || refutes.includes(id))
  const standing = lastWord(speaking, id)
  const own = row.confirmed?.(signs) ?? []
  const all = [...evidenceOf(standing.confirms), ...own, ...found]
  const confirming = all.filter(({ source, saw }, at) => all.findIndex((each) => each.source === source && each.saw === saw) === at)
  const against = row.refuted?.(signs) ?? null
  if (confirming.length > 0 && (standing.refutes.length === 0 || own.length + found.length > 0)) return { id, claim, state: 'confirmed', evidence: confirming.slice(0, 4) }
  if (confirming.length === 0 && (standing.refutes.length > 0 || against !== null)) {
    const because = standing.refutes.length > 0 ? (row.whyRefuted ?? standing.refutes[0]!.signature.meaning) : against!.because
    return { id, claim, state: 'refuted', evidence: standing.refutes.length > 0 ? evidenceOf(standing.refutes, 2) : against!.evidence, because }
  }
  const grounds = [...likely, ...(row.grounds?.(signs) ?? [])]
  const asked = row.symptoms.some((symptom) => symptoms.has(symptom))
  if (confirming.length > 0 || likely.length > 0 || (grounds.length > 0 && (asked || row.symptoms.length === 0)) || (asked && row.always)) {
    const means = grounds.length > 0 ? row.means?.(signs) : null
    return { id, claim, state: 'undetermined', evidence: [...confirming, ...grounds].slice(0, 3), ...(means ? { because: means } : {}), decideBy: row.decideBy(signs) }
  }
  return null
}

/** In each log the later line holds: a service that failed, was mended and started again has mended logs behind broken ones. */
function lastWord(speaking: readonly Seen[], id: string): { readonly confirms: readonly Seen[]; readonly refutes: readonly Seen[] } {
  const says = (seen: Seen) => (seen.signature.confirms.includes(id) ? 'confirms' : 'refutes')
  const holding = [...new Set(speaking.map(({ log }) => log))].flatMap((log) => {
    const here = speaking.filter((seen) => seen.log === log)
    const last = here.reduce((a, b) => (b.hit.line >= a.hit.line ? b : a))
    return here.filter((seen) => says(seen) === says(last))
  })
  return { confirms: holding.filter((seen) => says(seen) === 'confirms'), refutes: holding.filter((seen) => says(seen) === 'refutes') }
}
