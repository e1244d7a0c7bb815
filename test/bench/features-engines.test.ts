import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clipWav } from '../../src/bench/audio/clip.ts'
import { inMemory } from '../../src/bench/audio/source.ts'
import { readWav } from '../../src/bench/audio/wav.ts'
import { kaldiFbank, SHERPA } from '../../src/bench/features/kaldi.ts'
import { whisperLogMel } from '../../src/bench/features/whisper.ts'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'

const version = spawnSync('python3', ['-c', 'import sys;print("%d.%d"%sys.version_info[:2])'], { encoding: 'utf8' }).stdout?.trim() ?? ''
const missing = ['3.10', '3.11', '3.12', '3.13'].includes(version) && spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ? null : 'needs python3 from 3.10 to 3.13 with pip'

/** Loads the extractor by its file: the package around it would want CTranslate2. */
const WHISPER = `
import sys, importlib.util, numpy as np
spec = importlib.util.spec_from_file_location('fe', sys.argv[1])
fe = importlib.util.module_from_spec(spec); spec.loader.exec_module(fe)
x = np.fromfile(sys.argv[2], dtype=np.float32)
fe.FeatureExtractor(feature_size=int(sys.argv[4]))(x, padding=0).astype(np.float32).tofile(sys.argv[3])
`
const KALDI = `
import sys, numpy as np, kaldi_native_fbank as knf
x = np.fromfile(sys.argv[1], dtype=np.float32)
o = knf.FbankOptions(); o.frame_opts.dither = 0; o.mel_opts.num_bins = 80
snip = sys.argv[3] == 'kaldi'
o.frame_opts.snip_edges = snip
if not snip: o.mel_opts.high_freq = -400
f = knf.OnlineFbank(o); f.accept_waveform(16000, (x * (32768 if snip else 1)).tolist()); f.input_finished()
np.stack([f.get_frame(i) for i in range(f.num_frames_ready)]).astype(np.float32).tofile(sys.argv[2])
`

describeWith('genuine feature extractors', missing, () => {
  let folder = ''
  const samples = readWav(inMemory(clipWav())).samples.subarray(16000, 16000 * 11)
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
    writeFileSync(join(folder, 'x.f32'), new Uint8Array(samples.slice().buffer))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const theirs = (code: string, packages: readonly string[], ...args: readonly string[]): Float32Array => {
    const ran = spawnSync('python3', ['-c', code, ...args], { encoding: 'utf8', env: { ...process.env, PYTHONPATH: packages.join(':') } })
    expect(ran.stderr).toBe('')
    const bytes = readFileSync(join(folder, 'out.f32'))
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  }
  const differences = (a: Float32Array, b: Float32Array) => {
    expect(a.length).toBe(b.length)
    return [...a].map((value, i) => Math.abs(value - b[i]!))
  }

  const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0)

  it.each([80, 128] as const)('Whisper log-mel with %i channels, faster-whisper 1.2.1 (numpy, float32): within 1e-3', (mels) => {
    const extractor = join(wheel('faster-whisper', '1.2.1', 'feature_extractor', version), 'faster_whisper/feature_extractor.py')
    const out = theirs(WHISPER, [wheel('numpy', '2.2.6', '.', version)], extractor, join(folder, 'x.f32'), join(folder, 'out.f32'), String(mels))
    const { data, frames } = whisperLogMel(samples, mels)
    expect(out.length / mels).toBe(frames)
    expect(largest(differences(data, out))).toBeLessThan(1e-3)
  }, 300_000)

  it.each(['kaldi', 'sherpa'] as const)('filter banks as %s wants them, kaldi-native-fbank 1.22.3 (C++, float32): within 1e-3', (kind) => {
    const packages = [wheel('kaldi-native-fbank', '1.22.3', '.', version), wheel('numpy', '2.2.6', '.', version)]
    const out = theirs(KALDI, packages, join(folder, 'x.f32'), join(folder, 'out.f32'), kind)
    const { data } = kind === 'kaldi' ? kaldiFbank(samples) : kaldiFbank(samples, SHERPA)
    // Their transform rounds to float32: an error of about 1e-7 of the frame's strongest amplitude in every band. In the logarithm of
    // a band whose energy is d nats below the strongest that weighs e^(d/2) as much; beyond 20 nats (87 dB) it passes 1e-3. In
    // this recording that is a few values in 80,000, one of them 24 nats down and off by 2.4e-3. Ours is float64 to the end.
    const strongest = (i: number) => Math.max(...data.subarray(80 * Math.floor(i / 80), 80 * Math.floor(i / 80) + 80))
    const excess = differences(data, out).map((off, i) => off / Math.max(1, Math.exp((strongest(i) - data[i]! - 20) / 2)))
    expect(largest(excess)).toBeLessThan(1e-3)
  }, 300_000)
})
