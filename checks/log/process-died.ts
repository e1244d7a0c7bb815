import { defineCheck, type Finding } from '../../src/index.ts'
import { exitIn } from '../../src/log/exit-codes.ts'
import { seenIn } from '../../src/verdict/signs.ts'
import { judged, LOG } from './subject.ts'

const SHOWN_AT_MOST = 3

export default defineCheck({
  id: 'log/process-died',
  title: 'A process ended with a code that stands for a crash',
  docs: {
    what: 'Looks for the codes with which processes end, in the log, and says what they mean: NTSTATUS codes of Windows in any of their three spellings, and signals as shells and systemd give them.',
    why: 'The code tells an abort from an access violation, a missing DLL and a kill. 3221226505 is a fail-fast abort: the program ended itself, and the reason is its last line on stderr.',
    remedy: 'Read the line before the end of the process. For SIGKILL look for want of memory, for a missing DLL at the search path.',
    links: ['https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55', 'man:signal(7)'],
  },
  fixes: 'never',
  needs: LOG,
  run: (facts) =>
    judged(facts, (session) => {
      const ends = seenIn(session, ({ id }) => id === 'exit-code' || id === 'systemd-main-exited').flatMap((seen) => {
        const end = exitIn(seen.hit.text)
        return end === null ? [] : [{ seen, ...end }]
      })
      const codes = [...new Map(ends.map((end) => [end.code, end])).values()].slice(0, SHOWN_AT_MOST)
      return codes.map(({ seen, code, meaning }): Finding => ({
        severity: 'error',
        confidence: 'certain',
        cause: `A process ended with ${code}, ${meaning}.`,
        evidence: [seen.evidence],
        ...(/fail-fast/.test(meaning) ? { refuted: [{ hypothesis: 'It was an access violation', because: 'That is 3221225477 (0xC0000005).' }] } : {}),
        fixes: [],
      }))
    }),
})
