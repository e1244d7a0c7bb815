import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { kaldiFbank, SHERPA_NEMO, SHERPA_NEMO_CTC } from '../../src/bench/features/kaldi.ts'
import { nemoLogMel } from '../../src/bench/features/nemo.ts'
import { describeWith } from '../support/rig.ts'
import { byPython, CLIP, heardBy, noPython, NUMPY, ONNXRUNTIME, SPEECH, unpackModels } from './speech-models.ts'

const SHERPA = [NUMPY, ['sherpa-onnx', '2.0.1'], ['sherpa-onnx-core', '2.0.1']] as const
const ONNX_ASR = [NUMPY, ONNXRUNTIME, ['onnx-asr', '0.12.0']] as const

/** The engines' own pipelines: their features, their decoding, their text. */
const BY_SHERPA = `
import sys, json, glob, numpy as np, sherpa_onnx
kind, folder, clip = sys.argv[1:4]
x = np.fromfile(clip, dtype=np.float32)
g = lambda p: sorted(glob.glob(f'{folder}/{p}.onnx'))[0]
parts = lambda: dict(encoder=g('encoder*'), decoder=g('decoder*'), joiner=g('joiner*'))
common = dict(tokens=f'{folder}/tokens.txt', num_threads=1)
if kind == 'streaming':
    r = sherpa_onnx.OnlineRecognizer.from_transducer(**parts(), **common)
    s = r.create_stream()
    s.accept_waveform(16000, x)
    s.accept_waveform(16000, np.zeros(int(0.66 * 16000), dtype=np.float32))
    s.input_finished()
    while r.is_ready(s): r.decode_stream(s)
    text, tokens = r.get_result(s), r.tokens(s)
else:
    O = sherpa_onnx.OfflineRecognizer
    r = (O.from_transducer(**parts(), **common) if kind == 'transducer' else
         O.from_transducer(**parts(), **common, model_type='nemo_transducer') if kind == 'nemo' else
         O.from_nemo_ctc(model=g('model'), **common) if kind == 'nemo-ctc' else O.from_zipformer_ctc(model=g('model'), **common))
    s = r.create_stream()
    s.accept_waveform(16000, x)
    r.decode_stream(s)
    text, tokens = s.result.text, list(s.result.tokens)
print(json.dumps(dict(text=text, tokens=tokens)))
`
const BY_ONNX_ASR = `
import sys, json, numpy as np, onnx_asr
kind, folder, clip = sys.argv[1:4]
x = np.fromfile(clip, dtype=np.float32)
r = onnx_asr.load_model(kind, folder).with_timestamps().recognize(x)
print(json.dumps(dict(text=r.text, tokens=list(r.tokens))))
`

interface Heard {
  readonly text: string
  readonly tokens: readonly string[]
}

/** Every token of the tiny models is a syllable, with or without a space before it, or a name in brackets: a text has one reading. */
const tokensOf = (text: string): readonly string[] => text.match(/ ?(?:<[^>]+>|[a-z]{2})/g) ?? []

describeWith('models exported by icefall and by NeMo, beside sherpa-onnx 2.0.1 and onnx-asr 0.12.0 on the same files', noPython, () => {
  let models: ReturnType<typeof unpackModels>
  let clip = ''
  beforeAll(() => {
    models = unpackModels()
    clip = join(models.folder, 'clip.f32')
    writeFileSync(clip, new Uint8Array(CLIP.buffer))
  })
  afterAll(() => models.remove())

  const agrees = async (file: string, theirs: Heard) => {
    const { text } = await heardBy(join(models.folder, file), CLIP)
    expect(text).toBe(theirs.text.trim())
    expect(tokensOf(text!)).toEqual(theirs.tokens.map((token, i) => (i === 0 ? token.trimStart() : token)))
    // Weights that always give the same token would let everything pass.
    expect(theirs.tokens.length).toBeGreaterThan(30)
    expect(new Set(theirs.tokens).size).toBeGreaterThanOrEqual(8)
  }

  it.each([
    ['zipformer', 'transducer'],
    ['zipformer-streaming', 'streaming'],
    ['zipformer-ctc', 'zipformer-ctc'],
    ['nemo-rnnt', 'nemo'],
    ['nemo-tdt', 'nemo'],
    ['nemo-ctc', 'nemo-ctc'],
  ])('%s: token for token what sherpa-onnx hears', async (name, kind) => {
    await agrees(name, byPython(BY_SHERPA, SHERPA, kind, join(models.folder, name), clip) as Heard)
  }, 600_000)

  it.each([
    ['onnx-asr-rnnt', 'nemo-conformer-rnnt'],
    ['onnx-asr-tdt', 'nemo-conformer-tdt'],
    ['onnx-asr-ctc', 'nemo-conformer-ctc'],
  ])('%s: token for token what onnx-asr hears', async (name, kind) => {
    await agrees(name, byPython(BY_ONNX_ASR, ONNX_ASR, kind, join(models.folder, name), clip) as Heard)
  }, 600_000)

  // Where activations are rounded to 8 bits, the last bit of a feature decides among tokens of random weights: so the same features for both.
  it('onnx-asr-ctc/model.int8.onnx: token for token what onnx-asr makes of the same features', async () => {
    const { data, frames, valid } = nemoLogMel(CLIP, 80)
    writeFileSync(join(models.folder, 'features.f32'), new Uint8Array(data.buffer))
    await agrees('onnx-asr-ctc/model.int8.onnx', byPython(`
import sys, json, numpy as np, onnx_asr
folder, features, frames, valid = sys.argv[1:5]
f = np.fromfile(features, dtype=np.float32).reshape(1, 80, int(frames))
m = onnx_asr.load_model('nemo-conformer-ctc', folder, quantization='int8')
m.asr._preprocessor = lambda waveforms, lens: (f, np.array([int(valid)]))
r = m.with_timestamps().recognize(np.zeros(16000, dtype=np.float32))
print(json.dumps(dict(text=r.text, tokens=list(r.tokens))))`, ONNX_ASR, join(models.folder, 'onnx-asr-ctc'), join(models.folder, 'features.f32'), String(frames), String(valid)) as Heard)
  }, 600_000)

  it('a Zipformer hears a long recording in pieces of 20 s, each as sherpa-onnx hears it; in one piece sherpa-onnx fails', async () => {
    const folder = join(models.folder, 'zipformer')
    const texts = [0, 1, 2].map((i) => {
      const piece = join(models.folder, `piece-${i}.f32`)
      writeFileSync(piece, new Uint8Array(SPEECH.slice(i * 320_000, (i + 1) * 320_000).buffer))
      return (byPython(BY_SHERPA, SHERPA, 'transducer', folder, piece) as Heard).text.trim()
    })
    expect((await heardBy(folder, SPEECH)).text).toBe(texts.join(' '))
    const whole = join(models.folder, 'whole.f32')
    writeFileSync(whole, new Uint8Array(SPEECH.slice().buffer))
    expect(() => byPython(BY_SHERPA, SHERPA, 'transducer', folder, whole)).toThrow(/Reshape/)
  }, 600_000)
})

describeWith('features of NeMo models', noPython, () => {
  let folder = ''
  const out = () => join(folder, 'out.json')
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
    writeFileSync(out(), '')
    writeFileSync(join(folder, 'x.f32'), new Uint8Array(CLIP.buffer))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const farthest = (a: Float32Array, b: readonly number[]) => {
    expect(a.length).toBe(b.length)
    return b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i]!)), 0)
  }

  it.each([80, 128])('NeMo’s own with %i channels, onnx-asr 0.12.0 (numpy, float32): within 1e-3', (mels) => {
    const theirs = byPython(`
import sys, json, numpy as np
from onnx_asr.preprocessors.numpy_preprocessor import NemoPreprocessorNumpy
x = np.fromfile(sys.argv[1], dtype=np.float32)[None]
f, n = NemoPreprocessorNumpy('nemo' + sys.argv[2])(x, np.array([x.shape[1]]))
print(json.dumps(dict(frames=f.shape[2], valid=int(n[0]), data=f[0].flatten().tolist())))`, ONNX_ASR, join(folder, 'x.f32'), String(mels)) as { frames: number; valid: number; data: number[] }
    const { data, frames, valid } = nemoLogMel(CLIP, mels)
    expect([frames, valid]).toEqual([theirs.frames, theirs.valid])
    expect(farthest(data, theirs.data)).toBeLessThan(1e-3)
  }, 300_000)

  it.each([
    ['transducers', SHERPA_NEMO, { high: -400, window: 'povey' }],
    ['CTC', SHERPA_NEMO_CTC, { high: 0, window: 'hanning' }],
  ] as const)('sherpa-onnx’s for %s, kaldi-native-fbank 1.22.3 (C++, float32), and NeMo’s guard: within 1e-3', (_, options, { high, window }) => {
    const theirs = byPython(`
import sys, json, numpy as np, kaldi_native_fbank as knf
o = knf.FbankOptions()
o.frame_opts.dither = 0; o.frame_opts.snip_edges = False; o.frame_opts.remove_dc_offset = False; o.frame_opts.window_type = sys.argv[3]
o.mel_opts.num_bins = 80; o.mel_opts.low_freq = 0; o.mel_opts.high_freq = float(sys.argv[2]); o.mel_opts.is_librosa = True; o.use_log_fbank = False
f = knf.OnlineFbank(o); f.accept_waveform(16000, np.fromfile(sys.argv[1], dtype=np.float32).tolist()); f.input_finished()
print(json.dumps(np.log(np.stack([f.get_frame(i) for i in range(f.num_frames_ready)]) + 2.0 ** -24).flatten().tolist()))`, [NUMPY, ['kaldi-native-fbank', '1.22.3']], join(folder, 'x.f32'), String(high), window) as number[]
    const { data } = kaldiFbank(CLIP, options)
    expect(farthest(data, theirs)).toBeLessThan(1e-3)
  }, 300_000)
})
