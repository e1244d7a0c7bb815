import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import computeTypeUnsupported from '../../checks/ep/compute-type-unsupported.ts'
import driverlessCrash from '../../checks/ep/driverless-crash.ts'
import modelFileBroken from '../../checks/ep/model-file-broken.ts'
import modelFormatForeign from '../../checks/ep/model-format-foreign.ts'
import oracleForeign from '../../checks/ep/oracle-foreign.ts'
import providerOrder from '../../checks/ep/provider-order.ts'
import gpuError from '../../checks/log/gpu-error.ts'
import type { Context } from '../../src/facts/context.ts'
import { scanSource, type EngineLine, type Reach } from '../../src/facts/source-scan.ts'
import type { Verdict } from '../../src/types.ts'
import { diagnoseHere, hostHere } from '../support/diagnose.ts'
import { cudaStandin, onnxruntimeGpu, onnxruntimeGpuMissing } from '../support/onnxruntime-gpu.ts'
import { describeWith } from '../support/rig.ts'
import { clean, folder, started, WAITING } from '../python/place.ts'
import { newest, pythonMissing, pythons } from '../python/wheels.ts'

const said = (verdict: Verdict): string => ('status' in verdict ? verdict.status : verdict.map(({ severity, confidence }) => `${severity} ${confidence}`).join(', ') || 'passed')

/** Every dress in which programs of the field name providers and ask for devices, and what only looks like it. */
const SOURCES = {
  'order.py': [
    '"""providers=["CPUExecutionProvider", "CUDAExecutionProvider"]"""',
    'import onnxruntime as ort  # providers=["CPUExecutionProvider", "CUDAExecutionProvider"]',
    'a = ort.InferenceSession(path, providers=["CPUExecutionProvider", "CUDAExecutionProvider"])',
    'b = ort.InferenceSession(path, providers=[',
    "    'CPUExecutionProvider',  # first",
    "    ('CUDAExecutionProvider', {'device_id': 0}),",
    '])',
    'PROVIDERS: list = ["CPUExecutionProvider", "CUDAExecutionProvider"]',
    'session.set_providers(["CPUExecutionProvider", "CUDAExecutionProvider"])',
    'c = ort.InferenceSession(path, providers=["CUDAExecutionProvider", "CPUExecutionProvider"])',
    'd = ort.InferenceSession(path, providers=["CPUExecutionProvider"])',
    'allowed_providers = ["CPUExecutionProvider", "CUDAExecutionProvider"]',
    'assert wish in allowed_providers',
    'parser.add_argument("--providers", choices=["CPUExecutionProvider", "CUDAExecutionProvider"])',
    'def make(kind: Literal["CPUExecutionProvider", "CUDAExecutionProvider"]): return ort.InferenceSession(path, options, ("CPUExecutionProvider", "CUDAExecutionProvider"))',
    'if "CUDAExecutionProvider" in ["CPUExecutionProvider", "CUDAExecutionProvider"]: pass',
    'def test_order():',
    '    ort.InferenceSession(path, providers=["CPUExecutionProvider", "CUDAExecutionProvider"])',
    'default_providers = ["CPUExecutionProvider", "CUDAExecutionProvider"]',
    'ort.InferenceSession(path, providers=PROVIDERS)',
    'known_names = ["CPUExecutionProvider", "CUDAExecutionProvider"]',
    'print(session.get_providers(), ort.get_device())',
  ],
  'tensorrt.py': ['import onnxruntime', 'providers = [("TensorrtExecutionProvider", {"device_id": 0}), "CUDAExecutionProvider"]', 'print(onnxruntime.get_available_providers())'],
  'cached.py': ['providers = [("TensorrtExecutionProvider", {"trt_engine_cache_enable": True}), "CUDAExecutionProvider"]'],
  'whisper.py': ['import torch', 'from faster_whisper import WhisperModel', 'device = "cuda" if torch.cuda.is_available() else "cpu"', 'print("GPU:", torch.cuda.is_available())'],
  'types.py': ['model = WhisperModel(path, device="cpu", compute_type="float16")', 'model = WhisperModel(path, compute_type=kind)', '# compute_type="float16"', 'model = WhisperModel(path, compute_type="float32")'],
  'own.py': ['import torch', 'device = "cuda" if torch.cuda.is_available() else "cpu"', 'model = torch.load(path).to(device)'],
}

describeWith('python', pythonMissing(), () => {
  afterEach(clean)
  it.each(pythons)('Python 3.$minor: finds the lines that choose providers and devices, and no others', async ({ path }) => {
    const at = folder(Object.fromEntries(Object.entries(SOURCES).map(([name, lines]) => [name, `${lines.join('\n')}\n`])))
    const place = { name: 'service', env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }, uid: process.geteuid!(), gid: process.getegid!(), groups: [], namespaceOf: null, cwd: '/' }
    const scan = await scanSource(hostHere(), { executable: path, flags: [], start: null, scriptFolder: null, as: place, pid: null, context: {} as Context }, { folders: [at], files: [], modules: [], entries: [] })
    expect(scan.engineLines!.map(({ file, line, kind, loose }) => `${file.replace(`${at}/`, '')}:${line} ${kind}${loose ? ' loose' : ''}`)).toEqual([
      'order.py:3 cpu-first', 'order.py:4 cpu-first', 'order.py:8 cpu-first', 'order.py:9 cpu-first', 'order.py:15 cpu-first', 'order.py:19 cpu-first loose',
      'tensorrt.py:2 tensorrt-first loose', 'tensorrt.py:3 compiled-in',
      'types.py:1 compute-type',
      'whisper.py:3 torch-decides',
    ])
  })
})

/** A list in the order that does harm, in a file that names it to a call. */
const HARM = 'import onnxruntime as ort\nsession = ort.InferenceSession(path, providers=["CPUExecutionProvider", "CUDAExecutionProvider"])\n'

describeWith('python, what runs and what lies beside it', pythonMissing(), () => {
  afterEach(clean)
  const reaches = async (path: string, files: Readonly<Record<string, string>>, of: { files?: readonly string[]; modules?: readonly string[]; shared?: boolean }): Promise<readonly string[]> => {
    const at = folder(files)
    const place = { name: 'service', env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }, uid: process.geteuid!(), gid: process.getegid!(), groups: [], namespaceOf: null, cwd: '/' }
    const named = (of.files ?? []).map((file) => join(at, file))
    const scan = await scanSource(hostHere(), { executable: path, flags: [], start: null, scriptFolder: at, as: place, pid: null, context: {} as Context }, { folders: of.shared ? [] : [at], files: named, modules: of.modules ?? [], entries: of.shared ? named : [] })
    return scan.engineLines!.map(({ file, line, reach }) => `${file.replace(`${at}/`, '')}:${line} ${reach}`)
  }
  it.each(pythons)('Python 3.$minor: follows what the started program imports', async ({ path }) => {
    const beside = { 'first.py': HARM, 'tests/test_first.py': HARM, 'docs/example.py': HARM }
    expect(await reaches(path, { ...beside, 'ort.py': 'import json, onnxruntime\n"""import first"""\n# import first\n' }, { files: ['ort.py'] })).toEqual(['first.py:2 beside', 'docs/example.py:2 beside', 'tests/test_first.py:2 beside'])
    expect(await reaches(path, { ...beside, 'ort.py': 'def later():\n    import first\n' }, { files: ['ort.py'] })).toEqual(['first.py:2 imported', 'docs/example.py:2 beside', 'tests/test_first.py:2 beside'])
    expect(await reaches(path, { 'ort.py': 'import one\n', 'one.py': 'from two import x\n', 'two.py': 'import importlib\nimportlib.import_module("three")\n', 'three.py': HARM, 'four.py': HARM }, { files: ['ort.py'] })).toEqual(['three.py:2 imported', 'four.py:2 beside'])
    expect(await reaches(path, { 'first.py': HARM }, { files: ['first.py'] })).toEqual(['first.py:2 script'])
  })
  const PACKAGE = { 'pkg/__init__.py': 'from .api import *\n', 'pkg/api.py': 'from . import engine\nfrom .deep import more\n', 'pkg/engine.py': HARM, 'pkg/deep/__init__.py': '', 'pkg/deep/more.py': 'from ..base import x\n', 'pkg/base.py': HARM, 'pkg/__main__.py': HARM, 'pkg/tool.py': HARM }
  it.each<[string, Readonly<Record<string, string>>, Parameters<typeof reaches>[2], readonly string[]]>([
    ['a package with relative imports', { ...PACKAGE, 'run.py': 'import pkg.api\n' }, { files: ['run.py'] }, ['pkg/engine.py:2 imported', 'pkg/base.py:2 imported', 'pkg/__main__.py:2 beside', 'pkg/tool.py:2 beside']],
    ['-m of a package', PACKAGE, { modules: ['pkg'] }, ['pkg/__main__.py:2 script', 'pkg/engine.py:2 imported', 'pkg/base.py:2 imported', 'pkg/tool.py:2 beside']],
    ['-m of a module in it', PACKAGE, { modules: ['pkg.tool'] }, ['pkg/tool.py:2 script', 'pkg/engine.py:2 imported', 'pkg/base.py:2 imported', 'pkg/__main__.py:2 beside']],
    ['a script in a folder that many share', { 'run.py': 'import mine\n', 'mine.py': HARM, 'other.py': HARM }, { files: ['run.py'], shared: true }, ['mine.py:2 imported']],
    ['the block of an imported file that only its own start runs', { 'run.py': 'import mine\n', 'mine.py': `if __name__ == "__main__":\n    import other\n    s.set_providers(["CPUExecutionProvider", "CUDAExecutionProvider"])\n`, 'other.py': HARM }, { files: ['run.py'] }, ['other.py:2 beside']],
    ['that block in the script itself', { 'run.py': 'if __name__ == "__main__":\n    import other\n', 'other.py': HARM }, { files: ['run.py'] }, ['other.py:2 imported']],
    ['imports for type checkers alone', { 'run.py': 'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import other\n', 'other.py': HARM }, { files: ['run.py'] }, ['other.py:2 beside']],
    ['a folder that the script puts on its path', { 'bin/run.py': 'import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "src"))\nimport mine\n', 'src/mine.py': HARM, 'src/other.py': HARM }, { files: ['bin/run.py'] }, ['src/mine.py:2 imported', 'src/other.py:2 beside']],
    ['a script for Python 2, which is no syntax here', { 'run.py': 'import mine\nprint "x"\n', 'mine.py': HARM }, { files: ['run.py'] }, ['mine.py:2 imported']],
    ['what a call starts or serves', { 'run.py': 'import subprocess, sys, uvicorn\nsubprocess.Popen([sys.executable, "worker.py"])\nuvicorn.run("web:app")\n', 'worker.py': HARM, 'web.py': HARM, 'other.py': HARM }, { files: ['run.py'] }, ['web.py:2 imported', 'worker.py:2 imported', 'other.py:2 beside']],
    ['what a shell script starts', { 'start.sh': '#!/bin/sh\n# python3 other.py\nexec python3 "$HERE/server.py" --port 1\n', 'server.py': HARM, 'other.py': HARM }, { files: ['start.sh'] }, ['server.py:2 imported', 'other.py:2 beside']],
  ])('%s', async (_, files, of, expected) => expect([...(await reaches(newest, files, of))].sort()).toEqual([...expected].sort()))
})

const ORDER = `import sys, onnxruntime as ort
options = ort.SessionOptions()
options.log_severity_level = 0
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
print(ort.InferenceSession(sys.argv[1], options, providers=sys.argv[2].split(',')).get_providers())`

describeWith('onnxruntime-gpu over stand-in CUDA libraries', onnxruntimeGpuMissing(), () => {
  afterEach(clean)
  it.each<[string, Readonly<Record<string, string>>, readonly string[], string]>([
    ['a script beside the service', { 'ort.py': WAITING, 'first.py': HARM }, ['ort.py'], 'passed'],
    ['a script that it imports', { 'ort.py': `${WAITING}import first\n`, 'first.py': HARM }, ['ort.py'], 'first.py:2'],
    ['a module beside the application that a server is given', { 'bin/uvicorn': `#!python\n${WAITING}`, 'web.py': 'app = None\n', 'first.py': HARM }, ['bin/uvicorn', 'web:app'], 'passed'],
    ['the application that a server is given', { 'bin/uvicorn': `#!python\n${WAITING}`, 'web.py': HARM, 'first.py': '' }, ['bin/uvicorn', 'web:app'], 'web.py:2'],
    ['the script that a runner is given', { 'bin/streamlit': `#!python\n${WAITING}`, 'web.py': HARM, 'first.py': HARM }, ['bin/streamlit', 'run', 'web.py'], 'web.py:2'],
  ])('%s', async (_, files, words, expected) => {
    const at = folder(files)
    const pid = await started(at, { PYTHONPATH: onnxruntimeGpu() }, newest, ...words)
    const outcome = (await diagnoseHere({ kind: 'pid', pid }, [providerOrder])).outcomes.get('ep/provider-order')!
    expect(outcome.status === 'found' ? outcome.findings[0]!.cause.split(' ')[0]!.replace(`${at}/`, '') : JSON.stringify(outcome).replace(/^{"status":"passed"}$/, 'passed')).toBe(expected)
  }, 900_000)
  it('with the CPU first every node goes there, although CUDA is registered', () => {
    const placed = (providers: string) => {
      const ran = spawnSync('python3', ['-c', ORDER, fileURLToPath(new URL('../../fixtures/models/encoder.onnx', import.meta.url)), providers], { env: { ...process.env, PYTHONPATH: onnxruntimeGpu(), LD_LIBRARY_PATH: cudaStandin() }, encoding: 'utf8', maxBuffer: 64 << 20 })
      return [ran.stdout.trim(), ...[...ran.stderr.matchAll(/(?:All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/g)].map((m) => `${m[1]} ${m[2]}`)]
    }
    expect(placed('CPUExecutionProvider,CUDAExecutionProvider')).toEqual(["['CPUExecutionProvider', 'CUDAExecutionProvider']", 'CPUExecutionProvider 29'])
    expect(placed('CUDAExecutionProvider,CPUExecutionProvider')).toEqual(["['CUDAExecutionProvider', 'CPUExecutionProvider']", 'CPUExecutionProvider 1', 'CUDAExecutionProvider 28'])
  }, 900_000)
})

type Line = EngineLine & { readonly reach: Reach }
const line = (kind: EngineLine['kind'], file = '/opt/asr/server.py', more: Partial<Line> = {}): Line => ({ reach: file === '/opt/asr/server.py' ? 'script' : 'imported', file, line: 7, text: 'x', kind, ...more })
const distribution = (name: string, version: string) => ({ name, version, root: '/opt/asr/site' })

describe('ep/provider-order', () => {
  const judged = (of: { argv?: readonly string[]; env?: Record<string, string>; lines?: readonly EngineLine[]; packages?: readonly string[]; gpu?: boolean }) =>
    said(
      providerOrder.run({
        program: { kind: 'pid', pid: 7 },
        context: { argv: ['server', ...(of.argv ?? [])], env: { known: true, value: of.env ?? {} }, envSource: 'read /proc/7/environ' },
        gpuIntent: { asks: 'gpu', evidence: [], gpuPresent: of.gpu ?? true },
        process_: null,
        source: { known: true, value: { lines: of.lines ?? [], script: '/opt/asr/server.py', source: 'run python3', python: { distributions: (of.packages ?? []).map((name) => distribution(name, '1')) } } },
      } as never),
    )
  it.each([
    ['in the script that runs', { lines: [line('cpu-first')] }, 'error likely'],
    ['in the script, but only by the name it has', { lines: [line('cpu-first', '/opt/asr/server.py', { loose: true })] }, 'warning possible'],
    ['in a file that it imports', { lines: [line('cpu-first', '/opt/asr/tools/try.py')] }, 'warning possible'],
    ['on a machine without a card', { lines: [line('cpu-first')], gpu: false }, 'warning likely'],
    ['on the command line', { argv: ['--providers', 'CPUExecutionProvider,CUDAExecutionProvider'] }, 'error likely'],
    ['as two words', { argv: ['--providers', 'CPUExecutionProvider', 'CUDAExecutionProvider'] }, 'error likely'],
    ['in a variable', { env: { ONNX_PROVIDERS: '["CPUExecutionProvider", "CUDAExecutionProvider"]' } }, 'error likely'],
    ['the right way round', { argv: ['--providers', 'CUDAExecutionProvider', 'CPUExecutionProvider'] }, 'passed'],
    ['TensorRT without a cache', { lines: [line('tensorrt-first')], packages: ['tensorrt-cu12'] }, 'info likely'],
    ['TensorRT that is not installed is another matter', { lines: [line('tensorrt-first')] }, 'passed'],
    ['TensorRT whose cache a variable switches on', { lines: [line('tensorrt-first')], packages: ['tensorrt'], env: { ORT_TENSORRT_ENGINE_CACHE_ENABLE: '1' } }, 'passed'],
  ])('%s', (_, of, expected) => expect(judged(of)).toBe(expected))
})

describe('ep/oracle-foreign', () => {
  const failure = { asked: 'digest log /x', name: '/x', reading: { source: '/x', sizeBytes: 1, lines: 1, counts: { 'ort-cuda-not-created': 1 }, hits: [{ id: 'ort-cuda-not-created', line: 1, text: 'Failed to create CUDAExecutionProvider', atMs: null }] } }
  const judged = (lines: readonly EngineLine[], torch: string | null, failed: boolean) =>
    said(oracleForeign.run({ sourceEngine: { lines, script: '/opt/asr/server.py', source: 'run python3', python: { source: 'run python3', distributions: torch === null ? [] : [distribution('torch', torch)] } }, session: { logs: failed ? [failure] : [] } } as never))
  it.each<[string, readonly EngineLine[], string | null, boolean, string]>([
    ['a torch for the CPU decides', [line('torch-decides')], '2.9.1+cpu', false, 'warning likely'],
    ['a torch with CUDA decides', [line('torch-decides')], '2.9.1+cu128', false, 'passed'],
    ['torch of PyPI', [line('torch-decides')], '2.9.1', false, 'passed'],
    ['what is compiled in, while CUDA could not be loaded', [line('compiled-in')], null, true, 'info certain'],
    ['what is compiled in, and nothing failed', [line('compiled-in')], null, false, 'passed'],
  ])('%s', (_, lines, torch, failed, expected) => expect(judged(lines, torch, failed)).toBe(expected))
})

describe('ep/compute-type-unsupported', () => {
  const wish = (type: string, more: object = {}) => ({ version: '4.6.0', type, evidence: { source: 'read /proc/7/cmdline', saw: type }, lifted: false, device: null, reached: true, ...more })
  const judged = (of: object | null, asks: 'gpu' | 'cpu' | null, ...capabilities: readonly number[]) =>
    said(computeTypeUnsupported.run({ session: { logs: [] }, computeType: { value: of }, gpuIntent: { value: { asks, evidence: [{ source: 'read /proc/7/cmdline', saw: 'device' }], gpuPresent: true } }, cards: { known: true, value: capabilities.map((capability) => ({ name: 'card', capability, evidence: { source: 'run nvidia-smi', saw: 'card' } })) } } as never))
  it.each<[string, string, string]>([
    ['float16 on the CPU', judged(wish('float16'), 'cpu', 86), 'error likely'],
    ['int8 on the CPU', judged(wish('int8'), 'cpu'), 'passed'],
    ['float16 on a Pascal', judged(wish('float16'), 'gpu', 61), 'error likely'],
    ['float16 on a Pascal with the limit lifted', judged(wish('float16', { lifted: true }), 'gpu', 61), 'passed'],
    ['int8 on a Pascal', judged(wish('int8'), 'gpu', 61), 'passed'],
    ['bfloat16 on a Turing', judged(wish('bfloat16'), 'gpu', 75), 'error likely'],
    ['bfloat16 on an Ampere', judged(wish('bfloat16'), 'gpu', 86), 'passed'],
    ['float16 where one of two cards has it', judged(wish('float16'), 'gpu', 61, 86), 'passed'],
    ['no device is named', judged(wish('float16'), null, 61), 'not-applicable'],
    ['no type is named', judged(null, 'gpu', 61), 'not-applicable'],
    ['a line of source with its device', judged(wish('float16', { device: 'cpu', reached: false }), null), 'warning possible'],
  ])('%s', (_, verdict, expected) => expect(verdict).toBe(expected))

  const place = mkdtempSync(join(tmpdir(), 'asr-doctor-refused-'))
  afterAll(() => rmSync(place, { recursive: true }))
  /** What genuine CTranslate2 4.6.2 printed, one after the other. */
  const outcomesOf = async (...logs: readonly string[]) => {
    const file = join(place, `${logs.join('-then-')}.txt`)
    writeFileSync(file, logs.map((name) => readFileSync(new URL(`../../fixtures/logs/ctranslate2-4.6.2-${name}.txt`, import.meta.url), 'utf8')).join(''))
    return (await diagnoseHere({ kind: 'shell', files: { logs: [file], profiles: [], models: [] } }, [computeTypeUnsupported, gpuError])).outcomes
  }

  it('the refusal in its own log is certain, whether or not a wish was seen, and is said once', async () => {
    const outcomes = await outcomesOf('float16-on-cpu')
    expect(outcomes.get('ep/compute-type-unsupported')).toMatchObject({
      status: 'found',
      findings: [{ severity: 'error', confidence: 'certain', cause: 'CTranslate2 was asked for the compute type float16, which the device in use does not have (it may be the CPU), and refused to load the model.', evidence: [{ source: expect.stringMatching(/^digest log .*:7$/), saw: 'ValueError Requested float16 compute type, but the target device or backend do not support efficient float16 computation.' }] }],
    })
    expect(outcomes.get('log/gpu-error')).toEqual({ status: 'passed' })
  })

  it('and no fault of a program that loads its model with another type after it', async () => {
    expect((await outcomesOf('float16-on-cpu', 'converted')).get('ep/compute-type-unsupported')!.status).toBe('not-applicable')
    expect((await outcomesOf('converted', 'float16-on-cpu')).get('ep/compute-type-unsupported')!.status).toBe('found')
  })

  it('other errors of CTranslate2 stay with log/gpu-error', async () => {
    const outcomes = await outcomesOf('no-driver')
    expect(outcomes.get('ep/compute-type-unsupported')!.status).toBe('not-applicable')
    expect(outcomes.get('log/gpu-error')!.status).toBe('found')
  })

  it('names the wish and the device where they are seen', () => {
    const text = 'ValueError: Requested float16 compute type, but the target device or backend do not support efficient float16 computation.'
    const log = { asked: 'digest log /x', name: '/x', reading: { source: '/x', sizeBytes: 1, lines: 1, counts: { 'ct2-compute-type': 1 }, hits: [{ id: 'ct2-compute-type', line: 12, text, atMs: null }] } }
    const run = (log_: object, of: object) => computeTypeUnsupported.run({ session: { logs: [log_], probe: { asked: 'run probe' } }, computeType: { value: of }, gpuIntent: { value: { asks: 'cpu', evidence: [], gpuPresent: true } }, cards: { known: false } } as never)
    expect(run(log, wish('float16', { reached: false }))).toMatchObject([{ confidence: 'certain', cause: 'CTranslate2 4.6.0 was asked for the compute type float16, which the CPU does not have, and refused to load the model.', evidence: [{ source: 'digest log /x:12', saw: text }, { saw: 'float16' }], fixes: [{ title: 'Ask for float32, or for auto' }] }])
    // What only the probe printed is not the service's.
    expect(run({ ...log, asked: 'run probe' }, wish('int8'))).toEqual([])
  })
})

describe('ep/model-format-foreign', () => {
  const judged = (exe: string, argv: readonly string[], format: string) =>
    said(modelFormatForeign.run({ program: { kind: 'unit' }, context: { exe, argv }, modelFiles: [{ path: '/models/m.bin', how: 'named', foundBy: 'read /proc/7/cmdline', asked: 'digest model /models/m.bin', file: { known: true, value: { format } }, twin: null }] } as never))
  it.each<[string, string, string]>([
    ['a GGUF', judged('/usr/bin/whisper-cli', ['whisper-cli', '-m', '/models/m.bin'], 'gguf'), 'error certain'],
    ['its own', judged('/usr/bin/whisper-server', ['whisper-server', '--model', '/models/m.bin'], 'ggml'), 'passed'],
    ['another program', judged('/usr/bin/llama-server', ['llama-server', '-m', '/models/m.bin'], 'gguf'), 'not-applicable'],
    ['a file that is no model argument', judged('/usr/bin/whisper-cli', ['whisper-cli', '-f', '/models/m.bin'], 'onnx'), 'not-applicable'],
  ])('%s', (_, verdict, expected) => expect(verdict).toBe(expected))
})

describe('ep/driverless-crash', () => {
  const judged = (version: string, of: { driver?: boolean; missing?: boolean; proven?: 'attempted'; asks?: 'gpu' | 'cpu' | null; saw?: string; unit?: Record<string, string> } = {}) =>
    said(
      driverlessCrash.run({
        program: { kind: 'unit' },
        gpuIntent: { asks: of.asks === undefined ? 'gpu' : of.asks, evidence: [{ source: 'read /proc/7/cmdline', saw: of.saw ?? '--device cuda' }], gpuPresent: false },
        resolution: { libraries: [{ library: { path: '/opt/libonnxruntime_providers_cuda.so', version, foundBy: 'list /opt' }, links: [{ name: 'libcuda.so.1', answer: { status: of.driver ? 'found' : 'missing' } }], missing: of.missing ? [{ soname: 'libcublas.so.12', optional: false }] : [], broken: [], unknown: [], proven: of.proven ?? null, driver: of.driver ? {} : null }] },
        process_: null,
        unitState: of.unit === undefined ? null : { source: 'run systemctl show', properties: of.unit },
      } as never),
    )
  it.each<[string, ReturnType<typeof judged>, string]>([
    ['1.22.0', judged('1.22.0'), 'error likely'],
    ['1.18.1', judged('1.18.1'), 'error likely'],
    ['a unit that died of it', judged('1.20.2', { unit: { Result: 'core-dump', ExecMainStatus: '11' } }), 'error certain'],
    ['1.23.0 says what is missing', judged('1.23.0'), 'not-applicable'],
    ['with its driver', judged('1.22.0', { driver: true }), 'passed'],
    ['with another library missing it falls back', judged('1.22.0', { missing: true }), 'passed'],
    ['a process that tried and lives', judged('1.22.0', { proven: 'attempted' }), 'passed'],
    ['only a list of devices speaks of CUDA', judged('1.22.0', { saw: 'CUDA_VISIBLE_DEVICES=0' }), 'info possible'],
    ['its source may ask', judged('1.22.0', { asks: null }), 'info possible'],
    ['a unit that died so, of which nothing tells what it asks for', judged('1.22.0', { asks: null, unit: { Result: 'core-dump', ExecMainStatus: '11' } }), 'error likely'],
    ['the CPU is asked for', judged('1.22.0', { asks: 'cpu' }), 'not-applicable'],
  ])('%s', (_, verdict, expected) => expect(verdict).toBe(expected))
})

describe('ep/model-file-broken, of a file that was given', () => {
  const place = mkdtempSync(join(tmpdir(), 'asr-doctor-given-'))
  afterAll(() => rmSync(place, { recursive: true }))
  const judged = async (path: string) => {
    const outcome = (await diagnoseHere({ kind: 'shell', files: { logs: [], profiles: [], models: [path] } }, [modelFileBroken])).outcomes.get('ep/model-file-broken')!
    return outcome.status === 'found' ? outcome.findings.map(({ severity, cause }) => `${severity}: ${cause.replace(path, 'it')}`) : outcome.status
  }
  it('says of what is no model that it is none', async () => {
    expect(await judged('/etc/passwd')).toEqual(['warning: it is no model of a kind that is known here (ONNX, GGUF, whisper.cpp, CTranslate2), so nothing is said of how it runs.'])
  })
  it('passes a whole model, and finds the same one cut', async () => {
    const model = fileURLToPath(new URL('../../fixtures/models/encoder.onnx', import.meta.url))
    expect(await judged(model)).toBe('passed')
    writeFileSync(join(place, 'cut.onnx'), readFileSync(model).subarray(0, 900))
    expect(await judged(join(place, 'cut.onnx'))).toEqual(['error: it is cut short.'])
  })
})
