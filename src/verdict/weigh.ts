/** The state of every hypothesis that the signs speak of, and the symptoms they are asked for. */
import { WANTED_RTF } from '../probe/limits.ts'
import type { Signature } from '../log/types.ts'
import type { Evidence, Finding, Hypothesis } from '../types.ts'
import { holds } from './by-probe.ts'
import type { Told } from './first-runs.ts'
import { HYPOTHESES, type HypothesisRow, type Symptom } from './hypotheses.ts'
import { engineOf, readingOf } from './readings.ts'
import { evidenceOf, seenIn, slowest, type Seen, type Signs } from './signs.ts'
import { foreign, standing, superseded, together } from './standing.ts'

export function symptomsOf(signs: Signs): ReadonlySet<Symptom> {
  const speed = slowest(signs)
  const told = seenIn(signs, () => true).filter((each) => !foreign(signs, each)).flatMap(({ signature }): readonly Symptom[] => {
    const { symptom } = readingOf(signature)
    return [...(signature.shows === 'cpu' ? ['on-cpu' as const] : []), ...(symptom === undefined ? [] : [symptom])]
  })
  return new Set<Symptom>([...(speed !== null && speed.rtf > WANTED_RTF ? ['slow' as const] : []), ...told, ...ofEndpoint(signs)])
}

function ofEndpoint({ endpoint, asks }: Signs): readonly Symptom[] {
  if (endpoint === undefined) return []
  const { answers, verdict } = endpoint
  const wanted = asks?.asks === 'gpu'
  // Of a service that has nothing to do with a GPU the speed of one is not expected.
  const wantsSpeed = wanted || (verdict.tier !== null && verdict.onGpu !== false)
  return [...(wantsSpeed && (answers.rtf ?? 0) > WANTED_RTF ? ['slow' as const] : []), ...(wanted && verdict.onGpu === false ? ['on-cpu' as const] : []), ...(answers.empty > 0 ? ['empty-text' as const] : [])]
}

export function weighed(signs: Signs): readonly Hypothesis[] {
  const symptoms = symptomsOf(signs)
  const states = HYPOTHESES.flatMap((row) => stateOf(row, signs, symptoms) ?? [])
  const order = ['confirmed', 'undetermined', 'refuted'] as const
  return [...states].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
}

function stateOf(row: HypothesisRow, signs: Signs, symptoms: ReadonlySet<Symptom>): Hypothesis | null {
  const { id, claim } = row
  const findings = findingsOf(signs, row.foundBy)
  // A finding that leaves another reading is a reason to ask, not yet an answer.
  const [found, likely] = [true, false].map((certain) => findings.filter(({ confidence }) => (confidence === 'certain') === certain).flatMap(({ evidence }) => evidence.slice(0, 1))) as [Evidence[], Evidence[]]
  const said = lastWord(speaking(signs, id), id)
  const copied = said.confirms.filter((each) => each.hit.unsure === true || ofCopyOnly(signs, each))
  const standing = { ...said, confirms: said.confirms.filter((each) => !copied.includes(each)) }
  const own = row.confirmed?.(signs) ?? []
  const all = [...evidenceOf(standing.confirms), ...own, ...found]
  const confirming = all.filter(({ source, saw }, at) => all.findIndex((each) => each.source === source && each.saw === saw) === at)
  if (confirming.length > 0 && (standing.refutes.length === 0 || own.length + found.length > 0)) return { id, claim, state: 'confirmed', evidence: confirming.slice(0, 4) }
  const possible = row.possible?.(signs) ?? true
  const asked = possible && row.symptoms.some((symptom) => symptoms.has(symptom))
  const hints = [...likely, ...evidenceOf(copied)]
  const grounds = [...hints, ...findingsOf(signs, row.hintedBy).flatMap(({ evidence }) => evidence.slice(0, 1)), ...(row.grounds?.(signs) ?? [])]
  if (confirming.length === 0 && standing.refutes.length > 0 && !ofAnother(signs, id, standing.refutes)) return { id, claim, state: 'refuted', evidence: evidenceOf(standing.refutes, 2), because: row.whyRefuted ?? standing.refutes[0]!.signature.meaning }
  // What nothing speaks for needs no refutation, unless somebody would ask for it.
  const against = row.refuted?.(signs) ?? (asked || grounds.length > 0 ? (row.answered?.(signs) ?? byProvider(row, signs) ?? byCheck(row, signs)) : null)
  if (confirming.length === 0 && hints.length === 0 && against !== null) return { id, claim, state: 'refuted', ...against }
  if (confirming.length > 0 || hints.length > 0 || (grounds.length > 0 && (asked || row.symptoms.length === 0)) || (asked && row.always)) {
    const means = grounds.length > 0 ? row.means?.(signs) : null
    return { id, claim, state: 'undetermined', evidence: [...confirming, ...grounds].filter(({ source, saw }, at, all) => all.findIndex((each) => each.source === source && each.saw === saw) === at).slice(0, 3), ...(means ? { because: means } : {}), decideBy: (likely.length > 0 ? (row.decideFurther ?? row.decideBy) : row.decideBy)(signs) }
  }
  return null
}

/** One engine that has the GPU refutes nothing of another that is on the CPU. */
const OF_ONE_ENGINE = new Set(['provider-not-loaded', 'library-path-hidden', 'cpu-only-runtime', 'gpu-unseen'])
function ofAnother(signs: Signs, id: string, refutes: readonly Seen[]): boolean {
  if (!OF_ONE_ENGINE.has(id)) return false
  const onCpu = standing(signs, tellsOfStart).filter((seen) => engineOf(seen.signature) !== null && !foreign(signs, seen))
  return onCpu.some((seen) => refutes.every(({ signature }) => engineOf(signature) !== engineOf(seen.signature)))
}

/** A copy that could not load its libraries: the program itself may have a way to them. */
const ofCopyOnly = (signs: Signs, { log, signature }: Seen): boolean => {
  const { unloaded, oneSession } = readingOf(signature)
  return log.asked === signs.probe?.asked && (unloaded === true || oneSession === true) && !holds(signs, signs.probe.verdicts.filter(({ shown }) => shown === 'cpu' || shown === 'broken'))
}

function findingsOf({ outcomes }: Signs, checks: readonly string[] = []): readonly Finding[] {
  return checks.flatMap((check) => {
    const outcome = outcomes.get(check)
    return outcome?.status === 'found' ? outcome.findings : []
  })
}

const byProvider = ({ refutedByProvider: because }: HypothesisRow, { provider }: Signs): Told | null => (because === undefined || provider?.state !== 'loaded' ? null : { evidence: [provider.evidence], because })
/** A check that passes has seen nothing amiss, and cites nothing. */
function byCheck({ refutedBy }: HypothesisRow, { outcomes, asks }: Signs): Told | null {
  if (refutedBy === undefined || (refutedBy.onlyAsked && asks?.asks !== 'gpu') || outcomes.get(refutedBy.check)?.status !== 'passed') return null
  return { evidence: [], because: `${refutedBy.because} (${refutedBy.check})` }
}

/** Torch does not speak for an engine that has its own way to the GPU, and who asks for the CPU is on it without any failure. */
const OF_THE_ENGINE = new Set(['cpu-only-runtime', 'gpu-unseen'])

/** The lines that confirm it or refute it, without those that hold no longer. */
function speaking(signs: Signs, id: string): readonly Seen[] {
  const confirming = ({ confirms }: Signature) => confirms.includes(id)
  const failures = new Set(standing(signs, (signature) => confirming(signature) && tellsOfStart(signature)).map(({ evidence }) => evidence.source))
  return seenIn(signs, (signature) => confirming(signature) || signature.refutes.includes(id)).filter((seen) => {
    if (!confirming(seen.signature)) return !superseded(signs, seen)
    if (OF_THE_ENGINE.has(id) && (foreign(signs, seen) || (signs.asks?.asks === 'cpu' && seen.signature.shows === 'cpu'))) return false
    return !tellsOfStart(seen.signature) || failures.has(seen.evidence.source)
  })
}

/** A start that failed, which a later one may have mended; a death or a want of memory stays what it was. */
function tellsOfStart(signature: Signature): boolean {
  const { says, unloaded, oneSession } = readingOf(signature)
  return says !== undefined || unloaded === true || oneSession === true
}

/** In each log the later line of the same engine and process holds: a service that failed, was mended and started again has mended logs behind broken ones. */
function lastWord(speaking: readonly Seen[], id: string): { readonly confirms: readonly Seen[]; readonly refutes: readonly Seen[] } {
  const says = (seen: Seen) => (seen.signature.confirms.includes(id) ? 'confirms' : 'refutes')
  const holding = speaking.filter((seen) => !speaking.some((other) => other.log === seen.log && other.hit.line > seen.hit.line && together(other, seen) && says(other) !== says(seen)))
  return { confirms: holding.filter((seen) => says(seen) === 'confirms'), refutes: holding.filter((seen) => says(seen) === 'refutes' && seen.hit.unsure !== true) }
}
