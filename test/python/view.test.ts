import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Context } from '../../src/facts/context.ts'
import type { Interpreter } from '../../src/facts/python-interpreter.ts'
import { moduleOf } from '../../src/facts/python-modules.ts'
import { askView } from '../../src/facts/python-view.ts'
import type { PythonView } from '../../src/facts/python.ts'
import type { Env } from '../../src/types.ts'
import { hostHere } from '../support/diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { install, newest, pythons, wheelsMissing, WHEELS } from './wheels.ts'

const folders: string[] = []
const temporary = (): string => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'asr-doctor-view-')))
  folders.push(folder)
  return folder
}
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

interface Asked {
  readonly env?: Env
  readonly flags?: readonly string[]
  readonly scriptFolder?: string
  readonly cwd?: string
  readonly limitMs?: number
}

/** Asks an interpreter in the place of a service with this environment. */
function view(executable: string, { env = {}, flags = [], scriptFolder, cwd = '/', limitMs = 20_000 }: Asked = {}): Promise<PythonView> {
  const place = { name: 'service', env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', ...env }, uid: process.geteuid!(), gid: process.getegid!(), groups: [], namespaceOf: null, cwd }
  const interpreter: Interpreter = { executable, flags, start: null, scriptFolder: scriptFolder ?? null, as: place, pid: null, context: {} as Context }
  return askView(hostHere({ kind: 'shell' }, limitMs), interpreter)
}

/** The interpreter itself, importing for real: the oracle. */
function imports(executable: string, module: string, env: Env): { readonly file: string | null | 'no attribute' | 'not importable'; readonly path: readonly string[] } {
  const code = `
import json
try:
    import ${module} as m
    print(json.dumps([getattr(m, '__file__', 'no attribute'), list(m.__path__)]))
except ImportError:
    print(json.dumps(['not importable', []]))`
  const out = execFileSync(executable, ['-c', code], { encoding: 'utf8', cwd: '/', env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', ...env } })
  const [file, path] = JSON.parse(out) as [string | null, string[]]
  return { file, path }
}

/** What our model of import says must be what import does. */
function agrees(seen: PythonView, executable: string, module: string, env: Env): void {
  const real = imports(executable, module, env)
  const model = moduleOf(seen.nvidia, module)
  if (model.kind === 'regular') expect(real.file).toBe(model.file)
  else if (model.kind === 'absent') expect(real.file).toBe('not importable')
  else {
    expect(real.path).toEqual(model.path)
    // Python 3.6 has no such attribute on a namespace package; from 3.7 it is None. Python 3.13 changed nothing here.
    expect(real.file).toBe(seen.version[1] === 6 ? 'no attribute' : null)
  }
}

describeWith('python wheels', wheelsMissing(), () => {
  let site: Record<'init' | 'bare' | 'cu13' | 'nvtxInit' | 'nvtxBare', string>
  beforeAll(() => {
    const base = temporary()
    site = { init: join(base, 'init'), bare: join(base, 'bare'), cu13: join(base, 'cu13'), nvtxInit: join(base, 'nvtx-init'), nvtxBare: join(base, 'nvtx-bare') }
    install(site.init, WHEELS.runtimeWithInit)
    install(site.bare, WHEELS.runtimeWithoutInit)
    install(site.cu13, WHEELS.runtime13)
    install(site.nvtxInit, WHEELS.nvtxWithInit)
    install(site.nvtxBare, WHEELS.nvtxWithoutInit)
  })

  it.each(pythons)('Python 3.$minor: wheels with and without __init__.py, as import itself has them', async ({ path, minor }) => {
    for (const [name, PYTHONPATH, runtime] of [
      ['with', site.init, 'regular'],
      ['without', site.bare, 'namespace'],
      ['cu13', site.cu13, 'absent'],
      ['both, without first', `${site.bare}:${site.init}`, 'regular'],
      ['two roots', `${site.bare}:${site.nvtxBare}`, 'namespace'],
      ['regular hides later', `${site.nvtxInit}:${site.bare}`, 'absent'],
      ['regular hides earlier', `${site.bare}:${site.nvtxInit}`, 'absent'],
    ] as const) {
      const seen = await view(path, { env: { PYTHONPATH } })
      expect(seen.version.slice(0, 2), name).toEqual([3, minor])
      expect(moduleOf(seen.nvidia, 'nvidia.cuda_runtime').kind, name).toBe(runtime)
      for (const module of ['nvidia', 'nvidia.cuda_runtime', 'nvidia.cuda_runtime.lib', 'nvidia.nvtx', 'nvidia.cu13', 'nvidia.cublas']) agrees(seen, path, module, { PYTHONPATH })
    }
  })

  it('names every library directory, hidden from import or not', async () => {
    const hidden = await view(newest, { env: { PYTHONPATH: `${site.nvtxInit}:${site.bare}:${site.cu13}` } })
    expect(hidden.nvidia.roots).toEqual([`${site.nvtxInit}/nvidia`])
    expect(hidden.nvidia.shadowedBy).toBe(`${site.nvtxInit}/nvidia/__init__.py`)
    expect(hidden.nvidia.libraryDirs).toEqual([
      { directory: `${site.nvtxInit}/nvidia/nvtx/lib`, root: `${site.nvtxInit}/nvidia`, layout: 'component', libraries: ['libnvToolsExt.so.1'] },
      { directory: `${site.bare}/nvidia/cuda_runtime/lib`, root: `${site.bare}/nvidia`, layout: 'component', libraries: ['libcudart.so.12'] },
      { directory: `${site.cu13}/nvidia/cu13/lib`, root: `${site.cu13}/nvidia`, layout: 'cu13', libraries: ['libcudart.so.13'] },
    ])
    expect(hidden.distributions.map(({ name, version }) => `${name} ${version}`)).toEqual(['nvidia-nvtx-cu12 12.8.90', 'nvidia-cuda-runtime-cu12 12.9.79', 'nvidia-cuda-runtime 13.0.96'])
    const alone = await view(newest, { env: { PYTHONPATH: site.init } })
    expect(alone.nvidia.shadowedBy).toBeNull()
  })

  it('a regular package that extends its own path hides nothing', async () => {
    const extending = temporary()
    mkdirSync(join(extending, 'nvidia'))
    writeFileSync(join(extending, 'nvidia/__init__.py'), '__path__ = __import__("pkgutil").extend_path(__path__, __name__)\n')
    const PYTHONPATH = `${extending}:${site.bare}`
    const seen = await view(newest, { env: { PYTHONPATH } })
    expect(seen.nvidia.shadowedBy).toBeNull()
    expect(seen.nvidia.roots).toEqual([`${extending}/nvidia`, `${site.bare}/nvidia`])
    agrees(seen, newest, 'nvidia.cuda_runtime', { PYTHONPATH })
  })

  it('a module file nvidia.py hides them all', async () => {
    const file = temporary()
    writeFileSync(join(file, 'nvidia.py'), '')
    const seen = await view(newest, { env: { PYTHONPATH: `${file}:${site.bare}` } })
    expect(seen.nvidia).toMatchObject({ roots: [], shadowedBy: `${file}/nvidia.py` })
    expect(seen.nvidia.libraryDirs.map((dir) => dir.directory)).toEqual([`${site.bare}/nvidia/cuda_runtime/lib`])
  })

  it.each(pythons)('Python 3.$minor: user site and a system-site venv are two roots, a plain venv sees neither', async ({ path, minor }) => {
    const base = temporary()
    const env = { PYTHONUSERBASE: join(base, 'user') }
    const { userSite } = await view(path, { env })
    install(userSite.path!, WHEELS.runtimeWithoutInit)
    execFileSync(path, ['-m', 'venv', '--without-pip', '--system-site-packages', join(base, 'open')])
    execFileSync(path, ['-m', 'venv', '--without-pip', join(base, 'closed')])
    const inVenv = join(base, `open/lib/python3.${minor}/site-packages`)
    install(inVenv, WHEELS.nvtxWithoutInit)
    const [open, closed, forced, plain, isolated] = await Promise.all([
      view(join(base, 'open/bin/python'), { env }),
      view(join(base, 'closed/bin/python'), { env }),
      view(join(base, 'open/bin/python'), { env: { ...env, PYTHONNOUSERSITE: '1' } }),
      view(path, { env }),
      view(path, { env, flags: ['-s'] }),
    ])
    expect(new Set(open.nvidia.roots)).toEqual(new Set([`${inVenv}/nvidia`, `${userSite.path}/nvidia`]))
    for (const module of ['nvidia', 'nvidia.cuda_runtime', 'nvidia.nvtx']) agrees(open, join(base, 'open/bin/python'), module, env)
    expect(open).toMatchObject({ executable: join(base, 'open/bin/python'), venv: join(base, 'open'), userSite: { enabled: true } })
    expect(closed).toMatchObject({ venv: join(base, 'closed'), userSite: { enabled: false }, nvidia: { roots: [], libraryDirs: [] } })
    expect(forced.nvidia.roots).toEqual([`${inVenv}/nvidia`])
    expect(plain).toMatchObject({ venv: null, nvidia: { roots: [`${userSite.path}/nvidia`] } })
    // The service's own options are given again, and no others.
    expect(isolated.nvidia.roots).toEqual([])
  })

  it('a ./nvidia where the service was started is not on its path, one beside its script is', async () => {
    const trap = temporary()
    mkdirSync(join(trap, 'nvidia'))
    writeFileSync(join(trap, 'nvidia/__init__.py'), '')
    writeFileSync(join(trap, 'json.py'), 'raise SystemExit("the standard library must come first")\n')
    const env = { PYTHONPATH: site.bare }
    const fromFolder = await view(newest, { env, cwd: trap })
    expect(fromFolder.nvidia.roots).toEqual([`${site.bare}/nvidia`])
    const besideScript = await view(newest, { env, cwd: trap, scriptFolder: trap })
    expect(besideScript.path[0]).toBe(trap)
    expect(besideScript.nvidia.shadowedBy).toBe(`${trap}/nvidia/__init__.py`)
    const safe = await view(newest, { env: { ...env, PYTHONSAFEPATH: '1' }, cwd: trap, scriptFolder: trap })
    if (pythons.at(-1)!.minor >= 11) expect(safe.nvidia.roots).toEqual([`${site.bare}/nvidia`])
  })

  it.each(pythons)('Python 3.$minor: what start-up code prints, and names that are no ASCII, do not spoil the answer', async ({ path }) => {
    const noisy = join(temporary(), 'Möbel')
    install(noisy, WHEELS.runtimeWithoutInit)
    writeFileSync(join(noisy, 'sitecustomize.py'), 'import atexit\nprint("{\\"executable\\": \\"noise\\"}")\natexit.register(lambda: print("more noise"))\n')
    const seen = await view(path, { env: { PYTHONPATH: noisy } })
    expect(seen.nvidia.libraryDirs).toEqual([{ directory: `${noisy}/nvidia/cuda_runtime/lib`, root: `${noisy}/nvidia`, layout: 'component', libraries: ['libcudart.so.12'] }])
  })

  it('an interpreter that hangs at its start is given up in time and ended', async () => {
    const hanging = temporary()
    const note = join(hanging, 'pid')
    writeFileSync(join(hanging, 'sitecustomize.py'), `import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen(${JSON.stringify(note)}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n`)
    const start = Date.now()
    await expect(view(newest, { env: { PYTHONPATH: hanging }, limitMs: 1500 })).rejects.toThrow(/gave no answer within/)
    expect(Date.now() - start).toBeLessThan(4000)
    const pid = Number(execFileSync('cat', [note], { encoding: 'utf8' }))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(() => process.kill(pid, 0)).toThrow()
  })

  it('an interpreter that fails at its start says so in its own words', async () => {
    await expect(view(newest, { env: { PYTHONHOME: '/nonexistent' } })).rejects.toThrow(/could not be asked what it sees: .*(encodings|Fatal|core|initialize|module)/i)
    await expect(view('/nonexistent/bin/python')).rejects.toThrow('is not to be found')
  })
})
