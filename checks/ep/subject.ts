import { engineOf } from '../../src/verdict/readings.ts'
import { seenIn, shortened, signatureOf, type Seen } from '../../src/verdict/signs.ts'
import { foreign, otherAtWork, standing } from '../../src/verdict/standing.ts'
import type { Signature } from '../../src/log/types.ts'
import type { Session } from '../../src/facts/session.ts'
import type { Log } from '../../src/facts/log.ts'
import type { ProbeVerdict } from '../../src/probe/judge.ts'
import type { EngineProbe, ProbedEngine } from '../../src/probe/types.ts'
import { targetArgs } from '../../src/target-name.ts'
import { reasonOf } from '../../src/verdict/reason.ts'
import type { Evidence, Finding, Immutable, Target, Verdict } from '../../src/index.ts'

type Logs = Immutable<readonly Log[]>
type Known = Immutable<Session>

/** The command that looks at the same target again. */
export const again = (target: Immutable<Target>, more: string): string => `asr-doctor check ${targetArgs(target as Target).join(' ') || '--unit NAME'} ${more}`

export const RUNS_NOTHING = { status: 'not-applicable', because: 'Nothing that was named runs inference: name a service, a process, or a log.' } as const

/** Whether the target can have written or shown anything; null = it can. */
export const nothingToJudge = (target: Immutable<Target>): Verdict | null => (target.kind === 'unit' || target.kind === 'pid' || target.files !== undefined || target.probe !== undefined ? null : RUNS_NOTHING)

/** Why the log says nothing: none was given, or it cannot be read; null = there is one. What shows no speech engine is not missed. */
export function unread(target: Immutable<Target>, logs: Logs, session: Known): Verdict | null {
  if (logs.some(({ reading }) => reading.known && !reading.value.cut)) return null
  const part = logs.find(({ reading }) => reading.known)
  if (part !== undefined) return { status: 'unknown', because: `Only the beginning of ${part.name} could be read in time, and nothing was found in it.`, how: 'Give it longer with --timeout SECONDS.' }
  if (target.kind === 'shell') return logs[0] === undefined || logs[0].reading.known ? { status: 'not-applicable', because: 'No log was given.' } : { status: 'unknown', because: logs[0].reading.because, how: logs[0].reading.how }
  const [first] = logs
  if (first === undefined) return { status: 'not-applicable', because: 'It has no log that is known.' }
  if (!session.concerns) return { status: 'not-applicable', because: 'No speech engine is seen in it, and its log cannot be read.' }
  return first.reading.known ? null : { status: 'unknown', because: first.reading.because, how: first.reading.how }
}

/** Lines that speak for a hypothesis and still hold. */
export const linesFor = (session: Known, hypothesis: string): readonly Seen[] => standing(session as Session, ({ confirms, shows }) => confirms.includes(hypothesis) && shows !== 'benign')

/** As `linesFor`, without what torch says of itself where another engine does the work. */
export const ownLinesFor = (session: Known, hypothesis: string): readonly Seen[] => linesFor(session, hypothesis).filter((seen) => !foreign(session as Session, seen))

/** These lines were printed by the service itself, and not only by an engine that was tried in its place. */
export const writtenBySelf = (session: Known, seen: readonly Seen[]): boolean => seen.some(({ log }) => log.asked !== session.probe?.asked)

/** What a probe shows of a service that asks for the GPU. Of any other it was the probe that asked, and only the verdict tells what came of it. */
export const probed = (session: Known, wanted: (verdict: Immutable<ProbeVerdict>) => boolean): { readonly evidence: readonly [Evidence, ...Evidence[]]; readonly engine: ProbedEngine; readonly because: string } | null => {
  // A process that has its GPU part in memory refutes what a copy of it could not do.
  const [first] = session.provider?.state === 'loaded' || session.asks?.asks !== 'gpu' ? [] : (session.probe?.verdicts ?? []).filter((verdict) => wanted(verdict) && !(verdict.engine.engine === 'ctranslate2' && session.cublas))
  return first === undefined ? null : { evidence: [{ source: session.probe!.asked, saw: reasonOf(first.engine as EngineProbe) }], engine: first.engine.engine, because: `Tried in its place, ${first.because}` }
}

/** An engine was tried and did what it should. */
export const triedWell = (session: Known): boolean => session.probe !== undefined && session.probe.verdicts.length > 0 && session.probe.verdicts.every(({ shown }) => shown === 'own' || shown === 'can')

export const asEvidence = (seen: readonly Seen[], most = 3): readonly [Evidence, ...Evidence[]] => seen.slice(0, most).map(({ evidence }) => evidence) as unknown as readonly [Evidence, ...Evidence[]]

/** Programs that run anywhere ask for CUDA first and for the CPU next: where there is no GPU and nobody asked for one, that is a note. */
export const gravity = (session: Known): 'error' | 'info' => (session.gpuPresent === false && session.asks?.asks !== 'gpu' ? 'info' : 'error')

/**
 * How much lines of failure weigh. Where ONNX Runtime does without the GPU and an engine of speech beside it has it, that may be as it is
 * meant: voice detection belongs on the CPU. Where another process of the same program wrote later, the failure may be mended.
 */
export function weightOf(session: Known, lines: readonly Seen[]): { readonly severity: Finding['severity']; readonly confidence: Finding['confidence']; readonly beside: string } {
  const other = lines.every(({ signature }) => engineOf(signature) === 'onnxruntime') ? otherAtWork(session as Session, 'onnxruntime') : undefined
  if (other !== undefined) return { severity: 'info', confidence: 'possible', beside: ` Beside it, another engine has the GPU: ${other.signature.meaning.replace(/\.$/, '')} (${other.log.name}, line ${other.hit.line}). If ONNX Runtime is only its voice detection, nothing is amiss.` }
  if (lines.every(({ hit }) => hit.unsure)) return { severity: 'warning', confidence: 'possible', beside: ` Process ${lines[0]!.hit.pid} wrote that, and another of the same program wrote later: if it took the place of this one, that is over.` }
  return { severity: gravity(session), confidence: 'certain', beside: '' }
}

/** What only a run before the last wrote: whether it still holds is not known. null = no earlier run wrote such a line. */
export function ofEarlierRun(session: Known, wanted: (signature: Signature) => boolean): Verdict | null {
  for (const { name, reading } of session.logs as Session['logs']) {
    const hit = (reading.earlier ?? []).filter(({ id }) => signatureOf(id) !== undefined && wanted(signatureOf(id)!)).at(-1)
    const engine = hit === undefined ? null : engineOf(hit)
    const now = seenIn(session as Session, (signature) => signature.shows === 'gpu' && signature.tier !== null && signature.tier >= 'T2' && (engine === null || engineOf(signature) === engine))
    if (hit !== undefined && now.length === 0) return { status: 'unknown', because: `An earlier run wrote “${shortened(hit, signatureOf(hit.id)!)}” (${name}, line ${hit.line}), and of the last run the log tells neither that nor the contrary.`, how: 'Let the service transcribe once, and give its log again.' }
  }
  return null
}

/** As `unread`, for a failure that matters only to who asks for the GPU: who does, and has no log, is told how to give one. */
export function unseenFallback(target: Immutable<Target>, logs: Logs, session: Known): Verdict | null {
  if (logs.length === 0 && target.kind !== 'shell' && session.asks?.asks === 'gpu') return { status: 'unknown', because: 'It asks for the GPU, and has no log that is known.', how: 'Give it with --log FILE.' }
  return unread(target, logs, session)
}
