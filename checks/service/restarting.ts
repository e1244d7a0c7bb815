import { defineCheck, type Evidence, type Finding, type Fix, type Immutable } from '../../src/index.ts'
import { ifSeen } from '../../src/facts/maybe.ts'
import { unitChanges } from '../../src/facts/unit-changes.ts'
import { unitEndings, type UnitEndings } from '../../src/facts/unit-endings.ts'
import { unitState, type UnitState } from '../../src/facts/unit-state.ts'
import { exitStatusWords, signalWords } from '../../src/systemd/exit-status.ts'

export default defineCheck({
  id: 'service/restarting',
  title: 'The service fails, or is started again and again',
  docs: {
    what: 'Reads whether the manager could load the unit at all, the result of the last run, the number of automatic restarts and the exit status or signal from the manager, and says in words what each means.',
    why: 'A service that dies and is restarted loads its model again each time: it is slow or deaf, and to a glance it runs.',
    remedy: 'Mend what the exit status names; the last lines of the journal before each restart tell more.',
    links: ['https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Process%20Exit%20Codes', 'https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#Restart='],
  },
  fixes: 'always',
  needs: { unit: unitState, changes: ifSeen(unitChanges), endings: unitEndings },
  run({ unit, changes, endings }) {
    // A process that ends while it is looked at has no age, and all the more to be said of.
    const ageMs = changes.known ? changes.value.ageMs : null
    if (unit === null) return { status: 'not-applicable', because: 'The target is no systemd service.' }
    if (unit.loadState === 'bad-setting' || unit.loadState === 'error') return [unloadable(unit)]
    const { Result: result = 'success', SubState: sub = '', NRestarts: count = '0', ExecMainStatus: status = '0', ExecMainCode: code = '0' } = unit.properties
    const restarts = Number(count)
    const failed = unit.activeState === 'failed' || sub.startsWith('auto-restart')
    if (!failed && restarts === 0 && !changes.known) return { status: 'unknown', because: changes.because, how: changes.how }
    // A restart of long ago that did not come back is history.
    if (!failed && (restarts === 0 || (restarts < 3 && (ageMs ?? 0) > DAY_MS))) return []
    const saw = (...names: readonly string[]): Evidence => ({ source: unit.source, saw: names.map((name) => `${name}=${unit.properties[name] ?? ''}`).join(' ') })
    const how = ended(result, Number(code), Number(status))
    const times = restarts === 1 ? 'once' : `${restarts} times`
    const cause = sub.startsWith('auto-restart')
      ? `${unit.name} ended (${how}) and waits to be started again${restarts > 0 ? `, after ${times} already` : ''}.`
      : failed
        ? `${unit.name} has failed: ${how}${restarts > 0 ? `, after it had been restarted ${times}` : ''}.`
        : `${unit.name} runs, but the manager has had to restart it ${times} since it was last started by hand${before(endings) ?? (result === 'success' ? '' : ` (${how})`)}.`
    const memory = endings !== null && forMemory(endings)
    const finding: Finding = {
      severity: failed || memory ? 'error' : restarts >= 3 && (ageMs ?? 0) < HOUR_MS ? 'warning' : 'info',
      confidence: 'certain',
      cause,
      evidence: [saw('ActiveState', 'SubState', 'Result', 'NRestarts'), ...(code === '0' ? [] : [saw('ExecMainCode', 'ExecMainStatus')]), ...(endings?.evidence ?? [])],
      refuted: result === 'exit-code' && failed ? [{ hypothesis: 'The kernel killed the service for want of memory.', because: 'It ended by itself with an exit status, not by a signal.' }] : [],
      fixes: fixesFor(unit.name, unit.scope, result),
    }
    return [finding]
  },
})

function unloadable({ name, scope, loadState, properties, source }: Immutable<UnitState>): Finding {
  // The manager gives a D-Bus error name and then the words in quotes.
  const words = /"(.*?)\.?"$/.exec(properties['LoadError'] ?? '')?.[1] ?? 'the manager does not say why'
  return {
    severity: 'error',
    confidence: 'certain',
    cause: `The manager cannot load ${name}, so it cannot start: ${words}.`,
    evidence: [{ source, saw: `LoadState=${loadState} LoadError=${properties['LoadError'] ?? ''}` }],
    fixes: [{ title: `Correct the unit file of ${name}`, safety: 'manual', edits: [], then: [`systemd-analyze ${scope === 'user' ? '--user ' : ''}verify ${properties['FragmentPath'] || name}`, `systemctl ${scope === 'user' ? '--user ' : ''}daemon-reload`] }],
  }
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** How the runs before this one ended, where they ended alike; Result= of the manager tells only of the present one. */
function before(endings: Immutable<UnitEndings> | null): string | null {
  const [last] = endings?.endings.slice(-1) ?? []
  if (endings === null || last === undefined) return null
  if (forMemory(endings)) return ', since the kernel killed it because memory ran out'
  if (endings.endings.some(({ code, status }) => code !== last.code || status !== last.status)) return ''
  if (last.code !== 'exited') return `: each time it was ended by ${signalWords(last.status)}`
  const { words } = exitStatusWords(last.status)
  return last.status === 0 ? ': each time it ended with status 0' : `: each time it ended with status ${last.status}, ${words}`
}

/** A kernel whose log can be read has the last word. */
const forMemory = ({ endings, kernelKills }: Immutable<UnitEndings>): boolean => (kernelKills === null ? endings.some(({ outOfMemory }) => outOfMemory) : kernelKills.length > 0)

/** How the main process ended. systemd.service(5), $SERVICE_RESULT; CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3. */
function ended(result: string, code: number, status: number): string {
  if (result === 'oom-kill') return 'the kernel killed it because memory ran out'
  if (result === 'start-limit-hit') return 'it was started too often in a short time, so the manager gave up'
  if (result === 'timeout') return 'it was not ready, or did not end, within its time limit'
  if (result === 'watchdog') return 'it did not report to the watchdog in time'
  if (result === 'resources') return 'the manager could not prepare the start, for example because an EnvironmentFile is missing'
  if (result === 'protocol') return 'it did not do what Type= demands, such as writing a PID file or sending its readiness'
  if (result === 'condition' || result === 'exec-condition') return 'a condition for its start was not met'
  if (code === 2 || code === 3) return `its main process was ended by ${signalWords(status)}${code === 3 ? ' and left a core dump' : ''}`
  if (code === 1) {
    const { name, words } = exitStatusWords(status)
    return status === 0 ? 'its main process ended with status 0' : `its main process ended with status ${status}${name ? `/${name}` : ''}, ${words}`
  }
  return `Result=${result}`
}

function fixesFor(unit: string, scope: 'system' | 'user', result: string): readonly Fix[] {
  const flag = scope === 'user' ? '--user ' : ''
  const log = `journalctl ${flag}-u ${unit} -n 50 --no-pager`
  const again = result === 'start-limit-hit' ? [`systemctl ${flag}reset-failed ${unit}`] : []
  return [{ title: `Read the last words of ${unit} in the journal and mend their cause`, safety: 'manual', edits: [], then: [log, ...again, `systemctl ${flag}restart ${unit}`] }]
}
