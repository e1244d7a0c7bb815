import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BadAudio } from '../../src/bench/audio/bad-audio.ts'
import { inMemory, type ByteSource } from '../../src/bench/audio/source.ts'
import { MAX_SAMPLES, readWav } from '../../src/bench/audio/wav.ts'
import { describeWith } from '../support/rig.ts'
import { chunk, data, EXPECTED, extensible, fmt, fmtBody, pcm16, plain, riff, text, u16, u32, u64 } from './wav-file.ts'

const read = (bytes: Uint8Array) => readWav(inMemory(bytes))
const floats = (size: 32 | 64, values: readonly number[]) => Buffer.from((size === 32 ? Float32Array.from(values) : Float64Array.from(values)).buffer)
const fact = () => chunk('fact', u32(4))

describe('well-formed WAV, sample by sample', () => {
  // Values from the format definitions: G.711 tables 1a and 2a for the laws, two's complement for the rest.
  const files: readonly (readonly [name: string, file: Buffer, samples: readonly number[], form: string])[] = [
    ['8-bit PCM is unsigned', riff(fmt({ bits: 8 }), data(Buffer.from([128, 192, 64, 0, 255, 128]))), [0, 0.5, -0.5, -1, 127 / 128, 0], '8-bit PCM'],
    ['16-bit PCM', plain(), EXPECTED, '16-bit PCM'],
    ['24-bit PCM', riff(fmt({ bits: 24 }), data(Buffer.from([0, 0, 0, 0, 0, 0x40, 0, 0, 0xc0, 0, 0, 0x20, 1, 0, 0, 0xff, 0xff, 0xff]))), [...EXPECTED, 2 ** -23, -(2 ** -23)], '24-bit PCM'],
    ['32-bit PCM', riff(fmt({ bits: 32 }), data(u32(0, 0x40000000, 0xc0000000, 0x20000000))), EXPECTED, '32-bit PCM'],
    ['32-bit float', riff(fmt({ tag: 3, bits: 32 }), fact(), data(floats(32, EXPECTED))), EXPECTED, '32-bit float'],
    ['64-bit float', riff(fmt({ tag: 3, bits: 64 }), fact(), data(floats(64, EXPECTED))), EXPECTED, '64-bit float'],
    ['float beyond full scale is kept', riff(fmt({ tag: 3, bits: 32 }), data(floats(32, [2, -1.5, 0, 0]))), [2, -1.5, 0, 0], '32-bit float'],
    ['A-law', riff(fmt({ tag: 6, bits: 8 }), data(Buffer.from([0xd5, 0x55, 0xaa, 0x2a]))), [8 / 32768, -8 / 32768, 32256 / 32768, -32256 / 32768], 'A-law'],
    ['µ-law', riff(fmt({ tag: 7, bits: 8 }), data(Buffer.from([0xff, 0x80, 0x00, 0x7f]))), [0, 32124 / 32768, -32124 / 32768, -0], 'µ-law'],
    ['12 bits in 16, left-justified', riff(fmt({ bits: 12, align: 2 }), data(pcm16())), EXPECTED, '12-bit PCM'],
    ['20 bits in 24', riff(fmt({ bits: 20, align: 3 }), data(Buffer.from([0, 0, 0, 0, 0, 0x40]))), [0, 0.5], '20-bit PCM'],
    ['24 bits in 32 by the block size', riff(fmt({ bits: 24, align: 4 }), data(u32(0, 0x40000000))), [0, 0.5], '24-bit PCM'],
    ['EXTENSIBLE 16-bit', riff(fmt({ tag: 0xfffe, extra: extensible(1, 16, 4) }), data(pcm16())), EXPECTED, '16-bit PCM'],
    ['EXTENSIBLE 32-bit float, which some readers turn into noise', riff(fmt({ tag: 0xfffe, bits: 32, extra: extensible(3, 32) }), data(floats(32, EXPECTED))), EXPECTED, '32-bit float'],
    ['EXTENSIBLE with 20 valid bits in a 32-bit container', riff(fmt({ tag: 0xfffe, bits: 32, extra: extensible(1, 20) }), data(u32(0, 0x40000000))), [0, 0.5], '32-bit PCM'],
    ['EXTENSIBLE µ-law', riff(fmt({ tag: 0xfffe, bits: 8, extra: extensible(7, 8) }), data(Buffer.from([0xff, 0x80]))), [0, 32124 / 32768], 'µ-law'],
    ['a fmt chunk of 18 bytes', riff(fmt({ extra: u16(0) }), data(pcm16())), EXPECTED, '16-bit PCM'],
    ['stereo becomes its mean', riff(fmt({ channels: 2 }), data(pcm16())), [0.25, -0.125], '16-bit PCM'],
    ['a LIST chunk before the data', riff(fmt(), chunk('LIST', text('INFOISFT\x04\0\0\0test')), data(pcm16())), EXPECTED, '16-bit PCM'],
    ['a LIST chunk behind the data', riff(fmt(), data(pcm16()), chunk('LIST', text('INFO'))), EXPECTED, '16-bit PCM'],
    ['an odd chunk with its pad byte', riff(fmt(), chunk('JUNK', Buffer.alloc(3)), data(pcm16())), EXPECTED, '16-bit PCM'],
    ['JUNK before fmt, as for a later RF64', riff(chunk('JUNK', Buffer.alloc(28)), fmt(), data(pcm16())), EXPECTED, '16-bit PCM'],
    ['broadcast wave with bext', riff(chunk('bext', Buffer.alloc(602)), fmt(), data(pcm16())), EXPECTED, '16-bit PCM'],
    ['an unknown chunk', riff(fmt(), chunk('zzzz', Buffer.alloc(10)), data(pcm16())), EXPECTED, '16-bit PCM'],
    ['RF64 with the size in ds64', Buffer.concat([text('RF64'), u32(0xffffffff), text('WAVE'), chunk('ds64', Buffer.concat([u64(80n), u64(8n), u64(4n), u32(0)])), fmt(), data(pcm16(), 0xffffffff)]), EXPECTED, '16-bit PCM'],
    ['BW64', Buffer.concat([text('BW64'), u32(0xffffffff), text('WAVE'), chunk('ds64', Buffer.concat([u64(80n), u64(8n), u64(4n), u32(0)])), fmt(), data(pcm16(), 0xffffffff)]), EXPECTED, '16-bit PCM'],
    ['a RIFF size of 0, as recorders leave when switched off', Buffer.concat([text('RIFF'), u32(0), plain().subarray(8)]), EXPECTED, '16-bit PCM'],
  ]
  it.each(files)('%s', (_, file, samples, form) => {
    const audio = read(file)
    expect([...audio.samples]).toEqual(samples)
    expect(audio.form).toBe(form)
    expect(audio.warnings).toEqual([])
  })
})

describe('malformed WAV that can still be read, with a warning', () => {
  const files: readonly (readonly [name: string, file: Buffer, warning: RegExp])[] = [
    ['data size 0xffffffff, as ffmpeg writes into a pipe', riff(fmt(), data(pcm16(), 0xffffffff)), /no data size, as written into a pipe/],
    ['data size 0x7fffffff', riff(fmt(), data(pcm16(), 0x7fffffff)), /no data size, as written into a pipe/],
    ['data size 0x7ffff000, as sox writes into a pipe', riff(fmt(), data(pcm16(), 0x7ffff000)), /no data size, as written into a pipe/],
    ['data size 0 with sound behind it', riff(fmt(), data(pcm16(), 0)), /data size in the header is 0/],
    ['cut short', riff(fmt(), data(pcm16(), 1000)), /promises 1000 bytes of sound and the file ends after 8/],
    ['RF64 whose ds64 says more than there is', Buffer.concat([text('RF64'), u32(0xffffffff), text('WAVE'), chunk('ds64', Buffer.concat([u64(80n), u64(8000n), u64(4n), u32(0)])), fmt(), data(pcm16(), 0xffffffff)]), /no data size/],
    ['RF64 without ds64', Buffer.concat([text('RF64'), u32(0xffffffff), text('WAVE'), fmt(), data(pcm16(), 0xffffffff)]), /no data size/],
    ['an odd chunk without its pad byte', riff(fmt(), chunk('JUNK', Buffer.alloc(3), 3, false), data(pcm16())), /lacks its pad byte/],
    ['a block size of 0', riff(fmt({ align: 0 }), data(pcm16())), /0 bytes a frame/],
    ['a block size that cannot be', riff(fmt({ align: 1 }), data(pcm16())), /1 bytes a frame/],
    ['two data chunks before fmt', riff(data(pcm16()), data(Buffer.alloc(4)), fmt()), /more than one data chunk/],
    ['float samples that are not numbers', riff(fmt({ tag: 3, bits: 32 }), data(floats(32, [NaN, 0.5, -0.5, 0.25]))), /1 samples are not numbers/],
    ['float samples that were never scaled', riff(fmt({ tag: 3, bits: 32 }), data(floats(32, [16384, 0, 0, 0]))), /times full scale/],
  ]
  it.each(files)('%s', (name, file, warning) => {
    const audio = read(file)
    expect(audio.warnings).toEqual([expect.stringMatching(warning)])
    if (!name.startsWith('float')) expect([...audio.samples]).toEqual(EXPECTED)
  })
  it('the data chunk before fmt', () => {
    expect([...read(riff(data(pcm16()), fmt())).samples]).toEqual(EXPECTED)
  })
  it('an end in the middle of a sample', () => {
    const audio = read(riff(fmt(), chunk('data', Buffer.concat([pcm16(), Buffer.from([1])]))))
    expect([...audio.samples]).toEqual(EXPECTED)
    expect(audio.warnings).toEqual([expect.stringMatching(/in the middle of a sample/)])
  })
})

describe('malformed WAV that cannot be read', () => {
  const files: readonly (readonly [name: string, file: Buffer, because: RegExp])[] = [
    ['an empty file', Buffer.alloc(0), /is empty/],
    ['4 bytes', text('RIFF'), /cut off inside its header/],
    ['11 bytes', text('RIFF\0\0\0\0WAV'), /cut off inside its header/],
    ['a header and nothing more', riff(), /no fmt chunk/],
    ['no fmt chunk', riff(data(pcm16())), /no fmt chunk/],
    ['no data chunk', riff(fmt()), /no data chunk/],
    ['an empty data chunk', riff(fmt(), data(Buffer.alloc(0))), /no sound in it/],
    ['an empty data chunk before LIST', riff(fmt(), data(Buffer.alloc(0)), chunk('LIST', text('INFO'))), /no sound in it/],
    ['a fmt chunk of 14 bytes', riff(chunk('fmt ', Buffer.alloc(14)), data(pcm16())), /fmt chunk has 14 bytes/],
    ['a fmt chunk cut off', Buffer.concat([text('RIFF'), u32(100), text('WAVEfmt '), u32(16), u16(1, 1)]), /in the middle of its header/],
    ['0 channels', riff(chunk('fmt ', fmtBody({ channels: 0, align: 2 })), data(pcm16())), /0 channels/],
    ['0 Hz', riff(fmt({ rate: 0 }), data(pcm16())), /sample rate of 0 Hz/],
    ['4 GHz', riff(fmt({ rate: 4_000_000_000 }), data(pcm16())), /4000000000 Hz/],
    ['3 Hz', riff(fmt({ rate: 3 }), data(pcm16())), /sample rate of 3 Hz/],
    ['0 bits', riff(fmt({ bits: 0, align: 2 }), data(pcm16())), /0 bits/],
    ['7000 bits', riff(fmt({ bits: 7000, align: 2 }), data(pcm16())), /7000-bit/],
    ['16-bit float', riff(fmt({ tag: 3, bits: 16 }), data(pcm16())), /16-bit float/],
    ['64-bit integers', riff(fmt({ bits: 64 }), data(Buffer.alloc(16))), /64-bit PCM/],
    ['an unknown codec', riff(fmt({ tag: 0x1234 }), data(pcm16())), /unknown kind 0x1234/],
    ['Microsoft ADPCM', riff(fmt({ tag: 2, bits: 4, align: 256 }), data(pcm16())), /Microsoft ADPCM/],
    ['IMA ADPCM', riff(fmt({ tag: 0x11, bits: 4, align: 256 }), data(pcm16())), /IMA ADPCM/],
    ['GSM 6.10', riff(fmt({ tag: 0x31, bits: 0, align: 65 }), data(pcm16())), /GSM 6\.10/],
    ['MP3 in WAV', riff(fmt({ tag: 0x55, bits: 0, align: 1 }), data(pcm16())), /MP3/],
    ['EXTENSIBLE cut to 18 bytes', riff(fmt({ tag: 0xfffe, extra: u16(0) }), data(pcm16())), /extensible fmt chunk has 18 bytes/],
    ['EXTENSIBLE of a private kind', riff(fmt({ tag: 0xfffe, extra: extensible(1, 16, 0, Buffer.alloc(14, 7)) }), data(pcm16())), /private kind/],
    ['a chunk size that leads past the end', riff(fmt(), chunk('JUNK', Buffer.alloc(4), 0x7fffffff)), /no data chunk/],
    ['an MP3 file with ID3', text('ID3\x04\0\0\0\0\0\0abcdefgh'), /MP3/],
    ['a bare MP3 frame', Buffer.from([0xff, 0xfb, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0]), /MP3/],
    ['a FLAC file', text('fLaC\0\0\0\x22abcdefgh'), /FLAC/],
    ['an Ogg file', text('OggS\0\x02abcdefghij'), /Ogg/],
    ['an MPEG-4 file', text('\0\0\0\x20ftypM4A abcd'), /MPEG-4/],
    ['an AIFF file', text('FORM\0\0\0\0AIFFCOMM'), /AIFF/],
    ['a big-endian RIFX file', text('RIFX\0\0\0\0WAVEfmt '), /RIFX/],
    ['a Wave64 file', text('riff.\x91\xcf\x11\xa5\xd6\x28\xdb'), /Wave64/],
    ['a RIFF file that is a film', text('RIFF\0\0\0\0AVI LIST'), /"AVI "/],
    ['a web page', text('<!DOCTYPE html><html><body>404'), /web page/],
    ['a JSON error', text('{"error":"not found","code":404}'), /JSON/],
    ['a Git LFS pointer', text('version https://git-lfs.github.com/spec/v1\noid sha256:'), /Git LFS pointer/],
    ['a ZIP archive', text('PK\x03\x04\x14\0\0\0abcdefgh'), /ZIP/],
    ['random bytes', Buffer.from('9f3a77c01be2d4558891aa03ff10', 'hex'), /not WAV audio/],
  ]
  it.each(files)('%s', (_, file, because) => {
    expect(() => read(file)).toThrow(BadAudio)
    expect(() => read(file)).toThrow(because)
    expect(() => read(file)).toThrow(/^The .*\.$/s)
  })
  it('at every length to which a good file can be cut: an answer or a sentence, never a crash', () => {
    const whole = riff(fmt(), chunk('LIST', text('INFO1')), data(pcm16()))
    for (let length = 0; length < whole.length; length++) {
      try {
        expect(read(whole.subarray(0, length)).samples.length).toBeLessThanOrEqual(4)
      } catch (error) {
        expect(error).toBeInstanceOf(BadAudio)
      }
    }
  })
  it('20 GiB of nothing behind a header takes no memory', () => {
    const head = riff(fmt(), data(Buffer.alloc(0), 0xfffffff0))
    let most = 0
    const source: ByteSource = { sizeBytes: 20 * 2 ** 30, read: (at, length) => { most = Math.max(most, length); return at < head.length ? head.subarray(at, at + length) : Buffer.alloc(length) } }
    expect(() => readWav(source)).toThrow(/minutes long; at most/)
    expect(most).toBeLessThan(1 << 20)
    expect(MAX_SAMPLES * 4).toBeLessThanOrEqual(2 ** 28)
  })
  it.each([[2000, 2 ** 26, /559 minutes long; at most 69 minutes at 2000 Hz/], [8000, 2 ** 26, /140 minutes long; at most 69 minutes at 8000 Hz/]])('%i Hz: no more sound than fits at 16 kHz', (rate, bytes, because) => {
    const head = riff(fmt({ rate, bits: 8 }), data(Buffer.alloc(0), bytes))
    const source: ByteSource = { sizeBytes: head.length + bytes, read: (at, length) => (at < head.length ? head.subarray(at, at + length) : Buffer.alloc(length)) }
    expect(() => readWav(source)).toThrow(because)
  })
})

const tool = (name: string): boolean => {
  try {
    execFileSync(name, name === 'sox' ? ['--version'] : ['-version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describeWith('ffmpeg and sox', tool('ffmpeg') && tool('sox') ? null : 'apt-get install ffmpeg sox', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'asr-doctor-wav-'))
    execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'anoisesrc=d=0.2:c=pink:r=48000:seed=7:a=0.8', '-c:a', 'pcm_f32le', join(folder, 'source.wav')])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const codecs = ['pcm_u8', 'pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_f32le', 'pcm_f64le', 'pcm_alaw', 'pcm_mulaw']
  const cases = codecs.flatMap((codec) => [1, 2, 6].flatMap((channels) => [8000, 44100].map((rate) => ({ name: `ffmpeg ${codec}, ${channels} channels, ${rate} Hz`, by: 'ffmpeg' as const, args: ['-c:a', codec, '-ac', String(channels), '-ar', String(rate)], piped: false }))))
  const special = [
    { name: 'ffmpeg into a pipe', by: 'ffmpeg' as const, args: ['-ac', '2'], piped: true },
    { name: 'ffmpeg RF64', by: 'ffmpeg' as const, args: ['-rf64', 'always'], piped: false },
    { name: 'ffmpeg 192 kHz', by: 'ffmpeg' as const, args: ['-ar', '192000', '-c:a', 'pcm_s24le'], piped: false },
    { name: 'ffmpeg with tags and broadcast chunk', by: 'ffmpeg' as const, args: ['-metadata', 'title=odd', '-write_bext', '1', '-metadata', 'description=abc'], piped: false },
    { name: 'ffmpeg 16 channels', by: 'ffmpeg' as const, args: ['-ac', '16', '-channel_layout', 'hexadecagonal'], piped: false },
    { name: 'sox 24-bit stereo (EXTENSIBLE)', by: 'sox' as const, args: ['-b', '24', '-c', '2'], piped: false },
    { name: 'sox 32-bit float', by: 'sox' as const, args: ['-e', 'float', '-b', '32'], piped: false },
    { name: 'sox 8-bit', by: 'sox' as const, args: ['-b', '8', '-e', 'unsigned'], piped: false },
    { name: 'sox A-law', by: 'sox' as const, args: ['-e', 'a-law'], piped: false },
    { name: 'sox into a pipe', by: 'sox' as const, args: ['-b', '16'], piped: true },
  ]
  it.each([...cases, ...special])('$name equals what ffmpeg decodes', ({ by, args, piped }) => {
    const file = join(folder, 'case.wav')
    const source = join(folder, 'source.wav')
    const line = by === 'ffmpeg' ? ['-v', 'error', '-y', '-i', source, ...args, '-f', 'wav', piped ? '-' : file] : ['-R', source, ...args, '-t', 'wav', piped ? '-' : file]
    const output = execFileSync(by, line, { maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'ignore'] })
    if (piped) writeFileSync(file, output)
    const { samples, channels } = read(readFileSync(file))
    const decoded = execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-f', 'f32le', '-c:a', 'pcm_f32le', '-'], { maxBuffer: 64 << 20 })
    const reference = new Float32Array(decoded.buffer.slice(decoded.byteOffset, decoded.byteOffset + decoded.length))
    expect(samples.length).toBe(reference.length / channels)
    expect(samples.length).toBeGreaterThan(1000)
    let most = 0
    samples.forEach((value, i) => {
      let sum = 0
      for (let c = 0; c < channels; c++) sum += reference[i * channels + c]!
      most = Math.max(most, Math.abs(value - sum / channels))
    })
    expect(most).toBeLessThan(1e-6)
  })
})
