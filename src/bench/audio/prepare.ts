import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
export function prepareAudio(path: string | null, asFile: boolean): Prepared {
  let folder: string | null = null
  const inFolder = (name: string) => join((folder ??= mkdtempSync(join(tmpdir(), 'asr-doctor-bench-'))), name)
  const remove = () => {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
  try {
    const { readable, opened, by } = openAny(path, () => inFolder('decoded.wav'))
    const { audio, samples } = decodeOnce(opened)
    let file = path
    if (file === null && asFile) {
      file = inFolder('reference.wav')
      writeFileSync(file, clipWav())
    }
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

function openAny(path: string | null, target: () => string): { readonly readable: string | null; readonly opened: Opened; readonly by: string } {
  const opened = openAudio(path)
  try {
    opened.decode()
    return { readable: path, opened, by: '' }
  } catch (error) {
    opened.close()
    if (!(error instanceof BadAudio) || !error.foreign || path === null) throw error
    const decoded = target()
    const by = decodeForeign(path, decoded, error)
    return { readable: decoded, opened: openAudio(decoded), by: ` after decoding by ${by}` }
  }
}
