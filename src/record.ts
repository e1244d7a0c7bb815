import { diagnose } from './diagnose.ts'
import { expectationOf } from './expectation.ts'
import { assess } from './assess.ts'
import { offerOf } from './fix/offer.ts'
import { gatherer } from './gather.ts'
import { caseOf, caseText, type Case } from './host/case.ts'
import { hostOf, type Ask } from './host/host.ts'
import { redact, type Identities } from './host/redact.ts'
import { recorded, replayed, type Answer } from './host/replay.ts'
import { targetName } from './target-name.ts'
import type { Check } from './types.ts'

/**
 * The whole questioning of a machine as one redacted case, judged again from its own text before it is handed out: a
 * recording that does not lead to the same result would be worse than none.
 */
export async function recordedCase(ask: Ask, checks: readonly Check[], who: Identities, version: string): Promise<{ readonly text: string; readonly faithful: boolean }> {
  const log = new Map<string, Answer>()
  const host = hostOf(recorded(ask, log))
  const report = await assess(host, { checks, allowed: new Set(), failOn: 'never' })
  await host.caller()
  // What a proof of the fixes would ask belongs to the machine too, so that cures can be tried on the recording.
  await offerOf({ machine: recorded(ask, log), checks, before: report.outcomes }, { named: new Set(checks.map(({ id }) => id)), writers: null, barred: new Set() })
  const { answers, removed } = redact(log, who)
  const expect = expectationOf(report.outcomes)
  const of: Case = {
    title: `Recorded: ${report.target.kind === 'unit' ? targetName(report.target) : report.target.kind}`,
    story: `Recorded by asr-doctor ${version}. Headings are questions put to the machine, fences are its answers; \`asr-doctor check --replay\` judges them anywhere.`,
    expect,
    answers,
    removed,
  }
  const text = caseText(of)
  const again = hostOf(replayed(caseOf(text).answers))
  const outcomes = await diagnose(again, gatherer(again), checks)
  return { text, faithful: expectationOf(outcomes).join('\n') === expect.join('\n') }
}
