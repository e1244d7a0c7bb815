import { CannotSee } from '../cannot-see.ts'
import type { Env, EnvironmentRow, Fact } from '../types.ts'
import { configuredEnvironment, type ConfiguredEnvironment } from './environment-configured.ts'
import { knownVariable, VARIABLES } from './environment-variables.ts'
import { process_ } from './process.ts'
import { shellEnvironment } from './shell-environment.ts'
import { unitState } from './unit-state.ts'

/**
 * The invoking shell beside the service, as its unit files set it up and as it runs: only variables that are set
 * somewhere and that have to do with speech recognition. What PAM would add is in `running` alone.
 */
export const environmentMatrix: Fact<readonly EnvironmentRow[]> = {
  id: 'environment-matrix',
  about: 'the invoking shell beside the service, variable by variable',
  gather: async (_host, use) => {
    const [shell, process, unit] = await Promise.all([use(shellEnvironment), use(process_), use(unitState)])
    if (process !== null && process.pid !== 'self' && !process.environ.known) throw new CannotSee(process.environ.because, process.environ.how)
    const running: Env = process === null || process.pid === 'self' || !process.environ.known ? {} : process.environ.value
    const configured = unit === null ? {} : asConfigured(await use(configuredEnvironment))
    return rowsOf(shell.env, configured, running)
  },
}

/** The whole model where it is known; else what the unit and its readable files set themselves. */
export function asConfigured(configured: ConfiguredEnvironment): Env {
  if (configured.env.known) return configured.env.value
  const fromFiles = configured.files.flatMap(({ found }) => (found.known ? found.value.flatMap(({ variables }) => variables) : []))
  return Object.fromEntries([...configured.settings, ...fromFiles].map(({ name, value }) => [name, value]))
}

function rowsOf(shell: Env, configured: Env, running: Env): readonly EnvironmentRow[] {
  const names = [...new Set([shell, configured, running].flatMap((env) => Object.keys(env)))]
  const rows = names.flatMap((name) => {
    const values = [shell[name], configured[name], running[name]].map((value) => value ?? null)
    const known = knownVariable(name, values[2] ?? values[1] ?? values[0] ?? null)
    return known === null ? [] : [{ name, shell: values[0]!, configured: values[1]!, running: values[2]!, matters: known.matters, because: known.because, known }]
  })
  const order = (row: (typeof rows)[number]) => (VARIABLES.includes(row.known) ? VARIABLES.indexOf(row.known) : VARIABLES.length)
  return rows.sort((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1)).map(({ known: _, ...row }) => row)
}
