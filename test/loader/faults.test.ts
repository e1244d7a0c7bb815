/**
 * Every way in which an engine's libraries fail to load, on real ELF files: what the real loader, the real ldd and the real
 * onnxruntime-node say, beside the model, and the finding that a running service gets.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { cuda } from '../../checks/cuda/index.ts'
import { cudnn } from '../../checks/cudnn/index.ts'
import { diagnose } from '../../src/diagnose.ts'
import { ldd } from '../../src/facts/ldd.ts'
import { resolution, type LibraryResolution } from '../../src/facts/resolution.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { realMachine } from '../../src/host/real.ts'
import { recorded, type Answer } from '../../src/host/replay.ts'
import type { Finding } from '../../src/types.ts'
import { describeWith } from '../support/rig.ts'

const RIG = fileURLToPath(new URL('../rigs/dynlib/', import.meta.url))
const ORT = fileURLToPath(new URL('../../node_modules/onnxruntime-node/', import.meta.url))
const NOBODY = 65534
const lacking = ['gcc', 'g++', 'patchelf', 'aarch64-linux-gnu-gcc', 'setpriv', 'ldd', 'ldconfig', 'setcap', 'getcap', 'unshare', 'python3'].filter((name) => spawnSync('which', [name]).status !== 0 && !existsSync(`/usr/sbin/${name}`) && !existsSync(`/sbin/${name}`))
const missing = process.platform !== 'linux' || process.arch !== 'x64' ? 'needs Linux on x86_64' : process.geteuid?.() !== 0 ? 'needs root' : lacking.length > 0 ? `apt-get install ${lacking.join(' ')} (gcc g++ patchelf gcc-aarch64-linux-gnu libcap2-bin util-linux libc-bin python3)` : null

/** The folders of one variation. */
interface Ground {
  readonly w: string
  readonly bin: string
  readonly provider: string
  ldp: string | undefined
  /** What the invoking shell has; the service's own where not said. */
  shell: string | undefined
  nobody: boolean
  env: Record<string, string>
  cwd: string
}

interface Variation {
  readonly name: string
  readonly make: (g: Ground) => void
  /** What the real dlopen(3) says of the provider: loads, or fails with these words; a signal for a file cut short. */
  readonly real: 'loads' | RegExp | 'signal' | 'absent'
  readonly finds: readonly string[]
  readonly cause?: RegExp
  /** Said of onnxruntime-node where it is not what dlopen says. */
  readonly ort?: RegExp
}

const lt = (g: Ground) => join(g.w, 'cuda/libcublasLt.so.12')
const run = (program: string, ...args: string[]) => void execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
const object = (text: string, to: string, ...args: string[]) => void execFileSync('gcc', ['-shared', '-fPIC', '-w', '-xc', '-', '-xnone', '-o', to, ...args], { input: text, stdio: ['pipe', 'ignore', 'inherit'] })
const script = 'GROUP ( /usr/lib/libcublasLt.so.12 )' + ' '.repeat(80) + '\n'
const noSuchFile = /libcublasLt\.so\.12: cannot open shared object file: No such file/

const VARIATIONS: readonly Variation[] = [
  { name: 'everything found through LD_LIBRARY_PATH', make: () => {}, real: 'loads', finds: [] },
  { name: 'incident 0: the libraries are there, LD_LIBRARY_PATH only in the shell', make: (g) => { g.shell = g.ldp; g.ldp = undefined }, real: noSuchFile, finds: ['error cuda/libraries-hidden'], cause: /which lie in .*\/\{cuda,cudnn\}, but no path/ },
  { name: 'libcublasLt missing', make: (g) => rmSync(lt(g)), real: noSuchFile, finds: ['error cuda/libraries-absent'], cause: /libcublasLt\.so\.12, which was found neither/ },
  { name: 'libcudnn missing', make: (g) => rmSync(join(g.w, 'cudnn/libcudnn.so.9')), real: /libcudnn\.so\.9: cannot open/, finds: ['error cuda/libraries-absent'] },
  { name: 'a cuDNN sub-library missing: ldd is clean, the load succeeds', make: (g) => ['graph', 'ops'].forEach((part) => rmSync(join(g.w, `cudnn/libcudnn_${part}.so.9`))), real: 'loads', finds: ['error cudnn/sublibraries-missing'], cause: /opens libcudnn_graph\.so\.9 and libcudnn_ops\.so\.9 by itself/ },
  {
    name: 'only CUDA 11 is installed', real: noSuchFile, finds: ['error cuda/library-major-mismatch'], cause: /libcublasLt\.so\.11/,
    make: (g) => { for (const stem of ['libcublasLt', 'libcublas', 'libcudart']) { run('patchelf', '--set-soname', `${stem}.so.11`, join(g.w, `cuda/${stem}.so.12`)); renameSync(join(g.w, `cuda/${stem}.so.12`), join(g.w, `cuda/${stem}.so.11`)) } },
  },
  { name: 'cuDNN 8 is installed, 9 asked for', real: /libcudnn\.so\.9: cannot open/, finds: ['error cudnn/major-mismatch'], make: (g) => { renameSync(join(g.w, 'cudnn/libcudnn.so.9'), join(g.w, 'cudnn/libcudnn.so.8')); run('patchelf', '--set-soname', 'libcudnn.so.8', join(g.w, 'cudnn/libcudnn.so.8')) } },
  {
    name: 'RUNPATH is not inherited', real: noSuchFile, finds: ['error cuda/libraries-hidden'], cause: /which lies in .*\/lt, but no path/,
    make: (g) => { apart(g); run('patchelf', '--set-rpath', `${g.w}/cuda:${g.w}/cudnn:${g.w}/lt`, g.provider) },
  },
  { name: 'DT_RPATH is inherited', real: 'loads', finds: [], make: (g) => { apart(g); run('patchelf', '--force-rpath', '--set-rpath', `${g.w}/cuda:${g.w}/cudnn:${g.w}/lt`, g.provider) } },
  { name: 'a good RUNPATH, no LD_LIBRARY_PATH', real: 'loads', finds: [], make: (g) => { g.ldp = undefined; run('patchelf', '--set-rpath', `${g.w}/cuda:${g.w}/cudnn`, g.provider) } },
  { name: 'another processor: passed over in silence', real: noSuchFile, finds: ['error cuda/library-unloadable'], cause: /64-bit aarch64/, make: (g) => run('aarch64-linux-gnu-gcc', '-shared', '-fPIC', '-nostdlib', '-xc', '/dev/null', '-o', lt(g), '-Wl,-soname,libcublasLt.so.12') },
  { name: 'another word size', real: /wrong ELF class: ELFCLASS32/, finds: ['error cuda/library-unloadable'], cause: /32-bit/, make: (g) => writeFileSync(lt(g), readFileSync(lt(g)).fill(1, 4, 5)) },
  { name: 'cut short: SIGBUS', real: 'signal', finds: ['error cuda/library-unloadable'], cause: /cut short.*SIGBUS/, make: (g) => truncateSync(lt(g), 3000) },
  { name: 'an empty file', real: /file too short/, finds: ['error cuda/library-unloadable'], cause: /is an empty file/, make: (g) => writeFileSync(lt(g), '') },
  { name: 'a git-lfs pointer', real: /file too short/, finds: ['error cuda/library-unloadable'], cause: /git-lfs pointer/, make: (g) => writeFileSync(lt(g), 'version https://git-lfs.github.com/spec/v1\n') },
  { name: 'a whole git-lfs pointer', real: /invalid ELF header/, finds: ['error cuda/library-unloadable'], cause: /git-lfs pointer/, make: (g) => writeFileSync(lt(g), `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`) },
  { name: 'a linker script', real: /invalid ELF header/, finds: ['error cuda/library-unloadable'], cause: /script for the linker/, make: (g) => writeFileSync(lt(g), script) },
  { name: 'links in a circle', real: /libcublasLt\.so\.12: cannot open/, finds: ['error cuda/libraries-absent'], cause: /leads in a circle/, make: (g) => { rmSync(lt(g)); symlinkSync('libcublasLt.so.12.x', lt(g)); symlinkSync('libcublasLt.so.12', `${lt(g)}.x`) } },
  { name: 'a link to a toolkit that was removed', real: noSuchFile, finds: ['error cuda/libraries-absent'], cause: /leads to nothing/, make: (g) => { rmSync(lt(g)); symlinkSync('/usr/local/cuda-99/lib64/libcublasLt.so.12', lt(g)) } },
  { name: 'a file that the user may not read', real: noSuchFile, finds: ['error cuda/library-unloadable'], cause: /may not be read by uid 65534/, make: (g) => { chmodSync(lt(g), 0); g.nobody = true } },
  { name: 'a folder that the user may not enter', real: noSuchFile, finds: ['error cuda/library-unloadable'], cause: /may not be entered by uid 65534/, make: (g) => { chmodSync(join(g.w, 'cuda'), 0o700); g.nobody = true } },
  {
    name: 'built for a newer glibc', real: /version .GLIBC_2\.99' not found/, finds: ['error cuda/library-unloadable'], cause: /symbol version GLIBC_2\.99, which .*libc\.so\.6 does not have/,
    make: (g) => newer(g, 'libc.so.6', 'GLIBC_2.2.5 {};\nGLIBC_2.99 { global: future; };\n'),
  },
  {
    name: 'built for a newer libstdc++', real: /version .GLIBCXX_3\.4\.99' not found/, finds: ['error cuda/library-unloadable'], cause: /GLIBCXX_3\.4\.99/,
    make: (g) => newer(g, 'libstdc++.so.6', 'GLIBCXX_3.4.99 { global: *; };\n'),
  },
  { name: 'an older minor of the same soname', real: /undefined symbol: cublasLtGetVersion/, finds: ['error cuda/library-unloadable'], cause: /do not have cublasLtGetVersion/, make: (g) => object('int some_other(void){return 0;}', lt(g), '-Wl,-soname,libcublasLt.so.12') },
  { name: 'the bridge libonnxruntime_providers_shared.so missing', real: 'loads', ort: /libonnxruntime_providers_shared\.so: cannot open/, finds: ['error cuda/libraries-absent'], cause: /libonnxruntime_providers_shared\.so/, make: (g) => rmSync(join(g.bin, 'libonnxruntime_providers_shared.so')) },
  { name: 'no provider at all', real: 'absent', finds: [], make: (g) => rmSync(g.provider) },
  { name: 'a provider of another build', real: 'loads', ort: /GetProvider/, finds: ['error cuda/library-unloadable'], cause: /links no CUDA library/, make: (g) => object('int x;', g.provider) },
  { name: 'the provider loads and then throws (driver too old)', real: 'loads', ort: /insufficient/, finds: [], make: (g) => { g.env['ASRD_CUDA_THROW'] = 'CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version' } },
  { name: 'LD_LIBRARY_PATH with an empty element', real: 'loads', finds: ['warning cuda/library-path-unsafe'], cause: /empty element stands for the working directory/, make: (g) => { mkdirSync(join(g.w, 'empty')); g.ldp = `${g.w}/empty:${g.w}/cuda/:${g.w}/cudnn:`; g.cwd = join(g.w, 'empty') } },
  { name: 'LD_LIBRARY_PATH separated by semicolons', real: 'loads', finds: [], make: (g) => { g.ldp = `${g.w}/cuda;${g.w}/cudnn` } },
  { name: 'LD_LIBRARY_PATH in literal quotes', real: noSuchFile, finds: ['error cuda/libraries-hidden', 'warning cuda/library-path-unsafe'], make: (g) => { g.ldp = `"${g.w}/cuda:${g.w}/cudnn"` } },
  { name: 'LD_LIBRARY_PATH with $HOME, ~ and a glob', real: noSuchFile, finds: ['error cuda/libraries-hidden', 'warning cuda/library-path-unsafe'], make: (g) => { g.ldp = `$HOME/cuda:~/cudnn:${g.w}/cud*`; g.env['HOME'] = g.w } },
]

/** cublasLt in a folder of its own, and nobody but the provider's path to lead there. */
function apart(g: Ground): void {
  g.ldp = undefined
  mkdirSync(join(g.w, 'lt'))
  renameSync(lt(g), join(g.w, 'lt/libcublasLt.so.12'))
  run('patchelf', '--remove-needed', 'libcublasLt.so.12', g.provider)
  run('patchelf', '--remove-rpath', join(g.w, 'cuda/libcublas.so.12'))
}

function newer(g: Ground, soname: string, versions: string): void {
  const other = join(g.w, 'newer')
  mkdirSync(other)
  writeFileSync(join(other, 'map'), versions)
  object('int future(void){return 0;}', join(other, soname), `-Wl,-soname,${soname}`, `-Wl,--version-script=${join(other, 'map')}`, '-nostdlib')
  object('extern int future(void); int cublasLtGetVersion(void){return future();}', lt(g), '-nostdlib', '-Wl,-soname,libcublasLt.so.12', join(other, soname))
}

describeWith('dynamic loading', missing, () => {
  let top: string
  let base: string
  let bin: string
  let probe: string
  const services: ChildProcess[] = []

  beforeAll(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), 'loader-faults-')))
    chmodSync(top, 0o755)
    base = join(top, 'base')
    run('bash', join(RIG, 'mkgpu.sh'), base)
    run('python3', join(RIG, 'mkmodel.py'), join(top, 'm.onnx'), '64', '2')
    // The real package, apart from the repository, so that providers can be put beside its library.
    for (const name of ['onnxruntime-common', 'onnxruntime-node']) cpSync(join(ORT, '..', name), join(top, 'node_modules', name), { recursive: true, filter: (from) => !/napi-v6\/(?:darwin|win32|linux\/arm64)/.test(from) })
    bin = join(top, 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64')
    for (const file of ['service.cjs', 'idle.cjs']) copyFileSync(join(RIG, file), join(top, file))
    probe = join(top, 'probe')
    run('gcc', join(RIG, 'probe.c'), '-o', probe, '-ldl')
    run('gcc', join(RIG, 'wait.c'), '-o', join(top, 'wait'), '-ldl')
    mkdirSync(join(top, 'home'))
    chownSync(join(top, 'home'), NOBODY, NOBODY)
  }, 120_000)
  afterEach(() => services.splice(0).forEach((child) => child.kill('SIGKILL')))
  afterAll(() => rmSync(top, { recursive: true, force: true }))

  function ground(): Ground {
    const w = join(top, 'w')
    rmSync(w, { recursive: true, force: true })
    cpSync(base, w, { recursive: true })
    for (const file of ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so']) {
      rmSync(join(bin, file), { force: true })
      copyFileSync(join(w, 'ort', file), join(bin, file))
    }
    rmSync(join(w, 'ort'), { recursive: true })
    return { w, bin, provider: join(bin, 'libonnxruntime_providers_cuda.so'), ldp: `${w}/cuda:${w}/cudnn:${w}/driver`, shell: undefined, nobody: false, env: { HOME: join(top, 'home') }, cwd: top }
  }

  const envOf = (g: Ground) => ({ PATH: '/usr/bin:/bin', ...g.env, ...(g.ldp === undefined ? {} : { LD_LIBRARY_PATH: g.ldp }) })
  const placed = (g: Ground, command: string[]): [string, string[]] => ['/usr/bin/setpriv', [...(g.nobody ? ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'] : []), '--', '/usr/bin/env', '-i', ...Object.entries(envOf(g)).map(([k, v]) => `${k}=${v}`), ...command]]
  const once = (g: Ground, ...command: string[]) => {
    const ran = spawnSync(...placed(g, command), { cwd: g.cwd, encoding: 'utf8', timeout: 30_000 })
    return { code: ran.status, signal: ran.signal, text: `${ran.stdout}${ran.stderr}` }
  }
  const serve = (g: Ground, ready: RegExp, ...command: string[]): Promise<number> =>
    new Promise((resolve, reject) => {
      const child = spawn(...placed(g, command), { cwd: g.cwd, stdio: ['ignore', 'pipe', 'pipe'] })
      services.push(child)
      let said = ''
      const hear = (chunk: Buffer) => {
        said += String(chunk)
        if (ready.test(said)) resolve(child.pid!)
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      child.on('exit', () => reject(new Error(`the service ended: ${said}`)))
    })

  /** Judges a running service, with `shell` as the LD_LIBRARY_PATH of whoever asks. */
  async function examine(pid: number, shell: string | undefined) {
    const before = process.env['LD_LIBRARY_PATH']
    if (shell !== undefined) process.env['LD_LIBRARY_PATH'] = shell
    try {
      const log = new Map<string, Answer>()
      const host = hostOf(remembered(recorded(realMachine({ kind: 'pid', pid }, Date.now() + 20_000), log)))
      const use = gatherer(host)
      const outcomes = await diagnose(host, use, [...cuda, ...cudnn])
      const found = [...outcomes].flatMap(([id, outcome]) => (outcome.status === 'found' ? outcome.findings.map((finding) => ({ id, finding })) : []))
      for (const { finding } of found) for (const { source } of finding.evidence) expect(log.has(source), `evidence cites a question that was not asked: ${source}`).toBe(true)
      const odd = [...outcomes].filter(([, { status }]) => status === 'unknown' || status === 'crashed')
      return { found, outcomes, odd, resolution: await use(resolution), ldd: await use(ldd) }
    } finally {
      if (before === undefined) delete process.env['LD_LIBRARY_PATH']
      else process.env['LD_LIBRARY_PATH'] = before
    }
  }

  /** What the model says dlopen(3) will do with the provider. */
  const failureOf = (of: LibraryResolution | undefined) => of?.missing.find(({ how, optional }) => how === 'needed' && !optional)?.soname ?? of?.broken[0]?.path ?? of?.versionGaps[0]?.version ?? null

  describe.each(VARIATIONS.map((v) => [v.name, v] as const))('%s', (_, { make, real, finds, cause, ort }) => {
    it('the real loader, the model and the finding agree', async () => {
      const g = ground()
      make(g)
      const dlopened = once(g, probe, g.provider)
      if (real === 'loads') expect(dlopened.code, dlopened.text).toBe(0)
      else if (real === 'signal') expect([135, 139, null], dlopened.text).toContain(dlopened.code)
      else if (real === 'absent') expect(dlopened.text).toMatch(/providers_cuda\.so: cannot open/)
      else expect(dlopened.text).toMatch(real)
      const service = once({ ...g, cwd: top }, process.execPath, join(top, 'service.cjs'), join(top, 'm.onnx'), '--once')
      // With a real empty element or a file cut short node itself may not survive; everywhere else ONNX Runtime says the same as dlopen.
      if (ort !== undefined) expect(service.text).toMatch(ort)
      else if (real instanceof RegExp) expect(service.text).toMatch(real)

      const pid = await serve(g, /READY/, process.execPath, join(top, 'idle.cjs'), '--device', 'cuda')
      const { found, odd, resolution, ldd } = await examine(pid, g.shell)
      expect(odd).toEqual([])
      expect(found.map(({ id, finding }) => `${finding.severity} ${id}`).sort()).toEqual([...finds].sort())
      if (cause) expect(found.map(({ finding }) => finding.cause).join('\n')).toMatch(cause)

      const judged = resolution.libraries.find(({ library }) => library.path === g.provider)
      const failure = failureOf(judged)
      if (real === 'loads' || real === 'absent') expect(failure).toBeNull()
      else if (ldd.some(({ undefinedSymbols }) => undefinedSymbols.length > 0)) expect(dlopened.text).toContain(ldd[0]!.undefinedSymbols[0])
      else if (real === 'signal') expect(judged?.broken[0]?.problem).toBe('truncated')
      else expect(dlopened.text).toContain(failure)
      for (const { disagrees } of ldd) expect(disagrees).toBeNull()
    })
  })

  it('an attempt that was seen to fail makes the finding certain, and the cure it names works', async () => {
    const g = ground()
    g.shell = g.ldp
    g.ldp = undefined
    const pid = await serve(g, /THROWN/, process.execPath, join(top, 'service.cjs'), join(top, 'm.onnx'))
    const { found } = await examine(pid, g.shell)
    expect(found.map(({ id }) => id)).toEqual(['cuda/libraries-hidden'])
    const { finding } = found[0]!
    expect(finding.confidence).toBe('certain')
    const edit = finding.fixes[0]!.edits[0] as Extract<Finding['fixes'][number]['edits'][number], { kind: 'shell-profile' }>
    const cured = { ...g, ldp: edit.set['LD_LIBRARY_PATH'] }
    expect(edit.set['LD_LIBRARY_PATH']!.split(':')).toHaveLength(2)
    expect(once(cured, probe, g.provider).text).toContain('LOADED')
    const again = await serve(cured, /READY/, process.execPath, join(top, 'idle.cjs'), '--device', 'cuda')
    expect((await examine(again, g.shell)).found).toEqual([])
  })

  it('ld.so.cache: nothing before, found after ldconfig, a stale entry is no file', async () => {
    const g = ground()
    g.ldp = undefined
    const script = (more: string) => ['/bin/bash', '-c', `cp -a /etc ${top}/etc && mount --bind ${top}/etc /etc && printf '%s\\n' ${g.w}/cuda ${g.w}/cudnn > /etc/ld.so.conf.d/zz-cuda.conf && ${more} ${probe} ${g.provider}; exec ${process.execPath} ${top}/idle.cjs --device cuda`]
    const look = async (more: string) => {
      rmSync(join(top, 'etc'), { recursive: true, force: true })
      const child = spawn('/usr/bin/unshare', ['--mount', '--', '/usr/bin/env', '-i', `PATH=${process.env['PATH']}:/usr/sbin:/sbin`, `HOME=${top}/home`, ...script(more)], { cwd: top, stdio: ['ignore', 'pipe', 'inherit'] })
      services.push(child)
      const said = await new Promise<string>((resolve, reject) => {
        let text = ''
        child.stdout.on('data', (chunk: Buffer) => /READY/.test((text += String(chunk))) && resolve(text))
        child.on('exit', () => reject(new Error(text)))
      })
      return { said, ...(await examine(child.pid!, undefined)) }
    }
    const before = await look('true;')
    expect(before.said).toMatch(noSuchFile)
    expect(before.found.map(({ id }) => id)).toEqual(['cuda/libraries-absent'])
    const after = await look('ldconfig &&')
    expect(after.said).toContain(`LOADED ${g.w}/cuda/libcublasLt.so.12`)
    expect(after.found).toEqual([])
    const links = after.resolution.libraries.find(({ library }) => library.path === g.provider)!.links
    expect(links.find(({ name }) => name === 'libcublasLt.so.12')!.answer).toMatchObject({ status: 'found', rule: 'ld.so.cache' })
    const stale = await look(`ldconfig && mv ${g.w}/cuda/libcublasLt.so.12 ${g.w}/gone &&`)
    expect(stale.said).toMatch(noSuchFile)
    expect(stale.found.map(({ id, finding }) => `${finding.severity} ${id}`)).toEqual(['error cuda/libraries-absent'])
    expect(execFileSync('ldconfig', ['-p'], { encoding: 'utf8', env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` } })).not.toContain(top)
  })

  it('a program with file capabilities ignores LD_LIBRARY_PATH', async () => {
    const g = ground()
    g.nobody = true
    const app = join(top, 'app')
    rmSync(app, { recursive: true, force: true })
    mkdirSync(app)
    for (const file of ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so']) copyFileSync(join(g.bin, file), join(app, file))
    for (const name of ['wait', 'probe']) {
      copyFileSync(join(top, name), join(app, name))
      run('setcap', 'cap_sys_nice+ep', join(app, name))
    }
    expect(once(g, join(app, 'probe'), join(app, 'libonnxruntime_providers_cuda.so')).text).toMatch(noSuchFile)
    const pid = await serve(g, /READY/, join(app, 'wait'), '--device', 'cuda')
    const { found, odd } = await examine(pid, g.ldp)
    expect(odd).toEqual([])
    expect(found.map(({ id }) => id)).toEqual(['cuda/libraries-hidden'])
    expect(found[0]!.finding.cause).toMatch(/ignores LD_LIBRARY_PATH because .* has file capabilities/)
    expect(found[0]!.finding.fixes.flatMap(({ edits }) => edits)).toEqual([])
  })

  it('libraries that the program has loaded by path itself are no fault, though the loader alone would not find them', async () => {
    const g = ground()
    g.shell = g.ldp
    g.ldp = undefined
    const preloaded = ['cuda/libcublasLt.so.12', 'cuda/libcublas.so.12', 'cuda/libcurand.so.10', 'cuda/libcufft.so.11', 'cuda/libcudart.so.12', 'cuda/libnvrtc.so.12', 'cudnn/libcudnn.so.9'].map((file) => join(g.w, file))
    const some = await serve(g, /READY/, join(top, 'wait'), ...preloaded, g.provider, '--device', 'cuda')
    expect((await examine(some, g.shell)).found).toEqual([])
    // In memory, but the provider not loaded yet: its needs are met all the same. Without them it is a fault.
    const early = await serve(g, /READY/, join(top, 'wait'), ...preloaded, join(bin, 'libonnxruntime.so.1'), '--device', 'cuda')
    expect((await examine(early, g.shell)).found).toEqual([])
    const none = await serve(g, /READY/, join(top, 'wait'), join(bin, 'libonnxruntime.so.1'), '--device', 'cuda')
    expect((await examine(none, g.shell)).found.map(({ id }) => id)).toEqual(['cuda/libraries-hidden'])
  })

  it('says nothing of a service that is told to use the CPU, and only remarks where nothing is said', async () => {
    const g = ground()
    g.ldp = undefined
    rmSync(join(g.w, 'cuda'), { recursive: true })
    const look = async (...words: string[]) => (await examine(await serve(g, /READY/, process.execPath, join(top, 'idle.cjs'), ...words), undefined)).found.map(({ id, finding }) => `${finding.severity} ${id}`)
    expect(await look('--device', 'cpu')).toEqual([])
    expect(await look('--device', 'cuda')).toEqual(['error cuda/libraries-absent'])
    expect(await look()).toEqual([`${existsSync('/dev/nvidiactl') || existsSync('/dev/dxg') ? 'warning' : 'info'} cuda/libraries-absent`])
  })

  it('another libcuda before the driver: the stub of the toolkit', async () => {
    const g = ground()
    mkdirSync(join(g.w, 'lib64/stubs'), { recursive: true })
    renameSync(join(g.w, 'driver/libcuda.so.1'), join(g.w, 'lib64/stubs/libcuda.so.1'))
    g.ldp = `${g.w}/lib64/stubs:${g.w}/cuda:${g.w}/cudnn`
    const { found } = await examine(await serve(g, /READY/, process.execPath, join(top, 'idle.cjs'), '--device', 'cuda'), undefined)
    expect(found.map(({ id, finding }) => `${finding.severity} ${id}`)).toEqual(['error cuda/driver-library-shadowed'])
  })

  it('cuDNN from two installations, told apart by the releases in their names', async () => {
    const g = ground()
    const other = join(g.w, 'other')
    mkdirSync(other)
    // As the packages of distributions lay it out: the soname is a link to the full release.
    for (const [folder, release, parts] of [[join(g.w, 'cudnn'), '9.1.0', ['', '_graph']], [other, '9.5.1', ['_ops', '_cnn', '_adv', '_heuristic', '_engines_precompiled', '_engines_runtime_compiled']]] as const) {
      for (const part of parts) {
        renameSync(join(g.w, `cudnn/libcudnn${part}.so.9`), join(folder, `libcudnn${part}.so.${release}`))
        symlinkSync(`libcudnn${part}.so.${release}`, join(folder, `libcudnn${part}.so.9`))
      }
    }
    g.ldp = `${g.w}/cuda:${g.w}/cudnn:${other}`
    const { found } = await examine(await serve(g, /READY/, process.execPath, join(top, 'idle.cjs'), '--device', 'cuda'), undefined)
    expect(found.map(({ id, finding }) => `${finding.severity} ${id}`)).toEqual(['error cudnn/mixed-origins'])
    expect(found[0]!.finding.cause).toMatch(/libcudnn\.so\.9\.1\.0 and .*libcudnn_ops\.so\.9\.5\.1/)
  })
})
