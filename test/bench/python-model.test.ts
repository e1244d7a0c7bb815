import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIP_RATE, clipWav, pcm16Wav } from '../../src/bench/audio/clip.ts'
import { inMemory } from '../../src/bench/audio/source.ts'
import { readWav } from '../../src/bench/audio/wav.ts'
import { refusesDevice } from '../../src/bench/engines/refused.ts'
import { REPOSITORY } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { venv } from '../support/venv.ts'
import { wheel } from '../support/wheels.ts'
import { buildTool, checked, leftFolders, leftProcesses, type Tool } from './tool.ts'

const python = (code: string) => spawnSync('python3', ['-c', code], { encoding: 'utf8' }).stdout?.trim() ?? ''
const version = python('import sys;print("%d.%d"%sys.version_info[:2])')
const missing = !['3.10', '3.11', '3.12', '3.13'].includes(version) ? 'needs python3 from 3.10 to 3.13 with venv and pip' : spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0 ? null : 'needs venv (apt-get install python3-venv)'

/** openai-whisper and transformers rest on PyTorch, whose wheel for Linux comes with 4 GB of CUDA libraries. */
const TORCH = process.env['ASR_DOCTOR_TORCH_PYTHON']
const NEMO = process.env['ASR_DOCTOR_NEMO_PYTHON']

let tool: Tool
let folder = ''
const at = (...names: readonly string[]) => join(folder, ...names)
beforeAll(async () => {
  tool = await buildTool()
  folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
  const { samples } = readWav(inMemory(clipWav()))
  writeFileSync(at('short.wav'), pcm16Wav(Int16Array.from(samples.subarray(0, 5 * CLIP_RATE), (value) => Math.round(value * 32768)), CLIP_RATE))
  writeFileSync(at('said.txt'), 'four score and seven years ago our fathers')
  for (const name of ['hf', 'onnx', 'empty']) mkdirSync(at(name))
  writeFileSync(at('hf/config.json'), '{}')
  writeFileSync(at('hf/model.safetensors'), '')
  writeFileSync(at('onnx/encoder.onnx'), '')
  writeFileSync(at('model.nemo'), '')
  writeFileSync(at('base.pt'), '')
})
afterAll(() => {
  tool.remove()
  rmSync(folder, { recursive: true, force: true })
})
/** Processes of this interpreter that are still there. */
const left = (interpreter: string) => spawnSync('pgrep', ['-f', interpreter], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)
const bench = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => tool.run(['--audio', at('short.wav'), '--threads', '1', ...args], { cwd: folder, env })

describe('--python with --model', () => {
  it.each<[string, string[], RegExp]>([
    ['nothing of that name', ['--model', 'base.en'], /^--model base\.en: there is no such file or folder\. If it is the name of a model, say whose with --engine/],
    ['a path that is not there', ['--model', './models/base', '--engine', 'faster-whisper'], /^--model \.\/models\/base: there is no such file or folder\.$/m],
    ['a name for a library that has none', ['--model', 'base.en', '--engine', 'ctranslate2'], /knows no models by name/],
    ['ONNX', ['--model', 'onnx'], /is in ONNX: leave --python out/],
    ['a folder that nobody reads', ['--model', 'empty'], /no library is known for it/],
    ['a provider that no such library has', ['--model', 'hf', '--provider', 'tensorrt'], /transformers takes one of auto, cpu and cuda/],
    ['two providers', ['--model', 'model.nemo', '--provider', 'cuda,cpu'], /nemo takes one of auto, cpu and cuda/],
    ['an engine and no model', ['--engine', 'nemo'], /--engine goes with --python and --model/],
    ['an engine that is not known', ['--model', 'hf', '--engine', 'vosk'], /Allowed choices are faster-whisper, ctranslate2, openai-whisper, transformers, nemo/],
  ])('%s is a wrong call', (_, args, message) => {
    const { code, stderr } = bench(['--python', '/bin/true', ...args])
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
    expect(leftFolders(tool)).toEqual([])
  })
  it.each<[string, string, string]>([
    ['hf', 'transformers', 'numpy|torch|transformers'],
    ['base.pt', 'whisper', 'numpy|torch|whisper'],
    ['model.nemo', 'nemo.collections.asr', 'numpy|torch|nemo'],
  ])('%s is for a library that this Python does not have', (model, module, absent) => {
    const { code, stderr } = bench(['--python', 'python3', '--model', model], { PYTHONPATH: '/nonexistent', PYTHONNOUSERSITE: '1' })
    expect(stderr).toMatch(new RegExp(`python3 cannot import ${module.replaceAll('.', '\\.')} \\(ModuleNotFoundError: No module named '(${absent})'\\)\\.`))
    expect(code).toBe(4)
  })
  // As printed by ctranslate2 4.6.0, torch 2.8.0, openai-whisper 20250625 and cuDNN 9.10; the last three are faults of another kind.
  it.each<[string, boolean]>([
    ['RuntimeError: CUDA failed with error CUDA driver version is insufficient for CUDA runtime version', true],
    ['ValueError: This CTranslate2 package was not compiled with CUDA support', true],
    ['RuntimeError: Library libcublas.so.12 is not found or cannot be loaded', true],
    ['RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx', true],
    ['AssertionError: Torch not compiled with CUDA enabled', true],
    ['RuntimeError: CUDA failed with error out of memory', false],
    ['RuntimeError: Unable to open file \'model.bin\' in model \'/x\'', false],
    ['ValueError: Requested float16 compute type, but the target device or backend do not support efficient float16 computation.', false],
  ])('%s: whether the device itself is refused', (error, refused) => expect(refusesDevice(error)).toBe(refused))

  describeWith('genuine faster-whisper and ctranslate2', missing, () => {
    let interpreter = ''
    beforeAll(() => {
      interpreter = venv('faster-whisper-1.2.1', version, ['faster-whisper==1.2.1', 'ctranslate2==4.6.0', 'tokenizers==0.22.2', 'huggingface_hub==0.36.2', 'av==18.1.0', 'onnxruntime==1.23.2', 'numpy==2.2.6'])
      execFileSync(interpreter, [join(REPOSITORY, 'test/rigs/tiny-models/ctranslate2_whisper.py'), at('tiny')])
    }, 1_000_000)
    /** What the library itself says, called by a few lines of its own documentation. */
    const itself = (code: string): string => execFileSync(interpreter, ['-c', code, at('tiny'), at('short.wav')], { encoding: 'utf8' }).trim()

    it('a folder of CTranslate2 runs in it; the text is its own, the precision the one it took', () => {
      const { code, stdout, stderr } = bench(['--json', '--runs', '2', '--python', interpreter, '--model', 'tiny'])
      expect(stderr).not.toContain('could not')
      const result = checked(stdout)
      expect(result).toMatchObject({
        target: { kind: 'python', name: 'tiny', runtime: expect.stringMatching(/^faster-whisper 1\.2\.1 on ctranslate2 4\.6\.0 in Python 3\.\d+\.\d+$/), threads: 1, precision: 'float32' },
        workload: 'tiny', provider: { asked: ['auto'], used: 'cpu', tier: 'cpu', because: null },
      })
      expect(Object.keys(result.phases).sort()).toEqual(['decoder', 'encoder', 'features'])
      for (const { wallMs, phases } of result.runs) expect(phases.reduce((sum: number, phase: { wallMs: number }) => sum + phase.wallMs, 0)).toBeLessThanOrEqual(wallMs)
      expect(result.cold).toHaveLength(3)
      const words = result.text.heard.trim().split(' ')
      expect(words.length).toBeGreaterThan(1)
      expect(words.slice(0, 2)).toEqual(itself('import sys,faster_whisper as f;m=f.WhisperModel(sys.argv[1],device="cpu");print("".join(s.text for s in m.transcribe(sys.argv[2])[0]))').split(' ').slice(0, 2))
      expect(code).toBe(0)
      expect([...leftProcesses(tool), ...left(interpreter)]).toEqual([])
      expect(leftFolders(tool)).toEqual([])
    })
    it('text is judged: another one than was said fails', () => {
      const { code, stdout } = bench(['--json', '--runs', '1', '--python', interpreter, '--model', 'tiny', '--reference', 'said.txt', '--max-wer', '50%'])
      expect(checked(stdout)).toMatchObject({ text: { wer: expect.any(Number), empty: false }, gate: { state: 'fail', because: expect.stringMatching(/The word error rate is \d+ %, beyond the limit of 50 %/) } })
      expect(code).toBe(1)
    })
    it('where only ctranslate2 is installed it runs alone, and hears what it hears with the features and tokenizer of faster-whisper', () => {
      const path = [wheel('ctranslate2', '4.6.0', '.', version), wheel('numpy', '2.2.6', '.', version), wheel('pyyaml', '6.0.3', '.', version), wheel('setuptools', '80.9.0', '.', version)].join(':')
      const { code, stdout, stderr } = bench(['--json', '--runs', '1', '--python', python('import sys;print(sys.executable)'), '--model', 'tiny'], { PYTHONPATH: path, PYTHONNOUSERSITE: '1' })
      expect(stderr).not.toContain('could not')
      const result = checked(stdout)
      expect(result.target).toMatchObject({ runtime: expect.stringMatching(/^ctranslate2 4\.6\.0 in Python 3/), precision: 'float32' })
      expect(Object.keys(result.phases)).toEqual(['encoder', 'decoder'])
      const theirs = itself(`
import sys, numpy as np, ctranslate2, tokenizers
from faster_whisper import decode_audio
from faster_whisper.feature_extractor import FeatureExtractor
samples = decode_audio(sys.argv[2])
mel = FeatureExtractor()(np.pad(samples, (0, 480000 - len(samples))))[:, :3000]
model = ctranslate2.models.Whisper(sys.argv[1])
tokens = model.generate(ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[None], np.float32)), [['<|startoftranscript|>', '<|notimestamps|>']], beam_size=1)[0].sequences_ids[0]
print(tokenizers.Tokenizer.from_file(sys.argv[1] + '/tokenizer.json').decode(tokens, skip_special_tokens=True))`)
      expect(theirs.split(' ').length).toBeGreaterThan(3)
      expect(result.text.heard.trim()).toBe(theirs)
      expect(code).toBe(0)
    }, 600_000)
    it('CUDA where there is no driver: exit 5, in the words of the library', () => {
      const { code, stdout } = bench(['--json', '--python', interpreter, '--model', 'tiny', '--provider', 'cuda'])
      const { provider, rtf } = checked(stdout)
      expect(provider).toMatchObject({ asked: ['cuda'], used: null, because: 'faster-whisper 1.2.1 on ctranslate2 4.6.0 refused it: CUDA failed with error CUDA driver version is insufficient for CUDA runtime version.' })
      expect(rtf).toBeNull()
      expect(code).toBe(5)
    })
    it('a name that was never fetched: nothing is downloaded, nobody is asked, and the command is shown', async () => {
      let asked = 0
      const hub = createServer((_, response) => response.writeHead(500).end(String(++asked)))
      await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve))
      const child = tool.start(['--python', interpreter, '--model', 'tiny.en', '--engine', 'faster-whisper'], { HF_HOME: at('hub'), HF_ENDPOINT: `http://127.0.0.1:${(hub.address() as AddressInfo).port}` })
      let stderr = ''
      child.stderr!.on('data', (chunk) => (stderr += chunk))
      const code = await new Promise((resolve) => child.once('close', resolve))
      hub.close()
      expect(stderr).toContain(`tiny.en is not among the models that faster-whisper has fetched, and nothing is downloaded unasked. This fetches it: ${interpreter} -c "import faster_whisper; faster_whisper.download_model('tiny.en')"`)
      expect(code).toBe(4)
      expect(asked).toBe(0)
    })
    it('a name that was fetched is taken from the cache', () => {
      const cache = at('cache/hub/models--Systran--faster-whisper-tiny.en')
      mkdirSync(join(cache, 'refs'), { recursive: true })
      mkdirSync(join(cache, 'snapshots'))
      writeFileSync(join(cache, 'refs/main'), 'abc')
      symlinkSync(at('tiny'), join(cache, 'snapshots/abc'))
      const { code, stdout } = bench(['--json', '--runs', '1', '--python', interpreter, '--model', 'tiny.en', '--engine', 'faster-whisper'], { HF_HOME: at('cache') })
      expect(checked(stdout)).toMatchObject({ workload: 'tiny.en', text: { empty: false } })
      expect(code).toBe(0)
    })
    it('a model that is cut short: the words of the library, and no stack trace', () => {
      mkdirSync(at('cut'))
      for (const name of readdirSync(at('tiny'))) copyFileSync(at('tiny', name), at('cut', name))
      truncateSync(at('cut/model.bin'), 1_000_000)
      const { code, stderr } = bench(['--python', interpreter, '--model', 'cut'])
      expect(stderr).toMatch(/could not measure: faster-whisper 1\.2\.1 on ctranslate2 4\.6\.0 in \S+ failed: RuntimeError: File model\.bin is incomplete/)
      expect(stderr).not.toContain('Traceback')
      expect(code).toBe(4)
    })
    it('Ctrl-C leaves no process and no file', async () => {
      const child = tool.start(['--json', '--audio', at('short.wav'), '--python', interpreter, '--model', at('tiny')])
      await sleep(3_000)
      child.kill('SIGINT')
      expect(await new Promise((resolve) => child.once('close', resolve))).toBe(130)
      expect(leftFolders(tool)).toEqual([])
      expect([...leftProcesses(tool), ...left(interpreter)]).toEqual([])
    })
  })

  describe.skipIf(!TORCH)('openai-whisper and transformers in the Python of ASR_DOCTOR_TORCH_PYTHON', () => {
    beforeAll(() => void execFileSync(TORCH!, [join(REPOSITORY, 'test/rigs/tiny-models/torch_whisper.py'), at('torch')], { stdio: 'ignore' }), 300_000)
    const itself = (code: string, model: string): string => execFileSync(TORCH!, ['-c', code, model, at('short.wav')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()

    it.each<[string, string, RegExp, string]>([
      ['a .pt in openai-whisper', 'torch/tiny.pt', /^openai-whisper \S+ on torch \S+ in Python 3/, 'import sys,whisper;print(whisper.load_model(sys.argv[1],"cpu").transcribe(sys.argv[2])["text"])'],
      ['a folder in transformers', 'torch/hf', /^transformers \S+ on torch \S+ in Python 3/, 'import sys,transformers;print(transformers.pipeline("automatic-speech-recognition",model=sys.argv[1],device="cpu")(sys.argv[2],return_timestamps=True)["text"])'],
    ])('%s: its own text', (_, model, runtime, code) => {
      const ran = bench(['--json', '--runs', '1', '--python', TORCH!, '--model', model])
      const result = checked(ran.stdout)
      expect(result.target).toMatchObject({ runtime: expect.stringMatching(runtime), precision: 'float32' })
      expect(result.provider).toMatchObject({ used: 'cpu' })
      expect(Object.keys(result.phases).sort()).toEqual(['decoder', 'encoder', 'features'])
      expect(result.text.heard.trim().split(' ').slice(0, 3)).toEqual(itself(code, at(model)).split(' ').slice(0, 3))
      expect(ran.code).toBe(0)
    }, 600_000)
    it('CUDA where there is no driver: exit 5, in the words of PyTorch', () => {
      const { code, stdout } = bench(['--json', '--python', TORCH!, '--model', 'torch/tiny.pt', '--provider', 'cuda'])
      expect(checked(stdout).provider).toMatchObject({ used: null, because: expect.stringMatching(/^openai-whisper \S+ on torch \S+ refused it: (Found no NVIDIA driver on your system|Torch not compiled with CUDA enabled)/) })
      expect(code).toBe(5)
    }, 300_000)
    it.each([['openai-whisper', 'base.en'], ['transformers', 'openai/whisper-base']])('%s does not download %s', (engine, model) => {
      const { code, stderr } = bench(['--python', TORCH!, '--model', model, '--engine', engine], { XDG_CACHE_HOME: at('none'), HF_HOME: at('none') })
      expect(stderr).toContain('nothing is downloaded unasked. This fetches it: ')
      expect(code).toBe(4)
    }, 300_000)
  })

  describe.skipIf(!NEMO)('NeMo in the Python of ASR_DOCTOR_NEMO_PYTHON', () => {
    it('a .nemo: its own text', () => {
      execFileSync(NEMO!, [join(REPOSITORY, 'test/rigs/tiny-models/nemo_ctc.py'), at('tiny.nemo')], { stdio: 'ignore' })
      const { code, stdout } = bench(['--json', '--runs', '1', '--python', NEMO!, '--model', 'tiny.nemo'])
      const result = checked(stdout)
      expect(result.target).toMatchObject({ runtime: expect.stringMatching(/^nemo_toolkit \S+ on torch \S+ in Python 3/), precision: 'float32' })
      const theirs = execFileSync(NEMO!, ['-c', 'import sys\nfrom nemo.collections.asr.models import ASRModel\nprint("\\n" + ASRModel.restore_from(sys.argv[1], map_location="cpu").transcribe([sys.argv[2]])[0].text)', at('tiny.nemo'), at('short.wav')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      expect(result.text.heard.length).toBeGreaterThan(5)
      expect(result.text.heard).toBe(theirs.trim().split('\n').at(-1))
      expect(code).toBe(0)
    }, 900_000)
  })
})
