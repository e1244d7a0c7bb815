// Makes fixtures/clips/reference.br: 57 s of speech, exactly 911,872 samples at 16 kHz, one channel, from
// fixtures/clips/reference.txt (Lincoln, 1863; public domain) by flite's voice rms. Needs flite (apt-get install flite).
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { build } from 'esbuild'

const SAMPLES = 911_872
const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-clip-'))
try {
  const text = readFileSync('fixtures/clips/reference.txt', 'utf8').trim()
  const wav = join(folder, 'speech.wav')
  execFileSync('flite', ['-voice', 'rms', '--setf', 'duration_stretch=1.13', '-t', text, '-o', wav])
  const file = readFileSync(wav)
  if (file.readUInt32LE(24) !== 16000 || file.toString('latin1', 36, 40) !== 'data') throw new Error('flite wrote another form than 16 kHz with a 44-byte header')
  const speech = new Int16Array(file.buffer.slice(file.byteOffset + 44))
  const clip = new Int16Array(SAMPLES)
  clip.set(speech.subarray(0, SAMPLES))

  const codec = join(folder, 'codec.mjs')
  await build({ entryPoints: ['src/bench/audio/clip-codec.ts'], outfile: codec, format: 'esm' })
  const { encodeClip } = await import(codec)
  const { steps } = encodeClip(clip)
  const packed = brotliCompressSync(Buffer.from(steps.buffer), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: steps.length },
  })
  writeFileSync('fixtures/clips/reference.br', packed)
  console.log(`${packed.length} bytes for ${SAMPLES} samples, ${(speech.length / 16000).toFixed(2)} s of them speech`)
} finally {
  rmSync(folder, { recursive: true })
}
