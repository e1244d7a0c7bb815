import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { clipWav, pcm16Wav } from '../../src/bench/audio/clip.ts'
import { prepareAudio } from '../../src/bench/audio/prepare.ts'
import { CannotMeasure, type Instance } from '../../src/bench/engine.ts'
import { commandEngine } from '../../src/bench/engines/command.ts'
import { pythonNetwork, type NetworkJob } from '../../src/bench/engines/python/onnxruntime.ts'
import { caughtError, plainError, refusesProvider, whyPythonDidNot } from '../../src/bench/engines/refused.ts'
import { onnxruntimeNodeTarget } from '../../src/bench/targets/onnxruntime-node.ts'
import { pythonTarget } from '../../src/bench/targets/python.ts'
import type { Io } from '../../src/io.ts'
import { WrongCall } from '../../src/wrong-call.ts'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'
import { REPOSITORY } from '../support/box.ts'

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => void vi.restoreAllMocks())

const never = new AbortController().signal

// As onnxruntime 1.11.1 (Python 3.8) and 1.22.0 (fixtures/logs) printed them.
const OPSET =
  'Fail: [ONNXRuntimeError] : 1 : FAIL : Load model from /tmp/x/encoder.onnx failed:/onnxruntime_src/onnxruntime/core/graph/model_load_utils.h:47 void onnxruntime::model_load_utils::ValidateOpsetForDomain(const std::unordered_map<std::basic_string<char>, int>&, const onnxruntime::logging::Logger&, bool, const string&, int) ONNX Runtime only *guarantees* support for models stamped with official released onnx opset versions. Opset 17 is under development and support for this is limited. Current official support for domain ai.onnx is till opset 16.'
const OPSET_PLAIN = 'ONNX Runtime only *guarantees* support for models stamped with official released onnx opset versions. Opset 17 is under development and support for this is limited. Current official support for domain ai.onnx is till opset 16.'
const NO_DRIVER =
  '/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:129 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, common::Status> = void] CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; hostname=host1 ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=282 ; expr=cudaSetDevice(info_.device_id); '
const MISSING = 'Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: No such file or directory\n'

describe('whether a runtime refused the provider, or the model', () => {
  it.each<[string, string, string, string, boolean]>([
    ['an operator set that it does not know', 'cuda', OPSET, '', false],
    ['a library that is missing', 'cuda', 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library', MISSING, true],
    ['no driver', 'cuda', NO_DRIVER, '', true],
    ['a model too large for the card', 'cuda', '/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:129 x CUDA failure 2: out of memory ; GPU=0 ;', '', false],
    ['a provider that the build does not know', 'rocm', 'no available backend found. ERR: [rocm] backend not found.', '', true],
    ['no adapter', 'webgpu', 'was false. Failed to get a WebGPU adapter: No supported adapters', '', true],
    ['an operator without a kernel', 'cuda', 'Could not find an implementation for Foo(1) node with name /conv', '', false],
  ])('%s', (_, provider, error, output, refused) => expect(refusesProvider(provider, error, output)).toBe(refused))

  it('an error loses its place in the source, and keeps what it says', () => {
    expect(plainError(OPSET)).toBe(OPSET_PLAIN)
    expect(plainError(NO_DRIVER)).toBe('CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version')
    expect(plainError('The model could not be read.')).toBe('The model could not be read.')
  })
  it('what Python’s onnxruntime caught before it fell back is the reason', () => {
    const output = `*************** EP Error ***************\nEP Error ${NO_DRIVER} when using ['CUDAExecutionProvider', 'CPUExecutionProvider']\nFalling back to ['CPUExecutionProvider'] and retrying.\n`
    expect(caughtError(output)).toBe(NO_DRIVER)
    expect(whyPythonDidNot('cuda', { available: ['CUDAExecutionProvider', 'CPUExecutionProvider'], version: '1.22.0', output, error: null })).toBe('The runtime refused it: CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version.')
    expect(whyPythonDidNot('cuda', { available: ['CUDAExecutionProvider'], version: '1.22.0', output: MISSING, error: null })).toMatch(/because libcublasLt\.so\.12 was not found\.$/)
    expect(whyPythonDidNot('cuda', { available: ['CUDAExecutionProvider'], version: '1.22.0', output: '', error: null })).toBe('No node of the model was placed on cuda.')
  })
  it.each<[string, readonly string[], string, boolean]>([
    ['cuda named, the graph rejected', ['cuda'], OPSET, false],
    ['cuda named, cuda refused', ['cuda', 'cpu'], NO_DRIVER, true],
    ['auto, the graph rejected', [], OPSET, false],
    ['auto, and even the CPU fails', [], NO_DRIVER, false],
    ['the CPU named', ['cpu'], OPSET, false],
  ])('onnxruntime-node: %s', async (_, provider, error, refused) => {
    const { refused: judge } = await onnxruntimeNodeTarget({ provider, runtimeAt: REPOSITORY }, { env: {}, cwd: REPOSITORY } as Io, await prepareAudio(null, false, never), never)
    expect(judge(new CannotMeasure('x', { error, output: '' })) !== null).toBe(refused)
  })
})

/** A program in the place of Python that prints what it is told to. */
function stand(name: string, script: string): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}
const JOB = (...providers: readonly string[]): NetworkJob => ({ encoder: '', decoder: '', calibration: '', mels: [], shape: [], decode: { blank: 0, state: 0 }, providers, threads: null })
const says = (...answers: readonly object[]) => answers.map((answer) => `cat <<'X'\n${JSON.stringify(answer)}\nX`).join('\n')
const LOADED = { kind: 'loaded', sinceReadyMs: 0, python: '3.11.7', facts: { version: '1.23.2', available: [] } }
const failure = async (opening: Promise<unknown>): Promise<CannotMeasure> => {
  const error = await opening.then(() => null, (thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(CannotMeasure)
  return error as CannotMeasure
}

describe('a Python', () => {
  it('whose onnxruntime is too old for the network: the error itself, and nobody refused a provider', async () => {
    const python = stand('old', says({ kind: 'failed', at: 'session', error: OPSET, library: 'onnxruntime 1.11.1', available: ['CUDAExecutionProvider', 'CPUExecutionProvider'] }))
    const { message, refusal } = await failure(pythonNetwork(python, JOB('CUDAExecutionProvider', 'CPUExecutionProvider'), never).open())
    expect(message).toBe(`onnxruntime 1.11.1 in ${python} failed: ${OPSET_PLAIN.slice(0, -1)}.`)
    expect(refusal).toBeNull()
  })
  it('whose onnxruntime is too old and for the CPU: both are said where CUDA was named', async () => {
    const python = stand('older', says({ kind: 'failed', at: 'session', error: OPSET, library: 'onnxruntime 1.11.1', available: ['CPUExecutionProvider'] }))
    const audio = await prepareAudio(null, false, never)
    for (const [provider, refused] of [[['cuda'], true], [[], false]] as const) {
      const { engine, refused: judge, remove } = pythonTarget(python, { provider, workload: 'fastconformer-s' }, audio, never)
      const because = judge(await failure(engine.open()))?.because ?? null
      remove()
      if (refused) expect(because).toBe(`The onnxruntime 1.11.1 of this Python has no CUDAExecutionProvider built in: it is the package for the CPU (onnxruntime), not onnxruntime-gpu. Without it the network was not taken either: ${OPSET_PLAIN}`)
      else expect(because).toBeNull()
    }
  })
  it('behind a script that says something first: that is not an answer, and is kept', async () => {
    const python = stand('wrapper', `echo 'activating venv'; echo '{"progress": 1}'; ${says(LOADED)}\nread x; read y; echo 'half a line'; exit 3`)
    const instance = await pythonNetwork(python, JOB('CPUExecutionProvider'), never).open()
    expect(instance.python).toBe('3.11.7')
    expect(instance.output()).toBe('activating venv\n{"progress": 1}\n')
    expect((await failure(instance.run())).message).toMatch(/ended with exit code 3, after saying "half a line"\.$/)
  })
  it('whose line never ends is stopped', async () => {
    const python = stand('flood', 'exec head -c 64000000 /dev/zero; sleep 60')
    expect((await failure(pythonNetwork(python, JOB('CPUExecutionProvider'), never).open())).message).toBe(`${python} printed a line of more than 16 MiB and was stopped.`)
  })
  it('loads in a time that no clock set meanwhile can change', async () => {
    const python = stand('loads', `sleep 0.3; ${says({ ...LOADED, sinceReadyMs: 100 })}\nread x`)
    vi.spyOn(Date, 'now').mockReturnValueOnce(0).mockReturnValue(Number.MAX_SAFE_INTEGER)
    const instance = await pythonNetwork(python, JOB('CPUExecutionProvider'), never).open()
    instance.stop()
    expect(instance.loadMs).toBeGreaterThan(190)
    expect(instance.loadMs).toBeLessThan(20_000)
  })
})

describe('what is left behind', () => {
  it('a recording that is too short: nothing was written', async () => {
    const own = join(folder, 'tmp')
    mkdirSync(own)
    vi.stubEnv('TMPDIR', own)
    writeFileSync(join(folder, 'short.wav'), pcm16Wav(new Int16Array(300), 16_000))
    const audio = await prepareAudio(join(folder, 'short.wav'), false, never)
    expect(() => pythonTarget('python3', { provider: [] }, audio, never)).toThrow(WrongCall)
    expect(readdirSync(own)).toEqual([])
    vi.unstubAllEnvs()
  })
  it('a process that dies of an error takes its folder along', () => {
    const own = join(folder, 'dies')
    mkdirSync(own)
    execFileSync(join(REPOSITORY, 'node_modules/.bin/esbuild'), [join(REPOSITORY, 'src/bench/temp-folder.ts'), '--bundle', '--format=esm', '--platform=node', `--outfile=${join(folder, 'temp.mjs')}`, '--log-level=error'])
    const run = (end: string) => spawnSync(process.execPath, ['--input-type=module', '-e', `const { tempFolder } = await import(${JSON.stringify(join(folder, 'temp.mjs'))}); tempFolder().write('x', new Uint8Array(9)); console.log('made'); ${end}`], { env: { ...process.env, TMPDIR: own }, encoding: 'utf8' })
    for (const end of ['throw new Error("x")', 'process.exit(1)', 'setTimeout(() => { throw new Error("y") })']) expect(run(end)).toMatchObject({ stdout: 'made\n', status: 1 })
    expect(readdirSync(own)).toEqual([])
  })
})

it('--command: the yardstick is ours, and its work nobody else’s', async () => {
  const instance = await commandEngine(['true'], '', never).open()
  try {
    expect(instance.pids()).toHaveLength(1)
    expect(instance.pids()![0]).toBeGreaterThan(1)
    expect(instance.ours!()).toEqual(instance.pids())
  } finally {
    instance.stop()
  }
})

const version = spawnSync('python3', ['-c', 'import sys;print("%d.%d"%sys.version_info[:2])'], { encoding: 'utf8' }).stdout?.trim() ?? ''
const missing = ['3.10', '3.11', '3.12', '3.13'].includes(version) && spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ? null : 'needs python3 from 3.10 to 3.13 with pip'

/** Runs before anything in that Python: the genuine runtime, but one that claims a device it has not. */
const CLAIMS = `
import numpy as np, onnxruntime as ort
ort.get_available_providers = lambda: ['CUDAExecutionProvider', 'CPUExecutionProvider']
ort.InferenceSession.get_providers = lambda self: ['CUDAExecutionProvider', 'CPUExecutionProvider']
genuine_init, genuine_run = ort.InferenceSession.__init__, ort.InferenceSession.run
def init(self, path, options, providers):
    self.on_device = 'CUDAExecutionProvider' in providers
    genuine_init(self, path, options, providers=['CPUExecutionProvider'])
def run(self, names, feeds):
    out = genuine_run(self, names, feeds)
    return [out[0] * np.float32(FACTOR)] + out[1:] if self.on_device and names and 'encoded' in names else out
ort.InferenceSession.__init__, ort.InferenceSession.run = init, run
`

describeWith('genuine onnxruntime in Python', missing, () => {
  const opened = async <T>(factor: string | null, work: (instance: Instance, subject: ReturnType<typeof pythonTarget>) => Promise<T>): Promise<T> => {
    const site = mkdtempSync(join(folder, 'site-'))
    if (factor !== null) writeFileSync(join(site, 'sitecustomize.py'), CLAIMS.replace('FACTOR', factor))
    vi.stubEnv('PYTHONPATH', [site, wheel('onnxruntime', '1.23.2', '.', version), wheel('numpy', '2.2.6', '.', version)].join(':'))
    writeFileSync(join(folder, 'second.wav'), clipWav().subarray(0, 44 + 2 * 16_000))
    const subject = pythonTarget('python3', { provider: ['cuda', 'cpu'], workload: 'fastconformer-s', threads: 1 }, await prepareAudio(join(folder, 'second.wav'), false, never), never)
    let instance: Instance | null = null
    try {
      instance = await subject.engine.open()
      subject.opened(instance)
      return await work(instance, subject)
    } finally {
      vi.unstubAllEnvs()
      instance?.stop()
      subject.remove()
    }
  }

  it('a session that claims CUDA and has its nodes on the CPU ran on the CPU', async () => {
    await opened('1', async (instance, subject) => {
      const placement = await instance.placement()
      expect(placement).toEqual([{ provider: 'CPUExecutionProvider', nodes: expect.any(Number), timeMs: expect.any(Number) }])
      expect(placement[0]!.nodes).toBeGreaterThan(500)
      expect(subject.provider({ placement } as never)).toMatchObject({ asked: ['cuda', 'cpu'], used: 'cpu', tier: 'cpu', because: 'No node of the model was placed on cuda.' })
      expect(subject.plan.place).toBe(true)
    })
  }, 600_000)
  it.each<[string, string | null, object]>([
    ['the same', '1', { cosine: expect.closeTo(1, 6), finite: true }],
    ['turned round', '-1', { cosine: expect.closeTo(-1, 6), finite: true }],
    ['not numbers', "'nan'", { cosine: 0, finite: false }],
  ])('the output of a device is held against the CPU’s: %s', async (_, factor, agreement) => {
    const told = await opened(factor, (instance) => instance.compare!())
    expect(told).toMatchObject(agreement)
    expect(told.cpuWallMs).toBeGreaterThan(1)
  }, 600_000)
})
