import { defineCheck, type Finding } from '../../src/index.ts'
import { linger } from '../../src/facts/unit-linger.ts'
import { unitState } from '../../src/facts/unit-state.ts'

export default defineCheck({
  id: 'service/linger-off',
  title: 'The user service ends with the last session of its user',
  docs: {
    what: 'For a unit of a user’s manager: whether lingering is on, and whether the user sits at the machine in a session that carries the service.',
    why: 'Without lingering the user’s manager starts at the first login and ends with the last session; /run/user/UID with the sockets of PulseAudio and PipeWire vanishes with it. After a reboot nothing runs until somebody logs in.',
    remedy: 'Turn lingering on for a service that should run without its user: loginctl enable-linger USER.',
    links: ['https://www.freedesktop.org/software/systemd/man/latest/loginctl.html#enable-linger%20USER%E2%80%A6'],
  },
  fixes: 'always',
  needs: { linger, unit: unitState },
  run({ linger, unit }): readonly Finding[] {
    // A desktop service is meant to live and end with its desktop.
    if (linger.on || linger.seated === true) return []
    const sessions = linger.sessions
    return [
      {
        severity: 'warning',
        confidence: sessions === null ? 'likely' : 'certain',
        cause: `Lingering is off for ${linger.user}, so ${unit?.name ?? 'the service'} and /run/user/${linger.uid} with its sound sockets end when the last session of ${linger.user} does.`,
        evidence: [
          { source: linger.source, saw: 'no such file' },
          ...(sessions === null ? [] : [{ source: linger.sessionSource, saw: sessions.length > 0 ? `Sessions=${sessions.join(' ')}, none of them with a seat` : 'Sessions= (none)' }]),
        ],
        fixes: [{ title: `Let the services of ${linger.user} outlive its sessions`, safety: 'manual', edits: [], then: [`loginctl enable-linger ${linger.user}`] }],
      },
    ]
  },
})
