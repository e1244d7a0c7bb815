import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { doubtsOf } from '../../src/bench/doubts.ts'
import type { Run } from '../../src/bench/messages.ts'
import type { Measured } from '../../src/bench/protocol.ts'
import { judgeSpeech, speechOf } from '../../src/bench/transcript.ts'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'
import { byPython, heardBy, noPython, NUMPY, ONNXRUNTIME, python, SPEECH } from './speech-models.ts'
import { buildTool, checked, type Tool } from './tool.ts'
import { data, fmt, riff } from './wav-file.ts'

const SILENCE = new Float32Array(16_000 * 10)

describeWith('Silero VAD out of the genuine wheels', noPython, () => {
  let tool: Tool
  let clip = ''
  beforeAll(async () => {
    tool = await buildTool()
    clip = join(tool.folder, 'clip.f32')
    writeFileSync(clip, new Uint8Array(SPEECH.slice().buffer))
  }, 120_000)
  afterAll(() => tool.remove())

  const silero = (file: string) => join(wheel('silero-vad', '6.2.3', 'silero_vad/data/.*onnx$', python), 'silero_vad/data', file)
  const probabilities = async (file: string, theirs: readonly number[]) => {
    const { output, text, speech } = await heardBy(file, SPEECH)
    expect(text).toBeNull()
    expect(output).toHaveLength(theirs.length)
    expect(Math.max(...theirs.map((value, i) => Math.abs(value - output![i]!)))).toBeLessThan(1e-4)
    expect(speech).toBeCloseTo(theirs.filter((value) => value >= 0.5).length / theirs.length, 2)
    // The clip is one voice that reads without long pauses.
    expect(speech).toBeGreaterThan(0.8)
    expect((await heardBy(file, SILENCE)).speech).toBe(0)
  }

  it.each(['silero_vad.onnx', 'silero_vad_16k_op15.onnx', 'silero_vad_op18_ifless.onnx'])('version 6, %s: window for window what onnx-asr 0.12.0 gets from it', async (name) => {
    const file = silero(name)
    await probabilities(file, byPython(`
import sys, json, numpy as np
from pathlib import Path
from onnx_asr.models.silero import SileroVad
x = np.fromfile(sys.argv[2], dtype=np.float32)[None]
print(json.dumps([float(p[0]) for p in SileroVad({'model': Path(sys.argv[1])}, {})._encode(x, 16000, 512, 64)]))`, [NUMPY, ONNXRUNTIME, ['onnx-asr', '0.12.0']], file, clip))
  }, 600_000)

  it('version 6 for many windows at once: the same as one by one', async () => {
    const one = (await heardBy(silero('silero_vad.onnx'), SPEECH)).output!
    await probabilities(silero('silero_vad_16k_sequence.onnx'), [...one])
  }, 600_000)

  it.each([
    ['1.2.1', 'silero_vad_v6.onnx', 'vad(x)'],
    ['1.0.2', 'silero_vad.onnx', 'four(vad, x)'],
  ])('of faster-whisper %s, %s: window for window what its own code gets', async (version, name, call) => {
    const keep = 'faster_whisper/(vad\\.py|assets/.*onnx)$'
    const folder = join(wheel('faster-whisper', version, keep, python), 'faster_whisper')
    await probabilities(join(folder, 'assets', name), byPython(`
import sys, json, types, importlib.util, numpy as np
# The package around it would want CTranslate2: of that it takes one function.
sys.modules['faster_whisper.utils'] = types.SimpleNamespace(get_assets_path=lambda: '')
sys.modules['faster_whisper'] = types.ModuleType('faster_whisper')
spec = importlib.util.spec_from_file_location('vad', sys.argv[1] + '/vad.py')
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
vad = module.SileroVADModel(sys.argv[1] + '/assets/' + sys.argv[3])
x = np.fromfile(sys.argv[2], dtype=np.float32)
x = np.pad(x, (0, -len(x) % 512))
def four(vad, x):
    state, out = vad.get_initial_state(batch_size=1), []
    for i in range(0, len(x), 512):
        p, state = vad(x[i:i + 512], state, 16000)
        out.append(np.asarray(p).flatten()[0])
    return np.array(out)
# Its code silences the end of the last window in place; the recording is whole windows and one more of silence, which is taken off again.
if 'v6' in sys.argv[3]: x = np.concatenate([x, np.zeros(512, dtype=np.float32)])
p = np.asarray(${call}).flatten()
print(json.dumps([float(v) for v in p[:len(np.fromfile(sys.argv[2], dtype=np.float32)) // 512]]))`, [NUMPY, ONNXRUNTIME, ['faster-whisper', version, keep]], folder, clip, name))
  }, 600_000)

  it('through the command: speech in the clip, none in silence, no text, and a share of its own', () => {
    const file = silero('silero_vad.onnx')
    const spoken = tool.run(['--model', silero('silero_vad_16k_sequence.onnx'), '--runs', '6', '--threads', '1', '--json'])
    expect(spoken.code, spoken.stderr).toBe(0)
    const result = checked(spoken.stdout)
    expect(result).toMatchObject({ target: { kind: 'model', files: ['silero_vad_16k_sequence.onnx'] }, provider: { used: 'cpu' } })
    expect(result.speech.share).toBeGreaterThan(0.8)
    expect(result.speech.low).toBe(result.speech.high)
    expect(result.text).toBeUndefined()
    expect(Object.keys(result.phases)).toEqual(['audio', 'features', 'detector'])
    const quiet = join(tool.folder, 'quiet.wav')
    writeFileSync(quiet, riff(fmt(), data(Buffer.alloc(2 * 48_000))))
    const silent = tool.run(['--model', file, '--audio', quiet, '--runs', '6', '--threads', '1'])
    expect(silent.stdout).toContain('0.0 % of the recording was taken for speech')
    expect(silent.code, silent.stderr).toBe(0)
    const wrong = tool.run(['--model', file, '--max-wer', '10%'])
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(wrong.stderr).toContain('only tells speech from silence')
  }, 600_000)
})

describe('what a detector of speech may not do', () => {
  const run = (speech?: number): Run => ({ wallMs: 100, cpuMs: 100, phases: [], text: null, ...(speech === undefined ? {} : { speech }) })
  const of = (first: number, ...later: number[]): Measured => ({
    cold: [{ loadMs: 1, firstMs: 100 }], coldRuns: [run(first)], warmUp: { runs: [], steady: true }, runs: later.map((share) => ({ run: run(share), calibration: null })), placement: [], agreement: null, load: null, interrupted: false,
  })
  const judged = (measured: Measured, reference: string | null, silent: boolean) => judgeSpeech(speechOf(measured), reference, silent).map(({ because }) => because)

  it('hear speech in silence', () => {
    expect(judged(of(0, 0.3, 0, 0), null, true)).toEqual(['The recording is silent, and 30 % of it was taken for speech.'])
    expect(judged(of(0, 0, 0), null, true)).toEqual([])
  })
  it('hear none where some is said', () => {
    expect(judged(of(0.9, 0.9, 0), 'words', false)).toEqual(['Something is said in the recording, and none of it was taken for speech.'])
    expect(judged(of(0, 0), null, false)).toEqual([])
    expect(doubtsOf(of(0, ...Array<number>(10).fill(0)), { provider: { asked: ['auto'], used: 'cpu', tier: 'cpu', because: null, how: null, placement: [] }, audioWarnings: [], silent: false, machine: { logicalCores: 2 } } as never).map(({ kind }) => kind)).toEqual(['no-speech-found'])
  })
  it('forget, or not forget, from run to run', () => {
    expect(judged(of(0.9, 0.9, 0.4), 'words', false)).toEqual(['The part taken for speech differs from run to run, between 40 % and 90 % of the same recording.'])
    expect(judged(of(0.9, 0.9, 0.88), 'words', false)).toEqual([])
  })
})
