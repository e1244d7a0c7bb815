import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { basename } from '../paths.ts'
import { question } from '../question.ts'
import { dropInFolders } from '../systemd/unit-name.ts'
import { assignmentsOf, type Assignment } from '../systemd/unit-file.ts'
import { wordsOf } from '../systemd/words.ts'
import type { Fact, Host, Scope } from '../types.ts'
import { unitState, type UnitState } from './unit-state.ts'

export interface UnitFile {
  readonly path: string
  readonly text: string
}

/** The files that make up a unit, in the order in which their assignments count. */
export interface UnitFiles {
  readonly unit: string
  readonly scope: Scope
  readonly files: readonly UnitFile[]
  readonly assignments: readonly Assignment[]
  /**
   * Drop-ins that lie on disk and are not loaded, or are loaded and no longer on disk. The manager itself overlooks a
   * drop-in folder made after its last reload (NeedDaemonReload=no, seen with v252), so the folders are read here.
   * `files` is what a reload would load.
   */
  readonly notLoaded: readonly string[]
  readonly gone: readonly string[]
}

/** Where an assignment stands, for evidence. */
export const lineSource = (of: { readonly file: string; readonly line: number }): string => `${question.read(of.file)}:${of.line}`

export const unitFiles: Fact<UnitFiles> = {
  id: 'unit-files',
  about: "the unit's files, line by line",
  gather: async (host, use) => {
    const unit = await use(unitState)
    if (unit === null) throw new DoesNotApply('The target is no systemd service.')
    if (unit.loadState === 'not-found') throw new CannotSee(`The service manager finds no unit called ${unit.name}.`)
    // An alias of a masked unit fails to load, and its file state tells why.
    if (unit.loadState === 'masked' || /^masked/.test(unit.properties['UnitFileState'] ?? '')) throw new DoesNotApply(`${unit.name} is masked, so no setting of it has any effect.`)
    const loaded = unit.dropInPaths
    const onDisk = await dropInsOnDisk(host, unit)
    const paths = [...(unit.fragmentPath === null ? [] : [unit.fragmentPath]), ...onDisk]
    const read = await Promise.all(paths.map(async (path) => ({ path, text: await textOf(host, path) })))
    const files = read.flatMap(({ path, text }) => (text === null ? [] : [{ path, text }]))
    return {
      unit: unit.name,
      scope: unit.scope,
      files,
      assignments: files.flatMap(({ path, text }) => assignmentsOf(text, path)),
      notLoaded: onDisk.filter((path) => !loaded.includes(path)),
      gone: [...loaded.filter((path) => !onDisk.includes(path)), ...read.filter(({ text }) => text === null).map(({ path }) => path)],
    }
  },
}

/** A link to /dev/null masks a drop-in: it is there and says nothing. */
async function textOf(host: Host, path: string): Promise<string | null> {
  if ((await host.realpath(path)) === '/dev/null') return ''
  return host.read(path)
}

/** /lib may be a link to /usr/lib: then a file has two paths, and the manager names it by one of them. */
async function asLoaded(host: Host, unit: UnitState, path: string): Promise<string> {
  const twin = unit.dropInPaths.find((loaded) => basename(loaded) === basename(path))
  if (twin === undefined || twin === path) return path
  const [a, b] = await Promise.all([host.realpath(path), host.realpath(twin)])
  return a !== null && a === b ? twin : path
}

/**
 * What a reload would find, in the manager's own search path: by file name across all folders, the first folder winning
 * for equal names (systemd.unit(5)).
 */
export async function dropInsOnDisk(host: Host, unit: UnitState): Promise<readonly string[]> {
  const shown = await host.run('systemctl', [...unit.manager, 'show', '--no-pager', '--property=UnitPath'])
  const unitPath = wordsOf(/^UnitPath=(.*)$/m.exec(shown?.stdout ?? '')?.[1] ?? '').words
  if (unitPath.length === 0) return unit.dropInPaths
  const names = wordsOf(unit.properties['Names'] || unit.name).words
  const folders = dropInFolders(names, unitPath)
  const byName = new Map<string, string>()
  const lists = await Promise.all(folders.map((folder) => known(host.list(folder))))
  if (lists.some((list) => !list.known)) return unit.dropInPaths
  for (const [at, list] of lists.entries()) {
    for (const name of (list.known ? list.value : null) ?? []) if (name.endsWith('.conf') && !byName.has(name)) byName.set(name, `${folders[at]}/${name}`)
  }
  const paths = [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path)
  return Promise.all(paths.map((path) => asLoaded(host, unit, path)))
}
