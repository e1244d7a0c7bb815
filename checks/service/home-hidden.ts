import { defineCheck, type Directive, type Evidence, type Finding, type Fix, type Immutable } from '../../src/index.ts'
import { sandboxedPaths, type SandboxedPath } from '../../src/facts/cache-paths.ts'
import { unitState, type UnitState } from '../../src/facts/unit-state.ts'

export default defineCheck({
  id: 'service/home-hidden',
  title: 'The sandbox of the service hides its models or caches',
  docs: {
    what: 'Takes the files named in the command line and in variables, user-installed Python packages, the Hugging Face cache and the CUDA kernel cache, and looks for each in the service’s own view of the file system, beside ProtectHome=, ProtectSystem=, InaccessiblePaths=, TemporaryFileSystem= and PrivateTmp=.',
    why: 'ProtectHome=yes hides /home, /root and /run/user: models and user packages vanish, sound sockets too. Where the kernel cache cannot be written, CUDA compiles again at each start what the engine brings for no known GPU.',
    remedy: 'Bind the needed folders into the sandbox, or give the service folders of its own with CacheDirectory= and StateDirectory=.',
    links: ['https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#ProtectHome=', 'https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory='],
  },
  fixes: 'always',
  needs: { paths: sandboxedPaths, unit: unitState },
  run({ paths, unit }): readonly Finding[] {
    if (unit === null) return []
    const settings = [...new Set(paths.map(({ setting, problem }) => `${problem} ${setting}`))]
    return settings.map((key): Finding => {
      const group = paths.filter(({ setting, problem }) => `${problem} ${setting}` === key)
      const { setting, problem } = group[0]!
      // A file in /tmp may be one that the service makes itself.
      const needed = setting !== 'PrivateTmp=yes' && group.some(({ use }) => use === 'argument')
      const what = group.map(({ path, use }) => `${path} (${WORDS[use]})`).join(', ')
      return {
        severity: needed ? 'error' : 'warning',
        confidence: group.every(({ seen }) => seen) && needed ? 'certain' : 'likely',
        cause: problem === 'hidden' ? `${setting} hides ${what} from ${unit.name}.` : `${setting} makes ${what} read-only for ${unit.name}.`,
        evidence: group.flatMap(({ evidence }) => evidence).filter((each, at, all) => all.findIndex(({ source, saw }) => source === each.source && saw === each.saw) === at) as unknown as [Evidence, ...Evidence[]],
        fixes: fixesFor(group, setting, unit),
      }
    })
  },
})

const WORDS: Readonly<Record<SandboxedPath['use'], string>> = {
  argument: 'named in its command line',
  variable: 'named in its environment',
  'user packages': 'Python packages of its user',
  'model cache': 'the Hugging Face cache of its user',
  'kernel cache': 'the cache of kernels that CUDA compiles',
}

function fixesFor(group: readonly SandboxedPath[], setting: string, unit: Immutable<UnitState>): readonly Fix[] {
  const flag = unit.scope === 'user' ? '--user ' : ''
  const then = [`systemctl ${flag}daemon-reload`, `systemctl ${flag}restart ${unit.name}`]
  const service = (key: string, value: string): Directive => ({ section: 'Service', key, value })
  const edit = (set: readonly Directive[]) => [{ kind: 'unit-drop-in' as const, unit: unit.name, scope: unit.scope, set }]
  const fixes: Fix[] = []
  if (group.some(({ use }) => use === 'kernel cache') && unit.scope === 'system') {
    const name = unit.name.replace(/\.service$/, '').replace(/[^A-Za-z0-9_.-]/g, '-')
    fixes.push({
      title: `Give ${unit.name} a cache folder of its own for the kernels that CUDA compiles`,
      safety: 'risky',
      edits: edit([service('CacheDirectory', name), service('Environment', `CUDA_CACHE_PATH=/var/cache/${name}/cuda`)]),
      then,
    })
  }
  const files = group.filter(({ use }) => use !== 'kernel cache').map(({ path }) => path)
  if (files.length > 0) {
    const bindable = files.every((path) => !/[\s:%]/.test(path) && !path.startsWith('/run/user/'))
    fixes.push(
      bindable
        ? {
            title: `Show ${unit.name} ${files.join(', ')} and nothing else of what ${setting} hides`,
            safety: 'risky',
            // Mount points can be made in an empty tmpfs, not in the closed folder of ProtectHome=yes.
            edits: edit([...(setting === 'ProtectHome=yes' ? [service('ProtectHome', 'tmpfs')] : []), ...files.map((path) => service('BindReadOnlyPaths', path))]),
            then,
          }
        : { title: `Take ${setting} back for ${unit.name}, or put ${files.join(', ')} elsewhere`, safety: 'manual', edits: [], then },
    )
  }
  return fixes.length > 0 ? fixes : [{ title: `Take ${setting} back for ${unit.name}`, safety: 'manual', edits: [], then }]
}
