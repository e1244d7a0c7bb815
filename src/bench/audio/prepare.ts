import { join } from 'node:path'
import { tempFolder, type TempFolder } from '../temp-folder.ts'
import { BadAudio } from './bad-audio.ts'
import { clipWav } from './clip.ts'
import { decodeForeign } from './decode.ts'
import { openAudio, type Opened } from './load.ts'

/** A recording ready for the target: known to be readable, and where it lies. */
export interface Prepared {
  /** The file that our own reader takes; null = the reference clip. */
  readonly path: string | null
  /** The file to give to a program: what the user gave, or the clip written out. */
  readonly file: string | null
  readonly seconds: number
  readonly form: string
  /** Nothing in it is louder than -60 dB. */
  readonly silent: boolean
  readonly warnings: readonly string[]
  remove(): void
}

const SILENCE = 0.001

/** Reads the recording once, by another decoder where it is not WAV; `asFile`: a program will need it as a file. */
export async function prepareAudio(path: string | null, asFile: boolean, signal: AbortSignal): Promise<Prepared> {
  let made: TempFolder | null = null
  const folder = () => (made ??= tempFolder())
  const remove = () => made?.remove()
  try {
    const { readable, opened, by } = await openAny(path, () => join(folder().path, 'decoded.wav'), signal)
    const { audio, samples } = decodeOnce(opened)
    const file = path ?? (asFile ? folder().write('reference.wav', clipWav()) : null)
    const channels = audio.channels === 1 ? '1 channel' : `${audio.channels} channels`
    return {
      path: readable,
      file,
      seconds: audio.samples.length / audio.rate,
      form: `${audio.form}, ${audio.rate} Hz, ${channels}${by}`,
      silent: samples.every((value) => Math.abs(value) < SILENCE),
      warnings: audio.warnings,
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

function decodeOnce(opened: Opened): ReturnType<Opened['decode']> {
  try {
    return opened.decode()
  } finally {
    opened.close()
  }
}

async function openAny(path: string | null, target: () => string, signal: AbortSignal): Promise<{ readonly readable: string | null; readonly opened: Opened; readonly by: string }> {
  const opened = openAudio(path)
  try {
    opened.decode()
    return { readable: path, opened, by: '' }
  } catch (error) {
    opened.close()
    if (!(error instanceof BadAudio) || !error.foreign || path === null) throw error
    const decoded = target()
    const by = await decodeForeign(path, decoded, error, signal)
    return { readable: decoded, opened: openAudio(decoded), by: ` after decoding by ${by}` }
  }
}
