import { known } from '../cannot-see.ts'
import { configuredContext } from '../facts/configured-context.ts'
import { configuredEnvironment } from '../facts/environment-configured.ts'
import { process_ } from '../facts/process.ts'
import { target } from '../facts/target.ts'
import { unitChanges } from '../facts/unit-changes.ts'
import { unitFiles } from '../facts/unit-files.ts'
import { unitState, type UnitState } from '../facts/unit-state.ts'
import { gatherer } from '../gather.ts'
import { hostOf, type Ask, type Question } from '../host/host.ts'
import { overlay, type Instead } from '../host/overlay.ts'
import { basename } from '../paths.ts'
import { assignmentsOf, type Assignment } from '../systemd/unit-file.ts'
import type { Fact, Host, Json, Known, Output, Use } from '../types.ts'
import type { Plan } from './plan.ts'
import { changedProperties, quoted, withProperties } from './properties.ts'
import { afterRestart } from './restarted.ts'
import { profileAfter } from './profile-after.ts'

/**
 * The machine as it would be with the plan carried out, the manager reloaded and the service restarted. Files are as
 * written. What the running process is asked for is derived from the unit's files by the same model that the facts use,
 * and only where the plan changes it: counters, maps and restarts stay those of the old process, so that nothing counts
 * as cured merely because a restart wipes it.
 */
export async function mended(machine: Ask, plan: Plan): Promise<Ask> {
  const profile = await profileAfter(machine, plan)
  const before = await lookAt(hostOf(machine))
  // What is written already and waits for its reload comes with the restart too.
  const touched = plan.changes.some(({ unit }) => unit !== null) || plan.rows.some(({ wish }) => wish.fix.edits.some(({ kind }) => kind === 'unit-drop-in' || kind === 'env-file'))
  if (before === null || !touched) return overlay(machine, plan.changes, profile)

  const after = changedFiles(before, plan)
  const specifiers = before.environment.known ? before.environment.value.specifiers : {}
  // Where files wait for a reload, the manager knows none of their lines yet, so far as we can tell.
  const loaded = before.state.properties['NeedDaemonReload'] === 'yes' ? [] : before.assignments
  const properties = changedProperties(loaded, after.assignments, specifiers)
  const unknown = [...properties].filter(([, value]) => value === null).map(([name]) => name)
  const values = new Map([
    ...[...properties].flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
    ['DropInPaths', after.dropIns.map(quoted).join(' ')] as const,
    ['NeedDaemonReload', 'no'] as const,
  ])
  const manager: Instead = (asked, ask) => (showsUnit(asked, before.state) ? shown(asked, ask, values) : undefined)
  const files = overlay(machine, plan.changes, (asked, ask) => profile(asked, ask) ?? manager(asked, ask))
  const process = before.process
  if (process === null) return files
  const host = hostOf(files)
  const use = gatherer(host)
  const [environment, context] = await Promise.all([seen(use, configuredEnvironment), seen(use, configuredContext)])
  const running = await afterRestart({
    machine,
    unit: before.state,
    process,
    properties: new Map([...properties].filter(([name]) => !unknown.includes(name)) as [string, string][]),
    pending: before.pending,
    newer: before.newer,
    causes: causesOf(plan),
    environment: { before: before.environment, after: environment },
    context: { before: before.context, after: context },
  })
  return overlay(machine, plan.changes, (asked, ask) => profile(asked, ask) ?? manager(asked, ask) ?? running(asked, ask))
}

interface Before {
  readonly state: UnitState
  readonly fragment: string | null
  readonly paths: readonly string[]
  readonly assignments: readonly Assignment[]
  readonly texts: ReadonlyMap<string, string>
  readonly environment: Known<(typeof configuredEnvironment) extends Fact<infer T> ? T : never>
  readonly context: Known<(typeof configuredContext) extends Fact<infer T> ? T : never>
  readonly process: NonNullable<(typeof process_) extends Fact<infer T> ? T : never> | null
  /** The unit's files were changed and not yet reloaded, or not yet in effect. */
  readonly pending: boolean
  readonly newer: readonly string[]
}

async function lookAt(host: Host): Promise<Before | null> {
  const use = gatherer(host)
  const asked = await use(target)
  if (asked.kind !== 'unit' && asked.kind !== 'pid') return null
  const state = await seen(use, unitState)
  if (!state.known || state.value === null) return null
  const files = await seen(use, unitFiles)
  if (!files.known) return null
  const [environment, context, process, changes] = await Promise.all([seen(use, configuredEnvironment), seen(use, configuredContext), seen(use, process_), seen(use, unitChanges)])
  const newer = changes.known ? changes.value.newer.map(({ path }) => path) : []
  return {
    state: state.value,
    fragment: state.value.fragmentPath,
    paths: files.value.files.map(({ path }) => path),
    assignments: files.value.assignments,
    texts: new Map(files.value.files.map(({ path, text }) => [path, text])),
    environment, context,
    process: process.known && process.value !== null && process.value.pid !== 'self' ? process.value : null,
    pending: state.value.properties['NeedDaemonReload'] === 'yes' || newer.length > 0,
    newer,
  }
}

/** "Does not apply" is, here, one more way not to know. */
async function seen<T>(use: Use, fact: Fact<T>): Promise<Known<T>> {
  try {
    return await known(use(fact))
  } catch (error) {
    return { known: false, because: error instanceof Error ? error.message : String(error), how: null }
  }
}

function changedFiles({ state, fragment, paths, texts }: Before, plan: Plan): { readonly dropIns: readonly string[]; readonly assignments: readonly Assignment[] } {
  const names = [state.name, state.name.replace(/@[^@]*(\.[a-z]+)$/, '@$1')]
  const now = new Map(texts)
  for (const { target: path, after } of plan.changes) {
    const ours = names.some((name) => path.endsWith('.conf') && path.includes(`/${name}.d/`)) || texts.has(path)
    if (ours && after !== null) now.set(path, after)
    if (after === null) now.delete(path)
  }
  const dropIns = [...new Set([...paths, ...now.keys()])].filter((path) => path !== fragment && now.has(path)).sort((a, b) => (basename(a) < basename(b) ? -1 : 1))
  const all = [...(fragment === null ? [] : [fragment]), ...dropIns]
  return { dropIns, assignments: all.flatMap((path) => assignmentsOf(now.get(path) ?? '', path)) }
}

const showsUnit = ({ verb, args }: Question, { name }: UnitState): boolean => verb === 'run' && args[0] === 'systemctl' && args.includes('show') && args.at(-1) === name

const propertiesAsked = ({ args }: Question): readonly string[] => args.flatMap((arg) => (arg.startsWith('--property=') ? arg.slice('--property='.length).split(',') : []))

async function shown(asked: Question, ask: Ask, values: ReadonlyMap<string, string>): Promise<Json> {
  const output = (await ask(asked)) as unknown as Output | null
  return output === null ? null : ({ ...output, stdout: withProperties(output.stdout, values, propertiesAsked(asked)) } as unknown as Json)
}

/** Fixes that give the process other variables or other rights. */
const IDENTITY = /^(Environment|EnvironmentFile|PassEnvironment|UnsetEnvironment|User|Group|SupplementaryGroups|DynamicUser|PAMName|WorkingDirectory|(Runtime|State|Cache|Logs|Configuration)Directory)$/
const causesOf = ({ rows }: Plan): readonly string[] => [
  ...new Set(rows.filter(({ wish }) => wish.fix.edits.some((edit) => edit.kind === 'env-file' || (edit.kind === 'line' && [edit.before, edit.after ?? ''].some((line) => IDENTITY.test(line.split('=')[0]!.trim()))) || (edit.kind === 'unit-drop-in' && edit.set.some(({ key }) => IDENTITY.test(key))))).map(({ wish }) => wish.check)),
]
