import { defineCheck, question, type Finding } from '../../src/index.ts'
import { configuredEnvironment } from '../../src/facts/environment-configured.ts'
import { process_ } from '../../src/facts/process.ts'
import { unitState } from '../../src/facts/unit-state.ts'

export default defineCheck({
  id: 'service/environment-file-missing',
  title: 'An EnvironmentFile of the service does not exist',
  docs: {
    what: 'Looks for every file and pattern of EnvironmentFile= that has no “-” in front.',
    why: 'Without the file systemd does not start the service at all (Result=resources). One that runs already goes on until its next start.',
    remedy: 'Write the file, correct the path, or put “-” before it when the service can do without.',
    links: ['https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile='],
  },
  fixes: 'always',
  needs: { environment: configuredEnvironment, process: process_, unit: unitState },
  run({ environment, process, unit }) {
    const unseen = environment.files.find(({ found, optional }) => !optional && !found.known)
    const missing = environment.files.filter(({ found, optional }) => !optional && found.known && found.value.length === 0)
    if (missing.length === 0 && unseen && !unseen.found.known) return { status: 'unknown', because: unseen.found.because, how: unseen.found.how }
    const running = process !== null && process.pid !== 'self'
    return missing.map(
      ({ path, assignment }): Finding => ({
        severity: running ? 'warning' : 'error',
        confidence: 'certain',
        cause: `EnvironmentFile=${path} does not exist, and ${running ? `${environment.unit} will not start again` : `${environment.unit} cannot start`} without it.`,
        evidence: [
          { source: `${question.read(assignment.file)}:${assignment.line}`, saw: assignment.raw.trim() },
          { source: /[*?[]/.test(path) ? `${question.read(assignment.file)}:${assignment.line}` : question.read(path), saw: /[*?[]/.test(path) ? 'no file fits the pattern' : 'no such file' },
        ],
        fixes: [
          {
            title: `Write ${path}, or name it EnvironmentFile=-${path} if ${environment.unit} can do without`,
            safety: 'manual',
            edits: [],
            then: [`systemctl ${unit?.scope === 'user' ? '--user ' : ''}restart ${environment.unit}`],
          },
        ],
      }),
    )
  },
})
