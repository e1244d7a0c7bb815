import { logs } from '../../src/facts/log.ts'
import { session, type Session } from '../../src/facts/session.ts'
import { target } from '../../src/facts/target.ts'
import type { FactsOf, Verdict } from '../../src/index.ts'
import { nothingToJudge, unread } from '../ep/subject.ts'

/** What every check of this family is made of: whose log it is, the log itself, and what else speaks of the session. */
export const LOG = { target, logs, session } as const

/** Judges what was read; silence is health only where there was something to read. */
export const judged = (of: FactsOf<typeof LOG>, findings: (session: Session, logs: FactsOf<typeof LOG>['logs']) => Verdict): Verdict =>
  nothingToJudge(of.target) ?? unread(of.target, of.logs, of.session) ?? findings(of.session as Session, of.logs)
