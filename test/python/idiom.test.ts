import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import check from '../../checks/python/namespace-file-idiom.ts'
import type { Context } from '../../src/facts/context.ts'
import { replacementOf } from '../../src/facts/python-replacement.ts'
import { scanSource, type Scope, type SourceScan } from '../../src/facts/source-scan.ts'
import type { Finding, Outcome } from '../../src/types.ts'
import { diagnoseHere, hostHere } from '../support/diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { clean, folder, started, WAITING } from './place.ts'
import { install, newest, pythons, pythonMissing, wheelsMissing, WHEELS } from './wheels.ts'

function scan(executable: string, scope: Partial<Scope>): Promise<SourceScan> {
  const place = { name: 'service', env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }, uid: process.geteuid!(), gid: process.getegid!(), groups: [], namespaceOf: null, cwd: '/' }
  return scanSource(hostHere(), { executable, flags: [], start: null, scriptFolder: null, as: place, pid: null, context: {} as Context }, { folders: [], files: [], modules: [], entries: [], ...scope })
}

const shown = (of: SourceScan, root: string): readonly string[] => of.idioms.map((row) => `${row.file.replace(`${root}/`, '')}:${row.line} ${row.module}.${row.attribute}`)

/** relay.js of incident 3, lines 423 to 426, and the one-liner of faster-whisper's README. */
const RELAY = '// nvidia.cublas.__file__ in a comment\nconst cublasLocation = execSync(`${pythonCmd} -c "import nvidia.cublas; import os; print(os.path.dirname(nvidia.cublas.__file__))"`, { \n'
const README = `#!/bin/bash\n# os.path.dirname(nvidia.cublas.lib.__file__)\nexport LD_LIBRARY_PATH=\`python3 -c 'import os; import nvidia.cublas.lib; import nvidia.cudnn.lib; print(os.path.dirname(nvidia.cublas.lib.__file__) + ":" + os.path.dirname(nvidia.cudnn.lib.__file__))'\`\nexec python3 server.py\n`

describeWith('python', pythonMissing(), () => {
  afterEach(clean)

  it.each(pythons)('Python 3.$minor: finds the idiom in every dress, and not in comments, documentation or guarded code', async ({ path }) => {
    const at = folder({
      'relay.js': RELAY,
      'start.sh': README,
      'start.bat': 'REM nvidia.cublas.__file__\r\npy -c "import nvidia.cudnn as c; print(nvidia.cudnn.__path__[0])"\r\n',
      'app/direct.py': 'import os, nvidia.cublas\nfolder = os.path.dirname(nvidia.cublas.__file__)  # nvidia.cudnn.__file__\n',
      'app/alias.py': 'from nvidia import cublas as blas, cudnn\nimport nvidia.cufft.lib as fft, os\n\nx = os.path.dirname(blas.__file__)\ny = cudnn.__path__[0]\nz = fft.__file__\nw = other.cudnn.__file__\n',
      'app/dynamic.py': 'import importlib\nm = importlib.import_module("nvidia.curand")\nprint(m.__file__, importlib.util.find_spec("nvidia.nccl").origin, list(nvidia.nvtx.__path__)[0], next(iter(nvidia.nvtx.__path__)))\n',
      'app/prose.py': '"""Do not use nvidia.cublas.__file__.\n\nnvidia.cublas.__path__[0] neither.\n"""\nimport os\n\ndef f():\n    "nvidia.cublas.__file__"\n    return "nvidia.cudnn.__file__ is data here"\n',
      'app/guarded.py': 'import os, nvidia.cublas, nvidia.cudnn\nif nvidia.cublas.__file__ is None:\n    d = list(nvidia.cublas.__path__)\nelse:\n    d = [os.path.dirname(nvidia.cublas.__file__)]\ne = os.path.dirname(nvidia.cudnn.__file__) if getattr(nvidia.cudnn, "__file__", None) else None\n',
      'app/right.py': 'import nvidia.cublas\nfolders = list(nvidia.cublas.__path__)\nprint(my_nvidia.cublas.__file__, __file__)\n',
      'app/latin.py': 'import os\nname = "Größe"\nprint(os.path.dirname(nvidia.größe.__file__))\n',
      'node_modules/x/index.js': RELAY,
      'venv/pyvenv.cfg': 'home = /usr\n',
      'venv/lib/python3.11/site-packages/x.py': 'nvidia.cublas.__file__\n',
      'notes.md': 'nvidia.cublas.__file__\n',
      'data.bin': 'nvidia.cublas.__file__\n',
    })
    const found = await scan(path, { folders: [at] })
    expect(shown(found, at)).toEqual([
      'relay.js:2 nvidia.cublas.__file__',
      'start.bat:2 nvidia.cudnn.__path__[0]',
      'start.sh:3 nvidia.cublas.lib.__file__',
      'start.sh:3 nvidia.cudnn.lib.__file__',
      'app/alias.py:4 nvidia.cublas.__file__',
      'app/alias.py:5 nvidia.cudnn.__path__[0]',
      'app/alias.py:6 nvidia.cufft.lib.__file__',
      'app/direct.py:2 nvidia.cublas.__file__',
      'app/dynamic.py:3 nvidia.curand.__file__',
      'app/dynamic.py:3 nvidia.nccl.__file__',
      'app/dynamic.py:3 nvidia.nvtx.__path__[0]',
      'app/latin.py:3 nvidia.größe.__file__',
      'app/prose.py:9 nvidia.cudnn.__file__',
    ])
    expect(found.complete).toBe(true)
    expect(found.idioms[0]!.text).toBe(RELAY.split('\n')[1])
  })

  it('looks into the package that a console script belongs to, even where it is installed', async () => {
    const at = folder({ 'bin/asr-server': '#!/usr/bin/python3\nimport re\nimport sys\nfrom asr_app.cli import main\nsys.exit(main())\n', 'site/asr_app/__init__.py': '', 'site/asr_app/cli.py': 'import nvidia.cublas, os\np = os.path.dirname(nvidia.cublas.__file__)\n', 'site/other/__init__.py': 'nvidia.cublas.__file__\n' })
    const place = { name: 'service', env: { PATH: '/usr/bin:/bin', PYTHONPATH: join(at, 'site') }, uid: process.geteuid!(), gid: process.getegid!(), groups: [], namespaceOf: null, cwd: '/' }
    const found = await scanSource(hostHere(), { executable: newest, flags: [], start: null, scriptFolder: null, as: place, pid: null, context: {} as Context }, { folders: [], files: [], modules: [], entries: [join(at, 'bin/asr-server')] })
    expect(shown(found, at)).toEqual(['site/asr_app/cli.py:2 nvidia.cublas.__file__'])
  })

  it('stops at its limits and says so', async () => {
    const at = folder(Object.fromEntries(Array.from({ length: 12 }, (_, depth) => [`${'d/'.repeat(depth)}x.py`, 'pass\n'])))
    expect(await scan(newest, { folders: [at] })).toMatchObject({ complete: false, stoppedBy: '8 levels of folders', files: 9 })
    const large = folder({ 'big.js': `${' '.repeat(1 << 20)}\n` })
    expect(await scan(newest, { folders: [large] })).toMatchObject({ complete: false, stoppedBy: `a source file larger than 1 MiB: ${large}/big.js` })
    const many = folder(Object.fromEntries(Array.from({ length: 2100 }, (_, n) => [`m${n}.py`, ''])))
    expect(await scan(newest, { folders: [many] })).toMatchObject({ complete: false, stoppedBy: '2000 files' })
  })
})

describe('the replacement of a line', () => {
  it.each([
    [RELAY.split('\n')[1]!, 'nvidia.cublas', '__file__', RELAY.split('\n')[1]!.replace('os.path.dirname(nvidia.cublas.__file__)', 'os.pathsep.join(nvidia.cublas.__path__)')],
    ['    os.environ["LD_LIBRARY_PATH"] = os.path.join(os.path.dirname(nvidia.cudnn.__file__), "lib")', 'nvidia.cudnn', '__file__', '    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(os.path.join(p, "lib") for p in nvidia.cudnn.__path__)'],
    ['print(os.path.abspath(nvidia.cudnn.__path__[0]))', 'nvidia.cudnn', '__path__[0]', 'print(os.path.abspath(os.pathsep.join(nvidia.cudnn.__path__)))'],
    // One folder is wanted, or no `os` is at hand: to be rewritten by hand.
    ['folder = os.path.dirname(nvidia.cublas.__file__)', 'nvidia.cublas', '__file__', null],
    ['py -c "import nvidia.cudnn; print(nvidia.cudnn.__path__[0])"', 'nvidia.cudnn', '__path__[0]', null],
    ['print(Path(nvidia.cublas.__file__).parent, os.sep)', 'nvidia.cublas', '__file__', null],
  ] as const)('%s', (text, module, attribute, after) => expect(replacementOf({ text, module, attribute })).toBe(after))
})

describeWith('python wheels', wheelsMissing(), () => {
  afterEach(clean)

  const SERVER = `import os\n\ndef library_path():\n    import nvidia.cuda_runtime.lib\n    return print(os.path.dirname(nvidia.cuda_runtime.lib.__file__))\n`

  /** A running service, its wheels in one or more site directories, and what the check says of it. */
  async function judged(executable: string, sites: readonly (readonly string[])[], source = SERVER, main = 'def serve():\n    import server\n'): Promise<{ readonly outcome: Outcome; readonly at: string; readonly sites: readonly string[] }> {
    const at = folder({ 'server.py': source, 'main.py': WAITING + main })
    const places = sites.map((wheels) => {
      const site = folder()
      install(site, ...wheels)
      return site
    })
    const pid = await started(at, { PYTHONPATH: places.join(':') }, executable, 'main.py')
    const { outcomes, log } = await diagnoseHere({ kind: 'pid', pid }, [check])
    const outcome = outcomes.get(check.id)!
    for (const finding of outcome.status === 'found' ? outcome.findings : []) {
      for (const { source: cited } of finding.evidence) expect(log.has(cited.replace(/:\d+$/, '')) || log.has(cited), cited).toBe(true)
    }
    return { outcome, at, sites: places }
  }

  const finding = (outcome: Outcome): Finding => {
    expect(outcome).toMatchObject({ status: 'found' })
    return (outcome as { findings: readonly Finding[] }).findings[0]!
  }

  it.each(pythons)('Python 3.$minor: a wheel without __init__.py is a fault, and the new line is right', async ({ path, minor }) => {
    const { outcome, at, sites } = await judged(path, [[WHEELS.runtimeWithoutInit]])
    const found = finding(outcome)
    expect(found).toMatchObject({ severity: 'warning', confidence: 'likely' })
    const value = minor === 6 ? 'there is no such attribute' : 'it is None'
    expect(found.cause).toBe(`${at}/server.py:5 takes the folder of the libraries from nvidia.cuda_runtime.lib.__file__, and ${value}: ${sites[0]}/nvidia/cuda_runtime/lib holds no __init__.py.`)
    expect(found.refuted![0]!.hypothesis).toBe('Python 3.13 changed __file__ of namespace packages.')
    expect(found.refuted![0]!.because).toContain('nvidia-cuda-runtime-cu12 12.9.79')
    // The fault is real: so says the interpreter itself, before the edit and after it.
    const run = () => execFileSync(path, ['-B', '-c', 'import server; server.library_path()'], { cwd: at, env: { PYTHONPATH: sites.join(':') }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
    expect(run).toThrow(minor === 6 ? /AttributeError/ : /TypeError: expected str, bytes or os.PathLike object, not NoneType/)
    const edit = found.fixes[0]!.edits[0]!
    if (edit.kind !== 'line') throw new Error('no edit of a line')
    const lines = SERVER.split('\n')
    expect(lines[edit.line - 1]).toBe(edit.before)
    lines[edit.line - 1] = edit.after!
    writeFileSync(join(at, 'server.py'), lines.join('\n'))
    expect(run()).toBe(`${sites[0]}/nvidia/cuda_runtime/lib`)
  })

  it('with an __init__.py the line works: no more than a remark', async () => {
    expect(finding((await judged(newest, [[WHEELS.runtimeWithInit]])).outcome)).toMatchObject({ severity: 'info', cause: expect.stringContaining('which the installed wheel still has and newer wheels do not') })
  })

  it('CUDA 13 has no such package at all', async () => {
    const { outcome, at, sites } = await judged(newest, [[WHEELS.runtime13]])
    expect(finding(outcome)).toMatchObject({ severity: 'warning', cause: `${at}/server.py:5 imports nvidia.cuda_runtime.lib, which cannot be imported here, and its libraries lie in ${sites[0]}/nvidia/cu13/lib.` })
  })

  it('the first entry of __path__ alone is a fault only where a second holds libraries', async () => {
    const first = 'import nvidia\nfolder = nvidia.__path__[0]\n'
    const split = await judged(newest, [[WHEELS.nvtxWithoutInit], [WHEELS.runtimeWithoutInit]], first)
    expect(finding(split.outcome)).toMatchObject({ severity: 'warning', cause: `${split.at}/server.py:2 takes only the first entry of nvidia.__path__, which has 2: ${split.sites[0]}/nvidia and ${split.sites[1]}/nvidia.` })
    expect(finding((await judged(newest, [[WHEELS.runtimeWithoutInit]], first)).outcome)).toMatchObject({ severity: 'info' })
  })

  it('a regular nvidia/__init__.py that hides the wheel asked for', async () => {
    const hidden = await judged(newest, [[WHEELS.nvtxWithInit], [WHEELS.runtimeWithoutInit]])
    expect(finding(hidden.outcome)).toMatchObject({ severity: 'warning', cause: expect.stringContaining(`its libraries lie in ${hidden.sites[1]}/nvidia/cuda_runtime/lib.`) })
  })

  it('every entry of __path__ is right, no wheel is another matter, and no idiom is none', async () => {
    expect((await judged(newest, [[WHEELS.runtimeWithoutInit]], 'import nvidia.cuda_runtime\nfolders = list(nvidia.cuda_runtime.__path__)\n')).outcome).toEqual({ status: 'passed' })
    expect((await judged(newest, [])).outcome).toEqual({ status: 'not-applicable', because: 'No NVIDIA wheel is installed for the Python of this service.' })
    expect((await judged(newest, [[WHEELS.nvtxWithoutInit]])).outcome).toEqual({ status: 'passed' })
  })

  it('what the service does not import is not its fault', async () => {
    expect((await judged(newest, [[WHEELS.runtimeWithoutInit]], SERVER, '# import server\n')).outcome).toEqual({ status: 'passed' })
    expect((await judged(newest, [[WHEELS.runtimeWithoutInit]], `"""A test."""\n${SERVER.replace('library_path', 'test_path')}`)).outcome).toEqual({ status: 'passed' })
  })

  it('a Node service that asks the python3 of its PATH, as in incident 3', async () => {
    const at = folder({ 'relay.js': `const pythonCmd = 'python3'; require('fs').writeFileSync('up', '')\nsetTimeout(() => {}, 120000)\n${RELAY.replaceAll('cublas', 'cuda_runtime').replace('execSync(', 'void (').replace(', { ', ')')}`, 'bin/python3': `#!/bin/sh\nexec ${newest} "$@"\n` })
    const site = folder()
    install(site, WHEELS.runtimeWithoutInit)
    const pid = await started(at, { PATH: `${at}/bin:/usr/bin:/bin`, PYTHONPATH: site }, process.execPath, 'relay.js')
    const { outcomes } = await diagnoseHere({ kind: 'pid', pid }, [check])
    expect(finding(outcomes.get(check.id)!)).toMatchObject({ cause: expect.stringMatching(/relay\.js:4 takes the folder of the libraries from nvidia\.cuda_runtime\.__file__, and it is None/) })
  })

  it('a native program has no source to look through', async () => {
    const at = folder()
    const pid = await started(at, {}, '/bin/sh', '-c', 'touch up; exec sleep 120')
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { outcomes } = await diagnoseHere({ kind: 'pid', pid }, [check])
    expect(outcomes.get(check.id)).toEqual({ status: 'not-applicable', because: 'The target is a program without source beside it.' })
  })
})
