import { diagnose } from '../diagnose.ts'
import type { UnitState } from '../facts/unit-state.ts'
import type { Writer } from '../fix/draft.ts'
import type { Format } from '../fix/formats.ts'
import type { Offer } from '../fix/offer.ts'
import type { Judging } from '../fix/proof.ts'
import type { Told } from '../fix/report.ts'
import type { Step } from '../fix/steps.ts'
import { gatherer } from '../gather.ts'
import { hostOf, type Ask } from '../host/host.ts'
import type { Io } from '../io.ts'
import { allChecks } from '../load.ts'
import { clean } from '../report/clean.ts'
import type { Target } from '../types.ts'
import type { TargetOptions } from './machine.ts'

export interface FixOptions extends TargetOptions {
  readonly writeUnit?: boolean
  readonly writePath?: boolean
  readonly apply?: boolean
  readonly fix: readonly string[]
  readonly yes?: boolean
  readonly restart?: boolean
  readonly undo?: string | true
  readonly output?: string
  readonly format?: Format
  readonly json?: boolean
  readonly color: boolean
}

/** What was examined and offered, and what is asked to be done with it. */
export interface Work {
  readonly options: FixOptions
  readonly io: Io
  readonly target: Target
  readonly judging: Judging
  readonly offer: Offer
  readonly writers: ReadonlySet<Writer> | null
  readonly unit: UnitState | null
  readonly steps: readonly Step[]
  /** What is said beside an answer that has no room for it. */
  readonly beside: readonly string[]
  readonly told: (written: readonly string[], runId: string | null) => Told
}

export const sayBeside = ({ io, beside }: Pick<Work, 'io' | 'beside'>): void => {
  for (const words of beside) io.stderr.write(`asr-doctor: ${clean(words)}\n`)
}

export async function examined(machine: Ask): Promise<Judging> {
  const checks = allChecks()
  const host = hostOf(machine)
  return { machine, checks, before: await diagnose(host, gatherer(host), checks) }
}
