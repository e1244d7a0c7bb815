import { environmentFileOf } from '../systemd/environment-file.ts'
import { expanded } from '../systemd/specifiers.ts'
import { assignmentsOf } from '../systemd/unit-file.ts'
import { wordsOf } from '../systemd/words.ts'
import { basename } from '../paths.ts'
import type { Directive, Edit } from '../types.ts'
import { dropIn } from './edits/drop-in.ts'
import { envFile } from './edits/env-file.ts'
import { heavier } from './edits/limits.ts'
import { current, put, type Draft } from './draft.ts'
import type { Wish } from './plan.ts'
import { Refused } from './refused.ts'
import { extended, isSearchList } from './edits/search-list.ts'
import { unitSite, type Site, type UnitSite } from './site.ts'
import { isList } from './edits/systemd-text.ts'
import { refuseVendorEnvironment } from './vendor.ts'

export const DROP_IN = '50-asr-doctor.conf'

type UnitEdit = Extract<Edit, { kind: 'unit-drop-in' }>

/**
 * What should hold for a unit, as drop-in text; a variable that an EnvironmentFile of the unit sets is changed there,
 * because such a file is read after every Environment= line (systemd.exec(5)).
 */
export async function unitDropIn(edit: UnitEdit, wish: Wish, draft: Draft, site: Site): Promise<void> {
  const unit = await unitSite(site, edit.unit, edit.scope)
  if (unit.state.fragmentPath?.startsWith('/run/systemd/transient/')) throw new Refused(`${edit.unit} is transient (systemd-run) and will be gone with its process; give the setting to the command that makes it.`)
  const inFiles = new Map<string, Record<string, string>>()
  const set: Directive[] = []
  for (const directive of edit.set) {
    const [name, value] = directive.key === 'Environment' ? split(directive.value) : [null, '']
    const file = name === null ? null : fileThatSets(unit, name)
    if (name === null) set.push(merged(directive, `${edit.scope} ${edit.unit}`, wish, draft))
    else if (file === null) set.push({ ...directive, value: `${name}=${combined(directive, name, value, `${edit.scope} ${edit.unit}`, wish, draft, () => existing(unit, name, draft))}` })
    else {
      const there = await existingIn(file, name, draft, site)
      inFiles.set(file, { ...inFiles.get(file), [name]: combined(directive, name, value, file, wish, draft, () => there) })
    }
  }
  for (const [file, variables] of inFiles) {
    await refuseVendorEnvironment(file, site)
    const before = await current(draft, site, file)
    put(draft, file, before, envFile(variables, before, file), 'unit', edit.unit)
  }
  const left = lastOfEach(set).filter((directive) => !holds(unit, directive, draft))
  if (left.length === 0) return
  const target = `${unit.folder}/${nameAfter(unit, left)}`
  const before = draft.texts.has(target) ? draft.texts.get(target)!.text : await onDisk(unit, target, site)
  put(draft, target, before, dropIn(left, `${wish.fix.title.replace(/\.$/, '')} (${wish.check})`, before, target), 'unit', edit.unit)
}

/** A variable that is set twice has grown on the way: the last one is all of it. */
const lastOfEach = (set: readonly Directive[]): readonly Directive[] =>
  set.filter((each, at) => each.key !== 'Environment' || !set.slice(at + 1).some((later) => later.key === 'Environment' && split(later.value)[0] === split(each.value)[0]))

const split = (assignment: string): readonly [string, string] => {
  const at = assignment.indexOf('=')
  if (at < 1) throw new Refused(`Environment= wants NAME=value, not ${JSON.stringify(assignment)}.`)
  return [assignment.slice(0, at), assignment.slice(at + 1)]
}

/** One value for all wishes of a variable. Lists of folders grow; of anything else there can be but one. */
function combined(directive: Directive, name: string, value: string, place: string, wish: Wish, draft: Draft, existing: () => string | null): string {
  if (!isSearchList(name)) return single(`${place} ${name}`, name, value, wish, draft, () => null)
  const key = `${place} ${name}`
  const before = draft.lists.get(key) ?? { base: existing(), wanted: new Set<string>(), first: [], last: [] }
  const list = { base: directive.replaces ? null : before.base, wanted: new Set([...before.wanted, value]), first: wish.place === 'first' ? [value, ...before.first] : before.first, last: wish.place === 'last' ? [...before.last, value] : before.last }
  draft.lists.set(key, list)
  // By the letter and not by who came first: the same wishes give the same list.
  const wanted = [...list.first, ...[...list.wanted].filter((each) => !list.last.includes(each)).sort(), ...list.last].join(':')
  return list.base === null ? (list.wanted.size === 1 ? value : extended(wanted, '')) : extended(wanted, carried(name, list.base))
}

/** Of a list for the loader or the shell only real folders are carried on: an element that is no absolute path means the working directory or nothing. */
const carried = (name: string, value: string): string =>
  name === 'LD_LIBRARY_PATH' || name === 'PATH' ? value.split(':').filter((part) => /^(\/|\$\{?(ORIGIN|LIB|PLATFORM)\b)/.test(part)).join(':') : value

/** The EnvironmentFile that has the last word on a variable; null = none has. */
function fileThatSets({ environment }: UnitSite, name: string): string | null {
  for (const { found } of [...(environment?.files ?? [])].reverse()) {
    const file = found.known ? [...found.value].reverse().find(({ variables }) => variables.some((each) => each.name === name)) : undefined
    if (file !== undefined) return file.path
  }
  return null
}

/** What the variable would hold without this edit: as the plan has it already, else as the unit is set up. */
function existing(unit: UnitSite, name: string, draft: Draft): string | null {
  for (const [target, { text }] of [...draft.texts].reverse()) {
    if (!target.startsWith(`${unit.folder}/`) || text === null) continue
    const value = lastValue(text, target, name)
    if (value !== null) return value
  }
  if (unit.environment === null) return lastIn(unit, name)
  const { env, settings } = unit.environment
  return env.known ? (env.value[name] ?? null) : (settings.filter((each) => each.name === name).at(-1)?.value ?? null)
}

const lastIn = ({ files }: UnitSite, name: string): string | null => files.reduce<string | null>((last, { path, text }) => lastValue(text, path, name) ?? last, null)

function lastValue(text: string, file: string, name: string): string | null {
  const words = assignmentsOf(text, file).filter(({ section, key }) => section === 'Service' && key === 'Environment').flatMap(({ value }) => wordsOf(value).words)
  const word = words.filter((each) => each.startsWith(`${name}=`)).at(-1)
  return word === undefined ? null : (expanded(word, {}) ?? word).slice(name.length + 1)
}

async function existingIn(file: string, name: string, draft: Draft, site: Site): Promise<string | null> {
  const text = await current(draft, site, file)
  return environmentFileOf(text ?? '').filter((each) => each.name === name).at(-1)?.value ?? null
}

function merged(directive: Directive, unit: string, wish: Wish, draft: Draft): Directive {
  const { section, key, value } = directive
  return isList(key) ? directive : { ...directive, value: single(`${unit} ${section} ${key}`, key, value, wish, draft, (a, b) => heavier(key, a, b)) }
}

/** Two wishes for what takes one value: of two limits the looser one serves both; anything else is a contradiction, and the first one stands. */
function single(place: string, name: string, value: string, wish: Wish, draft: Draft, either: (a: string, b: string) => string | null): string {
  const other = draft.single.get(place)
  const chosen = other === undefined || other.value === value ? value : either(other.value, value)
  if (chosen === null) throw new Refused(`${other!.check} already sets ${name}=${other!.value}, and both cannot hold.`)
  draft.single.set(place, { value: chosen, check: wish.check })
  return chosen
}

/** The unit says so already, and no draft of ours says otherwise. */
function holds(unit: UnitSite, { section, key, value }: Directive, draft: Draft): boolean {
  if (key === 'Environment' || value === '' || [...draft.texts.keys()].some((target) => target.startsWith(`${unit.folder}/`))) return false
  const all = unit.assignments.filter((each) => each.section === section && each.key === key)
  const since = all.slice(all.findLastIndex((each) => each.value === '') + 1)
  return isList(key) ? since.some((each) => each.value === value) : since.at(-1)?.value === value
}

/**
 * Our drop-in, under a name that sorts behind every file that would have the last word otherwise: drop-ins count in the
 * order of their names, wherever they lie, and `systemctl edit` writes override.conf (systemd.unit(5)). One of our own from an
 * earlier run is such a file too; it is gone on with.
 */
function nameAfter(unit: UnitSite, set: readonly Directive[]): string {
  const rivals = unit.files
    .filter(({ path }) => path !== unit.state.fragmentPath)
    .filter(({ path, text }) => assignmentsOf(text, path).some((each) => set.some((directive) => rivalOf(directive, each))))
    .map(({ path }) => basename(path))
  const last = [...rivals].sort().at(-1)
  if (last === undefined) return DROP_IN
  const candidates = [DROP_IN, '99-asr-doctor.conf', 'zz-asr-doctor.conf', ...(last.endsWith('asr-doctor.conf') ? [last] : [])]
  return candidates.find((name) => last <= name) ?? `${last.replace(/\.conf$/, '')}_asr-doctor.conf`
}

function rivalOf({ section, key, value }: Directive, other: { readonly section: string | null; readonly key: string; readonly value: string }): boolean {
  if (other.section !== section || other.key !== key) return false
  if (!isList(key)) return true
  if (other.value === '') return true
  return key === 'Environment' && wordsOf(other.value).words.some((word) => word.split('=')[0] === value.split('=')[0])
}

/** A drop-in that the manager has loaded is read; one that it has not, though it needs no reload, is not there. */
async function onDisk(unit: UnitSite, target: string, { host }: Site): Promise<string | null> {
  const file = unit.files.find(({ path }) => path === target)
  if (file !== undefined) return file.text
  return unit.state.properties['NeedDaemonReload'] === 'no' && unit.state.fragmentPath !== null ? null : host.read(target)
}
