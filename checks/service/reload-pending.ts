import { defineCheck, question, type Evidence, type Finding, type Fix } from '../../src/index.ts'
import { pendingVariables } from '../../src/facts/environment-differences.ts'
import { knownVariable } from '../../src/facts/environment-variables.ts'
import { environSource, mainProcess } from '../../src/facts/process.ts'
import { unitChanges } from '../../src/facts/unit-changes.ts'
import { unitFiles } from '../../src/facts/unit-files.ts'
import { unitState } from '../../src/facts/unit-state.ts'

export default defineCheck({
  id: 'service/reload-pending',
  title: 'The service does not run with its present unit files',
  docs: {
    what: 'Asks the manager whether it has read the unit files as they are (NeedDaemonReload), compares their times and those of environment files with the start of the process, and compares the environment they give with the one the process has.',
    why: 'A changed unit file does nothing until the manager reloads it and the service restarts. Until then the mended service is still the old one.',
    remedy: 'Run systemctl daemon-reload, then restart the service.',
    links: ['https://www.freedesktop.org/software/systemd/man/latest/systemctl.html#daemon-reload'],
  },
  fixes: 'always',
  needs: { unit: unitState, files: unitFiles, changes: unitChanges, pending: pendingVariables, process: mainProcess },
  run({ unit, files, changes, pending, process }) {
    if (unit === null) return { status: 'not-applicable', because: 'The target is no systemd service.' }
    if (unit.loadState !== 'loaded') return { status: 'unknown', because: `The manager could not load ${unit.name}, so nothing of it is in effect.`, how: null }
    const flag = unit.scope === 'user' ? '--user ' : ''
    const restart: Fix = { title: `Restart ${unit.name}`, safety: 'manual', edits: [], then: [`systemctl ${flag}restart ${unit.name}`] }
    const reload: Fix = { title: `Reload the manager and restart ${unit.name}`, safety: 'manual', edits: [], then: [`systemctl ${flag}daemon-reload`, `systemctl ${flag}restart ${unit.name}`] }
    const running = process !== null && process.pid !== 'self'
    const variables = pending.known ? pending.value : []
    const shown = (name: string, value: string | null): string => (value === null ? `no ${name}` : knownVariable(name, value) ? `${name}=${value}` : `another value of ${name}`)
    const differing = variables.flatMap(({ name, configured, running: now, source }): Evidence[] => [
      { source, saw: knownVariable(name, configured) ? `${name}=${configured}` : `${name} is set` },
      { source: environSource(process!.pid), saw: shown(name, now) },
    ])
    // An environment file that gives the variables the process has is no change, however new it is.
    const later = changes.newer.filter(({ kind }) => kind === 'unit' || variables.length > 0)
    const newer = later.map(({ path, mtimeMs }): Evidence => ({ source: question.stat(path), saw: `written ${time(mtimeMs)}` }))
    const started: Evidence[] = changes.startedAtMs.known ? [{ source: changes.startSource, saw: `started ${time(changes.startedAtMs.value)}` }] : []

    const unread: Evidence[] = files.notLoaded.map((path) => ({ source: question.read(path), saw: 'a drop-in on disk' }))
    if (unit.properties['NeedDaemonReload'] === 'yes' || files.notLoaded.length > 0 || files.gone.length > 0) {
      const drops = [...files.notLoaded.map((path) => `${path} is not loaded`), ...files.gone.map((path) => `${path} is gone`)]
      return [
        {
          severity: 'warning',
          confidence: 'certain',
          cause: `The unit files of ${unit.name} are no longer those that the manager has read, so what they say now has no effect${drops.length > 0 ? ` (${drops.join(', ')})` : ''}.`,
          evidence: [{ source: unit.source, saw: unit.properties['NeedDaemonReload'] === 'yes' ? 'NeedDaemonReload=yes' : `DropInPaths=${unit.properties['DropInPaths'] ?? ''}` }, ...unread, ...newer, ...(newer.length > 0 ? started : []), ...differing],
          fixes: [reload],
        },
      ]
    }
    if (!running) return []
    const [first, ...others] = [...newer, ...(newer.length > 0 ? started : []), ...differing]
    if (first === undefined) return pending.known && changes.startedAtMs.known ? [] : unseen(pending.known ? changes.startedAtMs : pending)
    const names = variables.map(({ name }) => name)
    if (newer.length > 0 && names.length > 0) {
      return [finding('warning', 'certain', `${unit.name} was started before ${paths(later)} was written, and it runs with another ${names.join(', ')} than the files set now.`, [first, ...others], restart)]
    }
    if (newer.length > 0) {
      return [finding('info', 'certain', `${paths(later)} was written after ${unit.name} was started, so what it changed is not in effect.`, [first, ...others], restart)]
    }
    // A program that starts itself again in another environment looks the same.
    return [finding('info', 'possible', `${unit.name} runs with another ${names.join(', ')} than its unit files set, although they are older than the process.`, [first, ...others], restart)]
  },
})

const finding = (severity: Finding['severity'], confidence: Finding['confidence'], cause: string, evidence: Finding['evidence'], fix: Fix): Finding => ({ severity, confidence, cause, evidence, fixes: [fix] })

const paths = (files: readonly { readonly path: string }[]): string => files.map(({ path }) => path).join(' and ')

const time = (ms: number): string => new Date(Math.round(ms)).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC')

const unseen = (of: { readonly known: boolean }) => {
  const { because, how } = of as unknown as { because: string; how: string | null }
  return { status: 'unknown' as const, because, how }
}
