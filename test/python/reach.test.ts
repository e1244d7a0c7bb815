import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { pythonChecks } from '../../checks/python/index.ts'
import { diagnose } from '../../src/diagnose.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf } from '../../src/host/host.ts'
import { replayed } from '../../src/host/replay.ts'
import type { CheckId, Finding, Outcome } from '../../src/types.ts'
import { diagnoseHere } from '../support/diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { clean, folder, started, WAITING } from './place.ts'
import { install, newest, unpacked, wheelsMissing, WHEELS } from './wheels.ts'

const CTRANSLATE2 = 'ctranslate2==4.6.0'
const CUBLAS = 'nvidia-cublas-cu12==12.8.4.1'

/** A site directory with genuine wheels; the folders of the large ones are links. */
function site(...requirements: readonly string[]): string {
  const at = folder()
  for (const requirement of requirements) {
    const from = unpacked(requirement)
    for (const name of readdirSync(from)) {
      if (name !== 'nvidia') cpSync(join(from, name), join(at, name), { recursive: true })
      else {
        mkdirSync(join(at, 'nvidia'), { recursive: true })
        for (const part of readdirSync(join(from, name))) if (!part.endsWith('.py')) symlinkSync(join(from, name, part), join(at, 'nvidia', part))
      }
    }
  }
  return at
}

interface Service {
  readonly sites: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly source?: string
  readonly args?: readonly string[]
}

async function judged({ sites, env = {}, source = WAITING, args = [] }: Service): Promise<ReadonlyMap<CheckId, Outcome>> {
  const at = folder({ 'server.py': source })
  const pid = await started(at, { PYTHONPATH: sites.join(':'), ...env }, newest, 'server.py', ...args)
  const { outcomes, log } = await diagnoseHere({ kind: 'pid', pid }, pythonChecks, 20_000)
  for (const outcome of outcomes.values()) for (const finding of outcome.status === 'found' ? outcome.findings : []) for (const { source } of finding.evidence) expect([...log.keys()], source).toContain(source)
  // The same answers give the same judgement on any machine.
  const again = hostOf(replayed(log))
  expect(await diagnose(again, gatherer(again), pythonChecks)).toEqual(outcomes)
  return outcomes
}

const UNREACHABLE = 'python/cuda-wheels-unreachable'
const SPLIT = 'python/wheel-roots-split'
const finding = (outcomes: ReadonlyMap<CheckId, Outcome>, id: CheckId): Finding => {
  expect(outcomes.get(id)).toMatchObject({ status: 'found' })
  return (outcomes.get(id) as { findings: readonly Finding[] }).findings[0]!
}
const silent = (outcomes: ReadonlyMap<CheckId, Outcome>): void => expect([...outcomes.values()].map(({ status }) => status)).toEqual(['passed', 'passed', 'passed'])

/** What the real loader does in such a process. */
const loads = (soname: string, env: Readonly<Record<string, string>>): boolean =>
  execFileSync(newest, ['-c', `import ctypes\ntry:\n    ctypes.CDLL("${soname}")\n    print("found")\nexcept OSError as error:\n    print(error)`], { env, encoding: 'utf8' }).trim() === 'found'

describeWith('python wheels', wheelsMissing([CTRANSLATE2, CUBLAS, ...Object.values(WHEELS)]), () => {
  afterEach(clean)

  it('CTranslate2 with cuBLAS as a wheel: hidden from the loader, and found with the path of the fix', async () => {
    const at = site(CTRANSLATE2, CUBLAS)
    const lib = join(at, 'nvidia/cublas/lib')
    const outcomes = await judged({ sites: [at], args: ['--device', 'cuda'] })
    const found = finding(outcomes, UNREACHABLE)
    expect(found).toMatchObject({ severity: 'error', confidence: 'likely' })
    expect(found.cause).toMatch(new RegExp(`^libcublas\\.so\\.12, which ${at}/ctranslate2\\.libs/libctranslate2-\\S+ needs, is installed in ${lib}, where the loader of this service does not look\\.$`))
    expect(found.evidence.map(({ saw }) => saw)).toEqual(['libcublas.so.12', `${lib}: libcublas.so.12`, 'LD_LIBRARY_PATH is not set'])
    expect(outcomes.get(SPLIT)).toEqual({ status: 'passed' })
    expect(found.fixes[0]!.then[0]).toBe(`Start the program with LD_LIBRARY_PATH=${lib}`)
    expect(loads('libcublas.so.12', {})).toBe(false)
    expect(loads('libcublas.so.12', { LD_LIBRARY_PATH: lib })).toBe(true)
    silent(await judged({ sites: [at], env: { LD_LIBRARY_PATH: lib }, args: ['--device', 'cuda'] }))
  })

  it('a program that loads them by path is healthy once its memory shows it, and unknown before', async () => {
    const at = site(CTRANSLATE2, CUBLAS)
    const preload = `import ctypes, os, sys\ndef preload():\n    for name in ("libcublasLt.so.12", "libcublas.so.12"):\n        ctypes.CDLL(os.path.join(sys.path[1], "nvidia/cublas/lib", name))\n`
    silent(await judged({ sites: [at], source: `${preload}preload()\n${WAITING}`, args: ['--device', 'cuda'] }))
    const before = await judged({ sites: [at], source: `${preload}${WAITING}`, args: ['--device', 'cuda'] })
    expect(before.get(UNREACHABLE)).toMatchObject({ status: 'unknown', because: expect.stringMatching(/server\.py:4 \(.*\) may load libcublas\.so\.12 from the wheels before the engine asks for it; the loader alone does not find it\./), how: expect.stringMatching(/^Send the service one request, .* \/proc\/\d+\/maps$/) })
  })

  it('PyTorch beside it leaves it open; a CPU build of PyTorch does not', async () => {
    const at = site(CTRANSLATE2, CUBLAS)
    mkdirSync(join(at, 'torch-2.7.1.dist-info'))
    expect((await judged({ sites: [at] })).get(UNREACHABLE)).toMatchObject({ status: 'unknown', because: expect.stringContaining('PyTorch 2.7.1 is installed and would bring it into memory') })
    const cpu = site(CTRANSLATE2, CUBLAS)
    mkdirSync(join(cpu, 'torch-2.7.1+cpu.dist-info'))
    expect(finding(await judged({ sites: [cpu] }), UNREACHABLE)).toMatchObject({ severity: 'info' })
  })

  it('a service told to use the CPU, one without wheels, and one without an engine miss nothing', async () => {
    const at = site(CTRANSLATE2, CUBLAS)
    expect((await judged({ sites: [at], args: ['--device', 'cpu'] })).get(UNREACHABLE)).toEqual({ status: 'not-applicable', because: 'The target is told to run on the CPU (--device cpu).' })
    expect((await judged({ sites: [site(CTRANSLATE2)] })).get(UNREACHABLE)).toEqual({ status: 'not-applicable', because: 'No NVIDIA wheel with libraries is installed for this Python.' })
    expect((await judged({ sites: [site(CUBLAS)] })).get(UNREACHABLE)).toEqual({ status: 'not-applicable', because: 'No speech engine that asks for CUDA libraries lies in this Python.' })
    // Another library of the toolkit is a wheel, the one asked for is not here at all: the matter of another check.
    expect((await judged({ sites: [site(CTRANSLATE2, WHEELS.runtimeWithoutInit)] })).get(UNREACHABLE)).toEqual({ status: 'passed' })
  })

  it('cuBLAS in the second of two roots: split, until the path names it', async () => {
    const first = site(CTRANSLATE2, WHEELS.runtimeWithoutInit)
    const second = site(CUBLAS)
    const outcomes = await judged({ sites: [first, second] })
    const split = finding(outcomes, SPLIT)
    expect(split).toMatchObject({ severity: 'warning', confidence: 'likely' })
    expect(split.cause).toMatch(new RegExp(`^NVIDIA's wheels are split over ${first}/nvidia and ${second}/nvidia, and libcublas\\.so\\.12, which \\S+ asks for, lies in ${second}/nvidia, which is not the first of them\\.$`))
    expect(split.evidence.map(({ saw }) => saw)).toEqual([`nvidia.__path__ = ${first}/nvidia, ${second}/nvidia`, `${second}/nvidia/cublas/lib: libcublas.so.12`, 'libcublas.so.12'])
    expect(finding(outcomes, UNREACHABLE).cause).toContain(`${second}/nvidia/cublas/lib`)
    silent(await judged({ sites: [first, second], env: { LD_LIBRARY_PATH: join(second, 'nvidia/cublas/lib') } }))
    // The same two roots the other way round: what is missed lies in the first.
    expect((await judged({ sites: [second, first] })).get(SPLIT)).toEqual({ status: 'passed' })
  })

  it('a regular nvidia/__init__.py of an older wheel hides the root that holds it', async () => {
    const hiding = folder()
    install(hiding, WHEELS.nvtxWithInit)
    const at = site(CTRANSLATE2, CUBLAS)
    const outcomes = await judged({ sites: [at, hiding] })
    expect(finding(outcomes, SPLIT).cause).toMatch(new RegExp(`^The regular package ${hiding}/nvidia/__init__\\.py hides ${at}/nvidia from import, and libcublas\\.so\\.12, which \\S+ asks for, lies there\\.$`))
    expect(finding(outcomes, UNREACHABLE).cause).toContain(`${at}/nvidia/cublas/lib`)
  })

  it('ONNX Runtime: what lies beside it can be loaded by preload_dlls, what lies in another root cannot', async () => {
    const beside = site(CUBLAS, WHEELS.runtimeWithoutInit)
    const capi = join(unpacked('onnxruntime-gpu==1.26.0', 'capi/libonnxruntime_providers_'), 'onnxruntime')
    symlinkSync(capi, join(beside, 'onnxruntime'))
    const found = finding(await judged({ sites: [beside], args: ['--provider=cuda'] }), UNREACHABLE)
    expect(found.cause).toBe(
      `libcublasLt.so.12, libcublas.so.12 and libcudart.so.12, which ${beside}/onnxruntime/capi/libonnxruntime_providers_cuda.so needs, are installed in ${beside}/nvidia/{cublas,cuda_runtime}/lib, where the loader of this service does not look.`,
    )
    expect(found.fixes.map(({ title }) => title)).toEqual(['Put the directories of the wheels on LD_LIBRARY_PATH before the service starts', 'Or let ONNX Runtime 1.21 or newer load them itself'])
    const apart = site(WHEELS.runtimeWithoutInit)
    symlinkSync(capi, join(apart, 'onnxruntime'))
    const outcomes = await judged({ sites: [apart, site(CUBLAS)], args: ['--provider=cuda'] })
    expect(finding(outcomes, UNREACHABLE).fixes).toHaveLength(1)
    expect(finding(outcomes, SPLIT).cause).toContain('libcublasLt.so.12 and libcublas.so.12')
    const calling = `def ready():\n    import onnxruntime\n    onnxruntime.preload_dlls()\n${WAITING}`
    // It may help where the libraries lie beside it, and cannot where they do not.
    expect((await judged({ sites: [beside], source: calling, args: ['--provider=cuda'] })).get(UNREACHABLE)).toMatchObject({ status: 'unknown', because: expect.stringContaining('server.py:3 (onnxruntime.preload_dlls()) may load') })
    // ONNX Runtime maps this file only when a session asks for a provider of its own file: it has tried.
    const tried = finding(await judged({ sites: [beside], source: `import ctypes\nctypes.CDLL("${beside}/onnxruntime/capi/libonnxruntime_providers_shared.so")\n${calling}` }), UNREACHABLE)
    expect(tried).toMatchObject({ severity: 'error', confidence: 'certain' })
    expect(tried.evidence.at(-1)!.source).toMatch(/^read \/proc\/\d+\/maps$/)
    const other = folder()
    symlinkSync(capi, join(other, 'onnxruntime'))
    finding(await judged({ sites: [other, site(CUBLAS)], source: calling, args: ['--provider=cuda'] }), UNREACHABLE)
  })

  it('the line that should have found a library that is missed is the cause; where all is found it is a remark', async () => {
    const at = site(WHEELS.runtimeWithoutInit)
    symlinkSync(join(unpacked('onnxruntime-gpu==1.26.0', 'capi/libonnxruntime_providers_'), 'onnxruntime'), join(at, 'onnxruntime'))
    const source = `import os\ndef path():\n    import nvidia.cuda_runtime\n    return os.path.join(os.path.dirname(nvidia.cuda_runtime.__file__), "lib")\n${WAITING}`
    const idiom = finding(await judged({ sites: [at], source, args: ['--provider=cuda'] }), 'python/namespace-file-idiom')
    expect(idiom).toMatchObject({ severity: 'error', confidence: 'certain' })
    expect(idiom.refuted?.[0]?.because).toContain('What changed is the wheel (nvidia-cuda-runtime-cu12 12.9.79), which ships no __init__.py.')
    const reached = await judged({ sites: [at], source, args: ['--provider=cuda'], env: { LD_LIBRARY_PATH: join(at, 'nvidia/cuda_runtime/lib') } })
    expect(finding(reached, 'python/namespace-file-idiom')).toMatchObject({ severity: 'info' })
    expect(reached.get(UNREACHABLE)).toEqual({ status: 'passed' })
  })

  it('below a wrapper script that sets the path, the Python is to be judged by itself', async () => {
    const at = site(CTRANSLATE2, CUBLAS)
    const here = folder({ 'server.py': WAITING, 'start.sh': `#!/bin/bash\nexport PYTHONPATH=${at} LD_LIBRARY_PATH=${at}/nvidia/cublas/lib\n${newest} server.py --device cuda\necho ended\n` })
    const pid = await started(here, {}, join(here, 'start.sh'))
    const { outcomes } = await diagnoseHere({ kind: 'pid', pid }, pythonChecks, 20_000)
    expect(outcomes.get(UNREACHABLE)).toMatchObject({ status: 'unknown', how: expect.stringMatching(/^Examine that process itself: asr-doctor check --pid \d+\.$/) })
    const child = Number(/--pid (\d+)/.exec(JSON.stringify(outcomes.get(UNREACHABLE)))![1])
    silent((await diagnoseHere({ kind: 'pid', pid: child }, pythonChecks, 20_000)).outcomes)
  })

  it('--python: the same of a program that would be started from this shell', async () => {
    const at = folder()
    execFileSync(newest, ['-m', 'venv', '--without-pip', join(at, 'venv')])
    const packages = join(at, 'venv/lib', readdirSync(join(at, 'venv/lib'))[0]!, 'site-packages')
    for (const name of readdirSync(site(CTRANSLATE2))) cpSync(join(unpacked(CTRANSLATE2), name), join(packages, name), { recursive: true })
    mkdirSync(join(packages, 'nvidia'))
    symlinkSync(join(unpacked(CUBLAS), 'nvidia/cublas'), join(packages, 'nvidia/cublas'))
    const { outcomes } = await diagnoseHere({ kind: 'python', path: join(at, 'venv/bin/python') }, pythonChecks, 20_000)
    const found = finding(outcomes, UNREACHABLE)
    expect(found.cause).toContain('where the loader of this Python does not look.')
    expect(found.fixes[0]).toMatchObject({ safety: 'risky', edits: [{ kind: 'shell-profile', set: { LD_LIBRARY_PATH: join(packages, 'nvidia/cublas/lib') } }] })
    mkdirSync(join(packages, 'torch-2.7.1.dist-info'))
    expect((await diagnoseHere({ kind: 'python', path: join(at, 'venv/bin/python') }, pythonChecks, 20_000)).outcomes.get(UNREACHABLE)).toMatchObject({ status: 'unknown' })
    expect(outcomes.get('python/namespace-file-idiom')).toEqual({ status: 'not-applicable', because: 'No program is named whose source could be looked through.' })
  })
})
