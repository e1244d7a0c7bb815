import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { question } from '../question.ts'
import { isPython } from './python-command.ts'
import { isPattern } from '../systemd/glob.ts'
import type { Evidence, Fact, Known } from '../types.ts'
import { configuredContext } from './configured-context.ts'
import { configuredEnvironment, type ConfiguredEnvironment } from './environment-configured.ts'
import { asConfigured, environmentMatrix } from './environment-matrix.ts'
import { knownVariable, type KnownVariable } from './environment-variables.ts'
import { environSource, mainProcess, process_ } from './process.ts'
import { shellEnvironment } from './shell-environment.ts'
import { target } from './target.ts'
import { unitState } from './unit-state.ts'

/** A variable that can matter to this very service and has another value in the shell. */
export interface Difference {
  readonly name: string
  readonly shell: string | null
  readonly service: string | null
  readonly known: KnownVariable
  readonly evidence: readonly [Evidence, Evidence]
}

export interface Differences {
  /** `running`: read from the process; `configured`: modelled from the unit files. */
  readonly of: 'running' | 'configured'
  readonly matter: readonly Difference[]
  /** Differing variables that change nothing at run time. */
  readonly idle: readonly { readonly name: string; readonly because: string }[]
}

const AUDIO_LIBRARY = /\/lib(pulse|asound|pipewire|jack|portaudio|sndio)[-.\d]*\.so/
const HIDES_GPUS = /^(|-1|NoDevFiles|none|void)$/

/**
 * What the shell has and the service lacks or has otherwise. Variables that only the service sets are its own business,
 * except one that hides the GPUs. PATH, HOME and the like differ between any two users and count for one user only.
 */
export const environmentDifferences: Fact<Differences> = {
  id: 'environment-differences',
  about: 'variables that can matter and differ between the shell and the service',
  gather: async (_host, use) => {
    const asked = await use(target)
    if (asked.kind !== 'unit' && asked.kind !== 'pid') throw new DoesNotApply('The target is no service, so there is nothing to compare the shell with.')
    const [shell, process, rows] = await Promise.all([use(shellEnvironment), use(process_), use(environmentMatrix)])
    if (shell.behindSudo) throw new DoesNotApply('sudo has replaced the environment of the shell, so there is no shell to compare the service with.')
    const running = process !== null && process.pid !== 'self'
    const [configured, modelled] = running ? [null, null] : await Promise.all([use(configuredEnvironment), use(configuredContext)])
    if (configured !== null && !configured.env.known) throw new CannotSee(configured.env.because, configured.env.how)
    const uid = running ? process.status.uids[1] : modelled!.uid
    const argv = running ? process.argv : modelled!.argv
    const maps = running && process.maps.known ? process.maps.value : null
    const relevant = ({ group, name }: KnownVariable): boolean => {
      if (name === 'PATH') return false
      if (group === 'python') return argv.some(isPython)
      if (group === 'audio' && maps !== null && !maps.some(({ path }) => AUDIO_LIBRARY.test(path))) return false
      return !['HOME', 'XDG_RUNTIME_DIR', 'PULSE_COOKIE', 'XDG_CACHE_HOME'].includes(name) || uid === shell.uid
    }
    const differing = rows.flatMap((row) => {
      const service = running ? row.running : row.configured
      const known = knownVariable(row.name, service ?? row.shell)
      return known === null || service === row.shell ? [] : [{ name: row.name, shell: row.shell, service, known }]
    })
    const matter = differing.filter(({ known, shell: mine, service, name }) => {
      if (!known.matters || !relevant(known)) return false
      // A service without HOME finds its home in the account (getpwuid(3)), as every system service without User= does.
      if (name === 'HOME' && service === null) return false
      return mine !== null || (/_VISIBLE_DEVICES$/.test(name) && HIDES_GPUS.test(service ?? 'all'))
    })
    const source = (name: string): string => (running ? environSource(process.pid) : configuredSource(configured!, name))
    return {
      of: running ? 'running' : 'configured',
      matter: matter.map((each) => ({ ...each, evidence: [shown(question.environment(), each.name, each.shell), shown(source(each.name), each.name, each.service)] as const })),
      idle: differing.filter(({ known, shell: mine }) => !known.matters && mine !== null).map(({ name, known }) => ({ name, because: known.because })),
    }
  },
}

const shown = (source: string, name: string, value: string | null): Evidence => ({ source, saw: value === null ? `no ${name}` : `${name}=${value}` })

/** The line that sets a variable last, or where it would have come from. */
export function configuredSource(configured: ConfiguredEnvironment, name: string): string {
  for (const { found, path } of [...configured.files].reverse()) {
    if (!found.known) continue
    for (const file of [...found.value].reverse()) {
      const at = file.variables.findLast((variable) => variable.name === name)
      if (at) return `${question.read(isPattern(path) ? file.path : path)}:${at.line}`
    }
  }
  const own = configured.settings.findLast((setting) => setting.name === name)
  return own ? `${question.read(own.file)}:${own.line}` : configured.managerSource
}

/** Variables that the unit itself sets and that the running process does not have so, or the other way round. */
export const pendingVariables: Fact<Known<readonly { readonly name: string; readonly configured: string; readonly running: string | null; readonly source: string }[]>> = {
  id: 'pending-variables',
  about: 'variables of the unit files that the running process was not started with',
  gather: async (_host, use) => {
    const [process, configured, unit, start] = await Promise.all([use(mainProcess), known(use(configuredEnvironment)), use(unitState), known(use(configuredContext))])
    if (!configured.known) return configured
    if (process === null || process.pid === 'self') return { known: false, because: 'The service is not running.', how: null }
    if (!process.environ.known) return process.environ
    // A child, or the program that a wrapper ended in, may well have been given another environment on the way.
    if (process.pid !== unit?.mainPid || (start.known && start.value.exe !== process.exe)) return { known: true, value: [] }
    const running = process.environ.value
    const model = asConfigured(configured.value)
    const names = new Set([...configured.value.settings, ...configured.value.files.flatMap(({ found }) => (found.known ? found.value.flatMap(({ variables }) => variables) : []))].map(({ name }) => name))
    return {
      known: true,
      value: [...names].filter((name) => name in model && model[name] !== running[name]).map((name) => ({ name, configured: model[name]!, running: running[name] ?? null, source: configuredSource(configured.value, name) })),
    }
  },
}
