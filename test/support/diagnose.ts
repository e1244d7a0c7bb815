import { diagnose } from '../../src/diagnose.ts'
import { gatherer } from '../../src/gather.ts'
import { caseOf, type Case } from '../../src/host/case.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { realMachine } from '../../src/host/real.ts'
import { recorded, replayed, type Answer } from '../../src/host/replay.ts'
import type { Check, CheckId, Host, Outcome, Target } from '../../src/types.ts'

export interface Diagnosis {
  readonly outcomes: ReadonlyMap<CheckId, Outcome>
  /** Every question that was put, with its answer. */
  readonly log: ReadonlyMap<string, Answer>
}

/** Judges a recorded machine. */
export async function diagnoseCase(of: string | Case, checks: readonly Check<any>[]): Promise<Diagnosis> {
  const machine = typeof of === 'string' ? caseOf(of) : of
  const log = new Map<string, Answer>()
  const host = hostOf(recorded(replayed(machine.answers), log))
  return { outcomes: await diagnose(host, gatherer(host), checks), log }
}

/** Judges this machine. */
export async function diagnoseHere(target: Target, checks: readonly Check<any>[], limitMs = 10_000): Promise<Diagnosis> {
  const log = new Map<string, Answer>()
  const host = hostOf(remembered(recorded(realMachine(target, Date.now() + limitMs), log)))
  return { outcomes: await diagnose(host, gatherer(host), checks), log }
}

/** This machine as facts see it. */
export const hostHere = (target: Target = { kind: 'shell' }, limitMs = 10_000): Host => hostOf(remembered(realMachine(target, Date.now() + limitMs)))
