import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { ancestors } from '../paths.ts'
import { question } from '../question.ts'
import type { Env, Evidence, Fact, Host } from '../types.ts'
import { context } from './context.ts'
import { knownVariable } from './environment-variables.ts'
import { gpuIntent } from './gpu-intent.ts'
import { process_ } from './process.ts'
import { isPython } from './python-command.ts'
import { unitState, type UnitState } from './unit-state.ts'

/** A path the service uses, and what its sandbox makes of it. */
export interface SandboxedPath {
  readonly path: string
  readonly use: 'argument' | 'variable' | 'user packages' | 'model cache' | 'kernel cache'
  readonly problem: 'hidden' | 'read-only'
  /** The setting that does it, as the manager shows it. */
  readonly setting: string
  /** Seen in the process's own mount namespace, not deduced from the settings. */
  readonly seen: boolean
  readonly evidence: readonly Evidence[]
}

export const sandboxedPaths: Fact<readonly SandboxedPath[]> = {
  id: 'cache-paths',
  about: "models, packages and caches that the service's sandbox hides or makes read-only",
  gather: async (host, use) => {
    const unit = await use(unitState)
    if (unit === null) throw new DoesNotApply('The target is no systemd service, so no unit setting hides files from it.')
    // A root of its own has its own files; what lies outside says nothing about it.
    if (unit.properties['RootDirectory'] || unit.properties['RootImage']) throw new DoesNotApply('The service has a root directory of its own.')
    const [of, process] = await Promise.all([use(context), use(process_)])
    if (!of.env.known) throw new CannotSee(of.env.because, of.env.how)
    const { asks, gpuPresent } = await use(gpuIntent)
    const caches = asks === 'gpu' && gpuPresent ? kernelCache(of.env.value) : []
    const running = process !== null && process.pid !== 'self'
    const mounts = running && process.mountinfo.known ? readOnlyMounts(process.mountinfo.value) : null
    const hidden = await judged(host, unit, running ? of.root : null, candidates([...of.argv, ...(process?.launchers ?? []).flatMap(({ argv }) => argv.slice(1))], of.env.value), caches)
    const writable = caches.filter((path) => !hidden.some((each) => each.path === path))
    const closed = writable.flatMap((path): SandboxedPath[] => {
      const setting = settingFor(unit, path, 'read-only')
      if (setting === null || (mounts !== null && !mounts.isReadOnly(path))) return []
      const evidence = [{ source: unit.source, saw: setting }, ...(mounts === null ? [] : [{ source: question.read(`${process!.folder}/mountinfo`), saw: `${mounts.pointOf(path)} ro` }])]
      return [{ path, use: 'kernel cache', problem: 'read-only', setting, seen: mounts !== null, evidence }]
    })
    return [...hidden, ...closed]
  },
}

interface Candidate {
  readonly path: string
  readonly use: SandboxedPath['use']
}

/** Absolute paths named to the program, in variables that matter, and what a Python of this user would look for at home. */
function candidates(argv: readonly string[], env: Env): readonly Candidate[] {
  const named = argv.slice(1).flatMap((word) => /(?:^|=)(\/[^=]+)$/.exec(word)?.[1] ?? [])
  const variables = Object.entries(env).flatMap(([name, value]) =>
    knownVariable(name, value)?.matters && !['PATH', 'HOME'].includes(name) ? value.split(':').map((part) => part.replace(/^unix/, '')).filter((part) => part.startsWith('/')) : [],
  )
  const home = env['HOME']
  const atHome: Candidate[] = home === undefined || !argv.some(isPython) ? [] : [
    ...('PYTHONNOUSERSITE' in env ? [] : [{ path: `${home}/.local/lib`, use: 'user packages' as const }]),
    ...('HF_HOME' in env || 'HF_HUB_CACHE' in env ? [] : [{ path: `${env['XDG_CACHE_HOME'] ?? `${home}/.cache`}/huggingface`, use: 'model cache' as const }]),
  ]
  const all = [...named.map((path) => ({ path, use: 'argument' as const })), ...variables.map((path) => ({ path, use: 'variable' as const })), ...atHome]
  return all.filter(({ path }, at) => all.findIndex((each) => each.path === path) === at)
}

/** CUDA keeps compiled kernels in ~/.nv/ComputeCache unless told otherwise (CUDA programming guide, environment variables). */
function kernelCache(env: Env): readonly string[] {
  if (env['CUDA_CACHE_DISABLE'] === '1') return []
  const path = env['CUDA_CACHE_PATH'] ?? (env['HOME'] === undefined ? null : `${env['HOME']}/.nv/ComputeCache`)
  return path?.startsWith('/') ? [path] : []
}

/** `root` null = the service does not run, so only its settings tell. */
async function judged(host: Host, unit: UnitState, root: string | null, paths: readonly Candidate[], caches: readonly string[]): Promise<readonly SandboxedPath[]> {
  if (root === '') return []
  const all: readonly Candidate[] = [...paths, ...caches.map((path) => ({ path, use: 'kernel cache' as const }))]
  const found = await Promise.all(
    all.map(async ({ path, use }): Promise<SandboxedPath | null> => {
      const setting = settingFor(unit, path, 'hidden')
      if (setting === null) return null
      const outside = await known(host.stat(path))
      // A cache need not be there yet.
      if (use !== 'kernel cache' && (!outside.known || outside.value === null)) return null
      const evidence: Evidence[] = [{ source: unit.source, saw: setting }, ...(outside.known && outside.value !== null ? [{ source: question.stat(path), saw: outside.value.type }] : [])]
      if (root === null) return unit.scope === 'user' ? null : { path, use, problem: 'hidden', setting, seen: false, evidence }
      if (use === 'kernel cache') {
        const folder = await deepest(host, path)
        const inside = await host.stat(root + folder)
        // A folder closed by the sandbox is there, and nobody may enter it (mode 000).
        if (inside !== null && inside.mode !== 0) return null
        return { path, use, problem: 'hidden', setting, seen: true, evidence: [...evidence, { source: question.stat(root + folder), saw: inside === null ? 'no such file' : 'mode 0000' }] }
      }
      if ((await host.stat(root + path)) !== null) return null
      return { path, use, problem: 'hidden', setting, seen: true, evidence: [...evidence, { source: question.stat(root + path), saw: 'no such file' }] }
    }),
  )
  return found.filter((each) => each !== null)
}

/** The longest part of a path that exists on the machine. */
async function deepest(host: Host, path: string): Promise<string> {
  for (const folder of [...ancestors(path), path].reverse()) {
    const stat = await known(host.stat(folder))
    if (stat.known && stat.value !== null) return folder
  }
  return '/'
}

const below = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder.replace(/\/+$/, '')}/`)
const HOMES = ['/home', '/root', '/run/user']

/** The setting of the unit that accounts for it; null = none of its settings does, so it is not the sandbox. */
export function settingFor(unit: Pick<UnitState, 'properties'>, path: string, problem: 'hidden' | 'read-only'): string | null {
  const value = (name: string): string => unit.properties[name] ?? ''
  const listed = (name: string): readonly string[] => value(name).split(/[ \n]+/).map((word) => word.replace(/^[-+]+/, '').split(':')[0]!).filter((word) => word.startsWith('/'))
  const bound = [...listed('BindPaths'), ...listed('BindReadOnlyPaths')].some((folder) => below(path, folder))
  const atHome = HOMES.some((folder) => below(path, folder))
  if (problem === 'hidden') {
    if (bound) return null
    if (['yes', 'tmpfs'].includes(value('ProtectHome')) && atHome) return `ProtectHome=${value('ProtectHome')}`
    const inaccessible = listed('InaccessiblePaths').find((folder) => below(path, folder))
    if (inaccessible) return `InaccessiblePaths=${inaccessible}`
    const covered = listed('TemporaryFileSystem').find((folder) => below(path, folder))
    if (covered) return `TemporaryFileSystem=${covered}`
    return value('PrivateTmp') === 'yes' && ['/tmp', '/var/tmp'].some((folder) => below(path, folder)) ? 'PrivateTmp=yes' : null
  }
  const open = listed('ReadWritePaths').some((folder) => below(path, folder)) || [['CacheDirectory', '/var/cache'], ['StateDirectory', '/var/lib']].some(([name, folder]) => value(name!).split(' ').some((word) => word !== '' && below(path, `${folder}/${word.split(':')[0]}`)))
  if (open) return null
  if (value('ProtectHome') === 'read-only' && atHome) return 'ProtectHome=read-only'
  const closed = listed('ReadOnlyPaths').find((folder) => below(path, folder))
  if (closed) return `ReadOnlyPaths=${closed}`
  return value('ProtectSystem') === 'strict' && !['/dev', '/proc', '/sys'].some((folder) => below(path, folder)) && !(value('PrivateTmp') === 'yes' && below(path, '/tmp')) ? 'ProtectSystem=strict' : null
}

/** Which mount a path lies on, the longest mount point winning, the later one for equals; proc(5), mountinfo. */
function readOnlyMounts(mountinfo: string): { readonly isReadOnly: (path: string) => boolean; readonly pointOf: (path: string) => string } {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [, , , , point, options] = line.split(' ')
    return point && options ? [{ point: point.replace(/\\040/g, ' '), readOnly: options.split(',').includes('ro') }] : []
  })
  const of = (path: string) => mounts.filter(({ point }) => point === '/' || below(path, point)).reduce((best, each) => (each.point.length >= best.point.length ? each : best), { point: '/', readOnly: false })
  return { isReadOnly: (path) => of(path).readOnly, pointOf: (path) => of(path).point }
}
