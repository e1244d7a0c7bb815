import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Interrupted } from '../engine.ts'
import { killGroup } from '../kill-group.ts'
import { runtimeFolder } from '../runtime.ts'
import { BadAudio } from './bad-audio.ts'

const LIMIT_MS = 120_000
/** An hour of stereo at 48 kHz as float32 is 1.4 GB; more than an hour nobody needs here. */
const HEAP_MB = 3072
const MAX_SECONDS = 3600

/** What is not WAV becomes WAV at `to`: by ffmpeg, else by the npm package audio-decode, where one of them is there. Returns which. */
export async function decodeForeign(from: string, to: string, why: BadAudio, signal: AbortSignal, places: readonly string[] = PLACES): Promise<string> {
  // -protocol_whitelist: a playlist inside the file must not make ffmpeg fetch anything.
  const byFfmpeg = await ended('ffmpeg', ['-nostdin', '-v', 'error', '-protocol_whitelist', 'file', '-i', from, '-vn', '-ac', '1', '-ar', '16000', '-t', String(MAX_SECONDS), '-c:a', 'pcm_s16le', to], process.env, signal)
  if (byFfmpeg === null) return 'ffmpeg'
  if (byFfmpeg !== 'ENOENT') throw refused('ffmpeg', byFfmpeg, why)
  const library = audioDecode(places)
  if (library === null) throw new BadAudio(`${why.message} Install ffmpeg (or the npm package audio-decode), or convert it to WAV first.`)
  // In a process of its own: whatever a crafted file does to a decoder, it does there.
  const byLibrary = await ended(process.execPath, [`--max-old-space-size=${HEAP_MB}`, '--input-type=module', '-e', SCRIPT, pathToFileURL(library).href, from, to, String(MAX_SECONDS)], { ...process.env, NODE_OPTIONS: '' }, signal)
  if (byLibrary !== null) throw refused('audio-decode', byLibrary, why)
  return 'audio-decode'
}

const PLACES = [import.meta.url, join(process.cwd(), 'noop.js'), join(runtimeFolder(), 'noop.js')]

/** The package, where onnxruntime-node would be found too: beside the tool, in the current folder, in the tool's data folder. */
function audioDecode(places: readonly string[]): string | null {
  for (const place of places) {
    try {
      return createRequire(place).resolve('audio-decode')
    } catch {
      // Not there: the next place.
    }
  }
  return null
}

/** null = it did its work; else its last words, or the system's why it did not start. A group of its own, so that Ctrl-C is for us. */
async function ended(program: string, args: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string | null> {
  if (signal.aborted) throw new Interrupted()
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env, detached: true })
  let said = ''
  let late = false
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-4096)))
  const stop = () => killGroup(child)
  signal.addEventListener('abort', stop)
  const timer = setTimeout(() => {
    late = true
    stop()
  }, LIMIT_MS)
  const code = await new Promise<number | string | null>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    child.once('close', resolve)
  })
  clearTimeout(timer)
  signal.removeEventListener('abort', stop)
  if (signal.aborted) throw new Interrupted()
  if (late) return `it was not done after ${LIMIT_MS / 60_000} minutes`
  if (typeof code === 'string') return code
  return code === 0 ? null : (said.trim().split('\n').at(-1)?.trim() ?? '')
}

const refused = (who: string, said: string, why: BadAudio): BadAudio => new BadAudio(`${why.message} ${who} could not read it either${said ? `: ${said.slice(0, 200).replace(/\.$/, '')}` : ''}.`)

/** Channels interleaved as float32 into a WAV file of tag 3. */
const SCRIPT = `
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
const [entry, from, to, most] = process.argv.slice(1)
try {
  const { default: decode } = await import(entry)
  const { channelData, sampleRate } = await decode(new Uint8Array(readFileSync(from)))
  const channels = channelData.length
  const frames = Math.min(channelData[0]?.length ?? 0, Math.round(sampleRate * Number(most)))
  if (frames === 0) throw new Error('there is no sound in it')
  const bytes = frames * channels * 4
  const header = Buffer.alloc(44)
  header.write('RIFF', 0); header.writeUInt32LE(36 + bytes, 4); header.write('WAVEfmt ', 8); header.writeUInt32LE(16, 16)
  header.writeUInt16LE(3, 20); header.writeUInt16LE(channels, 22); header.writeUInt32LE(sampleRate, 24)
  header.writeUInt32LE(sampleRate * channels * 4, 28); header.writeUInt16LE(channels * 4, 32); header.writeUInt16LE(32, 34)
  header.write('data', 36); header.writeUInt32LE(bytes, 40)
  const file = openSync(to, 'wx', 0o600)
  writeSync(file, header)
  for (let at = 0; at < frames; at += 65536) {
    const length = Math.min(65536, frames - at)
    const part = new Float32Array(length * channels)
    for (let c = 0; c < channels; c++) for (let i = 0; i < length; i++) part[i * channels + c] = channelData[c][at + i]
    writeSync(file, new Uint8Array(part.buffer))
  }
  closeSync(file)
} catch (error) {
  console.error(String(error?.message ?? error).split('\\n')[0])
  process.exit(1)
}
`
