import { defineCheck, question, type Evidence, type Finding, type Fix } from '../../src/index.ts'
import { unitDirectives, type UnknownDirective } from '../../src/facts/unit-directives.ts'
import { unitState } from '../../src/facts/unit-state.ts'

export default defineCheck({
  id: 'service/unit-directive-unknown',
  title: 'A line of the unit file is unknown to systemd',
  docs: {
    what: 'Compares every key and section of the unit file and its drop-ins with the list that the installed systemd itself prints, and with what systemd-analyze verify says.',
    why: 'systemd ignores a line it does not know, with no more than a line in the journal. A mistyped CPUQuota= limits nothing, and ImportEnvironment= imports nothing.',
    remedy: 'Write the directive that was meant, in the section it belongs to, then reload the manager.',
    links: ['https://www.freedesktop.org/software/systemd/man/latest/systemd.directives.html', 'https://www.freedesktop.org/software/systemd/man/latest/systemd-analyze.html'],
  },
  fixes: 'always',
  needs: { directives: unitDirectives, unit: unitState },
  run({ directives, unit }): readonly Finding[] {
    return directives.unknown.map((each): Finding => {
      const { assignment, kind, confirmed, owner } = each
      const at = `${question.read(assignment.file)}:${assignment.line}`
      const what = kind === 'section' ? `[${assignment.section}] is no section of a service` : `${assignment.key}= is no directive of the section [${assignment.section}]`
      const evidence: [Evidence, ...Evidence[]] = [
        { source: at, saw: kind === 'section' ? `[${assignment.section}] … ${assignment.raw.trim()}` : assignment.raw.trim() },
        { source: directives.source, saw: kind === 'section' ? `no section [${assignment.section}] for services` : `no ${assignment.key}= in [${assignment.section}]` },
      ]
      if (confirmed) evidence.push(confirmed)
      if (owner.kind === 'package') evidence.push({ source: owner.source!, saw: `${assignment.file} belongs to ${owner.name}` })
      return {
        severity: 'warning',
        confidence: confirmed ? 'certain' : 'likely',
        cause: `${what}, so systemd ignores ${kind === 'section' ? 'everything in it' : 'the line'} (${assignment.file}:${assignment.line})${hint(each)}.`,
        evidence,
        fixes: [fixFor(each, unit?.scope === 'user')],
      }
    })
  },
})

function hint({ meant, elsewhere, kind }: UnknownDirective): string {
  if (elsewhere.length > 0) return `; the key belongs into [${elsewhere[0]}]`
  if (meant !== null) return `; ${kind === 'section' ? `[${meant}]` : `${meant}=`} is known`
  return ''
}

function fixFor({ assignment, kind, meant, elsewhere, note, owner }: UnknownDirective, user: boolean): Fix {
  const { file, line, key, raw, section } = assignment
  const reload = [`systemctl ${user ? '--user ' : ''}daemon-reload`, 'Restart the service when the line changes how it is started.']
  if (kind === 'section') {
    return { title: meant ? `Rename the section [${section}] of ${file} to [${meant}]` : `Move the lines of [${section}] in ${file} to [Unit], [Service] or [Install]`, safety: 'manual', edits: [], then: reload }
  }
  if (meant !== null && owner.kind === 'none' && !raw.includes('\n')) {
    return { title: `Write ${meant}= in place of ${key}= in ${file}:${line}`, safety: 'risky', edits: [{ kind: 'line', file, line, before: raw, after: raw.replace(key, meant) }], then: reload }
  }
  if (meant === null && elsewhere.length === 0 && owner.kind === 'none') {
    const title = `Take ${key}=, which does nothing, out of ${file}:${line}`
    return { title: note ? `${title}. ${note.replace(/\.$/, '')}` : title, safety: 'risky', edits: [{ kind: 'line', file, line, before: raw, after: null }], then: reload }
  }
  const instead = elsewhere.length > 0 ? `Move ${key}= to the section [${elsewhere[0]}]` : meant !== null ? `Write ${meant}= in a drop-in; the file itself ${owner.kind === 'package' ? `belongs to the package ${owner.name}` : 'may belong to a package'}` : `Take ${key}= out of ${file}:${line}`
  return { title: note ? `${instead}. ${note.replace(/\.$/, '')}` : instead, safety: 'manual', edits: [], then: reload }
}
