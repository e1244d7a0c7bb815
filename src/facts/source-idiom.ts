import { DoesNotApply, known } from '../cannot-see.ts'
import { basename, dirname } from '../paths.ts'
import type { Fact, Host } from '../types.ts'
import { context, type Context } from './context.ts'
import { execStartOf, isPython } from './python-command.ts'
import { interpreter, interpreterByName, programOf, type Interpreter } from './python-interpreter.ts'
import { askView } from './python-view.ts'
import { python, type PythonView } from './python.ts'
import { reachOf, scanSource, type Scope, type SourceScan } from './source-scan.ts'
import { target } from './target.ts'
import { unitState, type UnitState } from './unit-state.ts'

/** The service's own source, as far as it asks NVIDIA's wheels where they lie, and the Python that these lines ask. */
export interface SourceIdiom {
  /** null = not looked at: without an NVIDIA wheel no such line can find anything. */
  readonly scan: SourceScan | null
  readonly python: PythonView
}

/** null = no Python is to be found that such a line could run in. */
export const sourceIdiom: Fact<SourceIdiom | null> = {
  id: 'source-idiom',
  about: "lines of the service's own source that ask NVIDIA's Python packages where they lie",
  gather: async (host, use) => {
    const asked = await use(target)
    if (asked.kind !== 'unit' && asked.kind !== 'pid') throw new DoesNotApply('No program is named whose source could be looked through.')
    const [of, own, unit] = await Promise.all([use(context), use(interpreter), use(unitState)])
    const scope = await scopeOf(host, of, own, unit)
    if (scope.folders.length + scope.files.length + scope.modules.length + scope.entries.length === 0) {
      throw new DoesNotApply('The target is a program without source beside it.')
    }
    // A Node or shell program may call a Python of its own choice: by name, on its PATH.
    const at = own ?? (await interpreterByName(host, of))
    if (at === null) return null
    const view = own === null ? await askView(host, at) : await use(python)
    if (view === null) return null
    return { scan: view.nvidia.portions.length === 0 ? null : ofTheService(await scanSource(host, at, scope)), python: view }
  },
}

/**
 * Without what merely lies beside the service. A line there that loads libraries counts all the same where not every import can be
 * followed: it makes a finding doubtful, and none of its own. A limit met beside the service hides nothing of it.
 */
const ofTheService = (scan: SourceScan): SourceScan => ({
  ...scan,
  idioms: scan.idioms.filter((line) => reachOf(line) !== 'beside'),
  preloads: scan.preloads.filter((line) => scan.followed !== true || reachOf(line) !== 'beside'),
  complete: scan.complete || scan.followed === true,
})

/** Programs that are given the service as `module:name`, or as a script. */
const SERVERS = /^(uvicorn|gunicorn|hypercorn|granian|daphne|uwsgi)$/

export async function scopeOf(host: Host, of: Context, own: Interpreter | null, unit: UnitState | null): Promise<Scope> {
  const folders = new Set<string>()
  const files = new Set<string>()
  const modules = new Set<string>()
  const entries = new Set<string>()
  const script = async (path: string): Promise<void> => {
    const whole = path.startsWith('/') ? path : of.cwd === null ? null : `${of.cwd}/${path}`
    const real = whole === null ? null : await known(host.realpath(of.root + whole))
    if (real === null || !real.known || real.value === null) return
    const file = real.value.slice(of.root.length) || '/'
    // The scripts in a bin folder are neighbours by chance; the imports of a console script say what it belongs to.
    if (isOwnFolder(dirname(file))) folders.add(dirname(file))
    else entries.add(file)
    files.add(file)
  }
  if (own?.start?.kind === 'script') await script(own.start.path)
  if (own?.start?.kind === 'module') modules.add(own.start.name)
  const commands = [{ path: of.exe ?? of.argv[0] ?? '', argv: of.argv }, ...execStartOf(unit?.properties['ExecStart'] ?? '')]
  for (const { path, argv } of commands) {
    const program = await known(programOf(host, of, path))
    if (!program.known || program.value === null || isPython(path)) continue
    const linkage = await known(host.linkage(of.root + program.value))
    if (linkage.known && linkage.value?.format === 'broken') await script(program.value)
    const given = /^(node|nodejs|deno|bun|(ba|da|z|k)?sh|env|perl|ruby)$/.test(basename(path)) ? argv.slice(1).find((word) => /\.\w+$/.test(word) && !word.startsWith('-')) : undefined
    if (given !== undefined) await script(given)
  }
  const start = own?.start
  const runner = start?.kind === 'module' ? start.name : start?.kind === 'script' && /(^|\/)s?bin\/[^/]+$/.test(start.path) ? basename(start.path) : null
  for (const word of runner === null ? [] : commands.flatMap(({ argv }) => argv.slice(1))) {
    const app = SERVERS.test(runner!) ? /^([A-Za-z_][\w.]*):[A-Za-z_]\w*(\(.*\))?$/.exec(word)?.[1] : undefined
    if (app !== undefined) modules.add(app)
    else if (/^[^-].*\.py$/.test(word) && !(start?.kind === 'script' && word === start.path)) await script(word)
  }
  const interpreted = folders.size + files.size + modules.size > 0
  if (interpreted && of.cwd !== null && isOwnFolder(of.cwd)) folders.add(of.cwd)
  // What a unit's own command line does in a shell stands in the unit's files.
  for (const file of unit === null ? [] : [unit.fragmentPath, ...unit.dropInPaths]) if (file !== null && (interpreted || /\bnvidia\b/.test(unit!.properties['ExecStart'] ?? ''))) files.add(file)
  const outermost = [...folders].filter((folder) => ![...folders].some((other) => other !== folder && folder.startsWith(`${other}/`)))
  return { folders: outermost.sort(), files: [...files].sort(), modules: [...modules].sort(), entries: [...entries].sort() }
}

/** A folder of one program, not one that many share: `/opt`, a home, a bin folder, the system's own trees. */
const isOwnFolder = (folder: string): boolean => !SHARED.some((pattern) => pattern.test(folder))

const SHARED = [
  /^\/[^/]*$/,
  /^\/home\/[^/]+$/,
  /\/s?bin$/,
  /\/(site|dist)-packages$/,
  /\/node_modules$/,
  /^\/usr\/(local\/)?[^/]+$/,
  /^\/usr\/lib\/python[^/]*(\/|$)/,
  /^\/var\/(lib|tmp|cache|log|spool|www)$/,
  /^\/(etc|proc|sys|dev|run\/systemd)(\/|$)/,
]
