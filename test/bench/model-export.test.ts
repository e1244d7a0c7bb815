import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openAudio } from '../../src/bench/audio/load.ts'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'
import { exporterEnv, exporterMissing } from '../rigs/whisper-export/python.ts'
import { expectedIn, hear, layOut } from './tiny-models.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
  writeFileSync(join(folder, 'clip.f32'), new Uint8Array(openAudio(null).decode().samples.slice().buffer))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describeWith('Optimum and PyTorch', exporterMissing(), () => {
  it('Whisper exported anew is heard as transformers hears it and as the kept one is', async () => {
    const script = fileURLToPath(new URL('../rigs/whisper-export/export.py', import.meta.url))
    const text = fileURLToPath(new URL('../../fixtures/clips/reference.txt', import.meta.url))
    const out = join(folder, 'anew')
    const ran = spawnSync('python3', [script, out], { encoding: 'utf8', env: { ...exporterEnv(), CLIP: join(folder, 'clip.f32'), TEXT: text }, timeout: 300_000 })
    expect(ran.stdout, ran.stderr.slice(-2000)).toContain('torch 1.13.0')
    expect(ran.status, ran.stderr.slice(-2000)).toBe(0)
    for (const name of ['multilingual', 'english']) {
      const expected = expectedIn(join(out, name)).map(({ tokens }: any) => (tokens.at(-1) === 367 ? tokens.slice(0, -1) : tokens))
      // Merged, and in two graphs.
      for (const path of [join(out, name), join(out, name, 'decoder_with_past_model.onnx')]) expect((await hear(path)).windows, path).toEqual(expected)
      const kept = expectedIn(layOut(`whisper-hugging-face/${name}`, join(folder, 'kept', name)))
      expect(expectedIn(join(out, name)).map(({ tokens, prompt }: any) => [prompt, tokens])).toEqual(kept.map(({ tokens, prompt }: any) => [prompt, tokens]))
    }
  }, 900_000)
})

const version = spawnSync('python3', ['-c', 'import sys;print("%d.%d"%sys.version_info[:2])'], { encoding: 'utf8' }).stdout?.trim() ?? ''
const missing = ['3.10', '3.11', '3.12', '3.13'].includes(version) && spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ? null : 'needs python3 from 3.10 to 3.13 with pip'

const SHERPA = `
import sys, json, numpy as np, sherpa_onnx
folder, name, clip = sys.argv[1], sys.argv[2], np.fromfile(sys.argv[3], dtype=np.float32)
recogniser = sherpa_onnx.OfflineRecognizer.from_whisper(encoder=f'{folder}/{name}-encoder.onnx', decoder=f'{folder}/{name}-decoder.onnx', tokens=f'{folder}/{name}-tokens.txt', language='', num_threads=1)
windows = []
for at in range(0, len(clip), 2950 * 160):
    stream = recogniser.create_stream()
    stream.accept_waveform(16000, clip[at:at + 2950 * 160])
    recogniser.decode_stream(stream)
    windows.append({'language': stream.result.lang, 'tokens': stream.result.tokens, 'text': stream.result.text})
print(json.dumps(windows))
`

describeWith('sherpa-onnx', missing, () => {
  // What test/bench/model-whisper.test.ts holds us to is what sherpa-onnx hears with these very files.
  it.each(['tiny', 'turbo'])('hears with the kept %s what is kept as its hearing', (name) => {
    const path = layOut(`whisper-sherpa/${name}`, join(folder, name))
    const packages = [wheel('sherpa-onnx', '1.13.8', '.', version), wheel('sherpa-onnx-core', '1.13.8', '.', version), wheel('numpy', '2.2.6', '.', version)]
    const ran = spawnSync('python3', ['-c', SHERPA, path, name, join(folder, 'clip.f32')], { encoding: 'utf8', env: { ...process.env, PYTHONPATH: packages.join(':'), LD_LIBRARY_PATH: join(packages[1]!, 'sherpa_onnx/lib') }, timeout: 300_000 })
    expect(ran.status, ran.stderr.slice(-2000)).toBe(0)
    expect(JSON.parse(ran.stdout)).toEqual(expectedIn(path))
  }, 600_000)
})
