import { soberJson } from '../sober.ts'
import { targetName } from '../target-name.ts'
import type { CheckId, Outcome, Report, Summary } from '../types.ts'
import { cleaned } from './clean.ts'

/** The `--json` contract, version 1: schema/check-1.json. */
export const jsonReport = (report: Report, version: string): string => `${soberJson(cleaned(asJson(report, version)))}\n`

export const jsonReports = (reports: readonly Report[], summary: Summary, version: string): string =>
  `${soberJson(cleaned({ schemaVersion: 1, tool: tool(version), reports: reports.map((report) => asJson(report, version)), summary }))}\n`

const tool = (version: string) => ({ name: 'asr-doctor', version })

function asJson(report: Report, version: string): object {
  const { target } = report
  return {
    schemaVersion: 1,
    tool: tool(version),
    target: {
      kind: target.kind,
      name: targetName(target),
      ...(target.kind === 'unit' ? { scope: target.scope } : {}),
      ...(report.pid === null ? {} : { pid: report.pid }),
    },
    outcomes: Object.fromEntries([...report.outcomes].map(([id, outcome]) => [id, outcomeJson(id, outcome, report.allowed)])),
    verdict: report.verdict,
    hypotheses: report.hypotheses.map(({ id, claim, state, evidence, because, decideBy }) => ({ id, claim, state, evidence, ...(because ? { because } : {}), ...(decideBy ? { decideBy } : {}) })),
    environment: report.environment.map(({ name, shell, configured, running, matters, because }) => ({ name, shell, configured, running, matters, because })),
    ...(target.kind === 'shell'
      ? { neighbours: report.neighbours.map(({ name, pid, runtime, args }) => ({ name, ...(pid === null ? {} : { pid }), runtime, args })) }
      : {}),
    summary: report.summary,
  }
}

function outcomeJson(id: CheckId, outcome: Outcome, allowed: ReadonlySet<CheckId>): object {
  switch (outcome.status) {
    case 'passed':
      return { status: 'passed' }
    case 'found':
      return {
        status: 'found',
        findings: outcome.findings.map(({ severity, confidence, cause, evidence, refuted, fixes }) => ({ severity, confidence, cause, evidence, refuted: refuted ?? [], fixes })),
        ...(allowed.has(id) ? { allowed: true } : {}),
      }
    case 'unknown':
      return { status: 'unknown', because: [outcome.because, outcome.how].filter(Boolean).join(' ') }
    case 'not-applicable':
      return { status: 'not-applicable', because: outcome.because }
    case 'crashed':
      return { status: 'crashed', error: outcome.error }
  }
}
