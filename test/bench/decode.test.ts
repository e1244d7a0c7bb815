import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { BadAudio } from '../../src/bench/audio/bad-audio.ts'
import { decodeForeign } from '../../src/bench/audio/decode.ts'
import { openAudio } from '../../src/bench/audio/load.ts'
import { describeWith } from '../support/rig.ts'
import { madeOnce } from '../support/cache.ts'
import { buildTool, leftFolders, leftProcesses } from './tool.ts'

const ffmpeg = (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'ffmpeg')))
const WHY = new BadAudio('The file is no WAV.', true)
const PATH = process.env['PATH']
const NEVER = new AbortController().signal

/** The genuine package from npm; without ffmpeg on PATH it is the one that is asked. */
describeWith('ffmpeg and audio-decode', ffmpeg ? null : 'apt-get install ffmpeg', () => {
  let folder = ''
  let place = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'asr-doctor-decode-'))
    place = join(madeOnce('audio-decode-3.12.0', (at) => {
      mkdirSync(at)
      writeFileSync(join(at, 'package.json'), '{"private":true}')
      execFileSync('npm', ['install', '--prefix', at, '--ignore-scripts', '--no-audit', '--no-fund', '--silent', 'audio-decode@3.12.0'], { stdio: 'ignore', timeout: 300_000 })
    }), 'noop.js')
    for (const type of ['mp3', 'flac', 'ogg', 'm4a']) execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=frequency=440:duration=2:sample_rate=44100', '-ac', '2', '-ar', '44100', join(folder, `tone.${type}`)])
  }, 300_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  afterEach(() => void (process.env['PATH'] = PATH))

  const tone = (file: string) => {
    const opened = openAudio(file)
    const { samples, audio } = opened.decode()
    opened.close()
    // The part of a 440 Hz tone in one second from the middle.
    const part = samples.subarray(8000, 24_000)
    let [re, im, all] = [0, 0, 0]
    part.forEach((value, i) => {
      re += value * Math.cos((2 * Math.PI * 440 * i) / 16_000)
      im += value * Math.sin((2 * Math.PI * 440 * i) / 16_000)
      all += value * value
    })
    return { seconds: samples.length / 16_000, channels: audio.channels, pure: (2 * (re * re + im * im)) / part.length / all }
  }

  it.each(['mp3', 'flac', 'ogg', 'm4a'])('%s, by the package: the tone that was put in, in both channels', async (type) => {
    process.env['PATH'] = '/nowhere'
    const to = join(folder, `${type}.wav`)
    expect(await decodeForeign(join(folder, `tone.${type}`), to, WHY, NEVER, [place])).toBe('audio-decode')
    const heard = tone(to)
    expect(heard.pure).toBeGreaterThan(0.99)
    expect(heard.seconds).toBeGreaterThan(1.95)
    expect(heard.seconds).toBeLessThan(2.1)
  })

  it('ffmpeg goes first', async () => {
    expect(await decodeForeign(join(folder, 'tone.flac'), join(folder, 'first.wav'), WHY, NEVER, [place])).toBe('ffmpeg')
    expect(tone(join(folder, 'first.wav')).pure).toBeGreaterThan(0.99)
  })

  it('a broken file is refused in one line, and leaves no file', async () => {
    process.env['PATH'] = '/nowhere'
    writeFileSync(join(folder, 'broken.flac'), Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(400, 7)]))
    await expect(decodeForeign(join(folder, 'broken.flac'), join(folder, 'broken.wav'), WHY, NEVER, [place])).rejects.toThrow(/^The file is no WAV\. audio-decode could not read it either: [^\n]+\.$/)
    expect(existsSync(join(folder, 'broken.wav'))).toBe(false)
  })

  it('with neither there: what to install', async () => {
    process.env['PATH'] = '/nowhere'
    await expect(decodeForeign(join(folder, 'tone.mp3'), join(folder, 'none.wav'), WHY, NEVER, [join(folder, 'noop.js')])).rejects.toThrow('The file is no WAV. Install ffmpeg (or the npm package audio-decode), or convert it to WAV first.')
  })
})

/** A decoder that takes its time, and a process below it. */
const SLOW = '#!/bin/sh\nsleep 300 & echo $! > "$BELOW"; wait\n'

it.each(['SIGINT', 'SIGTERM'] as const)('%s while a decoder works: interrupted, exit 130, and nothing is left of it', async (name) => {
  const tool = await buildTool()
  try {
    const below = join(tool.folder, 'below')
    writeFileSync(join(tool.folder, 'ffmpeg'), SLOW, { mode: 0o755 })
    writeFileSync(join(tool.folder, 'song.mp3'), 'ID3 and so on')
    const child = tool.start(['--audio', join(tool.folder, 'song.mp3'), '--command', 'cat {audio}'], { PATH: `${tool.folder}:${PATH}`, BELOW: below })
    let stderr = ''
    child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    while (!existsSync(below) || readFileSync(below, 'utf8') === '') await sleep(20)
    child.kill(name)
    expect(await ended).toBe(130)
    expect(stderr).toMatch(/interrupted: It was interrupted before anything had run\./)
    expect(leftFolders(tool)).toEqual([])
    expect(leftProcesses(tool)).toEqual([])
    expect(existsSync(`/proc/${readFileSync(below, 'utf8').trim()}/cwd`)).toBe(false)
  } finally {
    tool.remove()
  }
}, 60_000)
