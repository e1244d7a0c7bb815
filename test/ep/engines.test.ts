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
import type { Context } from '../../src/facts/context.ts'
import { scanSource, type EngineLine } from '../../src/facts/source-scan.ts'
import type { Verdict } from '../../src/types.ts'
import { diagnoseHere, hostHere } from '../support/diagnose.ts'
import { cudaStandin, onnxruntimeGpu, onnxruntimeGpuMissing } from '../support/onnxruntime-gpu.ts'
import { describeWith } from '../support/rig.ts'
import { clean, folder } from '../python/place.ts'
import { pythonMissing, pythons } from '../python/wheels.ts'

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
    expect(scan.engineLines!.map(({ file, line, kind }) => `${file.replace(`${at}/`, '')}:${line} ${kind}`)).toEqual([
      'order.py:3 cpu-first', 'order.py:4 cpu-first', 'order.py:8 cpu-first', 'order.py:9 cpu-first',
      'tensorrt.py:2 tensorrt-first', 'tensorrt.py:3 compiled-in',
      'types.py:1 compute-type',
      'whisper.py:3 torch-decides',
    ])
  })
})

const ORDER = `import sys, onnxruntime as ort
options = ort.SessionOptions()
options.log_severity_level = 0
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
print(ort.InferenceSession(sys.argv[1], options, providers=sys.argv[2].split(',')).get_providers())`

describeWith('onnxruntime-gpu over stand-in CUDA libraries', onnxruntimeGpuMissing(), () => {
  it('with the CPU first every node goes there, although CUDA is registered', () => {
    const placed = (providers: string) => {
      const ran = spawnSync('python3', ['-c', ORDER, fileURLToPath(new URL('../../fixtures/models/encoder.onnx', import.meta.url)), providers], { env: { ...process.env, PYTHONPATH: onnxruntimeGpu(), LD_LIBRARY_PATH: cudaStandin() }, encoding: 'utf8', maxBuffer: 64 << 20 })
      return [ran.stdout.trim(), ...[...ran.stderr.matchAll(/(?:All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/g)].map((m) => `${m[1]} ${m[2]}`)]
    }
    expect(placed('CPUExecutionProvider,CUDAExecutionProvider')).toEqual(["['CPUExecutionProvider', 'CUDAExecutionProvider']", 'CPUExecutionProvider 29'])
    expect(placed('CUDAExecutionProvider,CPUExecutionProvider')).toEqual(["['CUDAExecutionProvider', 'CPUExecutionProvider']", 'CPUExecutionProvider 1', 'CUDAExecutionProvider 28'])
  }, 900_000)
})

const line = (kind: EngineLine['kind'], file = '/opt/asr/server.py'): EngineLine => ({ file, line: 7, text: 'x', kind })
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
    ['in a file beside it', { lines: [line('cpu-first', '/opt/asr/tools/try.py')] }, 'warning possible'],
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
    said(computeTypeUnsupported.run({ computeType: of, gpuIntent: { asks, evidence: [{ source: 'read /proc/7/cmdline', saw: 'device' }], gpuPresent: true }, cards: { known: true, value: capabilities.map((capability) => ({ name: 'card', capability, evidence: { source: 'run nvidia-smi', saw: 'card' } })) } } as never))
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
    ['only a list of devices speaks of CUDA', judged('1.22.0', { saw: 'CUDA_VISIBLE_DEVICES=0' }), 'warning possible'],
    ['nothing asks for the GPU', judged('1.22.0', { asks: null }), 'not-applicable'],
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
