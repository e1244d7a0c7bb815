import { known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Fact, Host, Known } from '../types.ts'
import { configuredEnvironment } from './environment-configured.ts'
import { startOf } from './process-start.ts'
import { mainProcess } from './process.ts'
import { unitFiles } from './unit-files.ts'
import { unitState } from './unit-state.ts'

export interface ChangedFile {
  readonly path: string
  readonly kind: 'unit' | 'environment'
  readonly mtimeMs: number
}

/** Files of the unit that were written after its process was started. */
export interface UnitChanges {
  readonly startedAtMs: Known<number>
  /** How long the process has run; null = it does not run, or cannot be told. */
  readonly ageMs: number | null
  readonly newer: readonly ChangedFile[]
  /** The question that shows the start, for evidence. */
  readonly startSource: string
}

export const unitChanges: Fact<UnitChanges> = {
  id: 'unit-changes',
  about: "files of the unit that are newer than the unit's process",
  gather: async (host, use) => {
    const [process, unit, configured] = await Promise.all([use(mainProcess), use(unitFiles), known(use(configuredEnvironment))])
    const state = await use(unitState)
    const startSource = process === null ? state!.source : question.read(`${process.folder}/stat`)
    if (process === null || process.pid === 'self') return { startedAtMs: { known: false, because: 'The service is not running.', how: null }, ageMs: null, newer: [], startSource }
    const start = await known(startOf(host, process.pid))
    if (!start.known) return { startedAtMs: start, ageMs: null, newer: [], startSource }
    const startedAtMs = { known: true as const, value: start.value.atMs }
    const environmentFiles = configured.known ? configured.value.files.flatMap(({ found }) => (found.known ? found.value.map(({ path }) => path) : [])) : []
    const newer = await Promise.all([
      ...unit.files.filter(({ path, text }) => !appliedAtOnce(path, unit.assignments.filter(({ file }) => file === path).map(({ section, key }) => `${section}.${key}`), text)).map(({ path }) => written(host, path, 'unit')),
      ...environmentFiles.map((path) => written(host, path, 'environment')),
    ])
    // Both clocks are good to a second.
    return { startedAtMs, ageMs: start.value.ageMs, newer: newer.filter((file) => file !== null).filter(({ mtimeMs }) => mtimeMs > startedAtMs.value + 1500), startSource }
  },
}

/** Limits of control groups and settings outside [Service] act on a running process as soon as the manager has reloaded. */
const LIVE = /^(Unit|Install)\.|^Service\.(CPU(Quota|Weight|Shares|Accounting|QuotaPeriodSec)|StartupCPU|Memory|AllowedCPUs|AllowedMemoryNodes|Tasks|IO|BlockIO|Device|IPAddress|IPAccounting|OOMPolicy|Restart|Timeout|WatchdogSec|ManagedOOM|KillMode|KillSignal|SendSIG)/

/** systemctl set-property writes below *.control and applies what it writes. */
const appliedAtOnce = (path: string, keys: readonly string[], text: string): boolean =>
  /\/systemd\/(system|user)\.control\//.test(path) || (text !== '' && keys.every((key) => LIVE.test(key)))

async function written(host: Host, path: string, kind: ChangedFile['kind']): Promise<ChangedFile | null> {
  const stat = await known(host.stat(path))
  return stat.known && stat.value?.type === 'file' ? { path, kind, mtimeMs: stat.value.mtimeMs } : null
}
