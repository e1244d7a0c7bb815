import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { BadAudio } from './bad-audio.ts'
import { clipWav } from './clip.ts'
import { resample } from './resample.ts'
import { inMemory, type ByteSource } from './source.ts'
import { readWav, type Audio } from './wav.ts'

export const MODEL_RATE = 16_000

/** The sound of a file, or of the reference clip (null), ready to be decoded again and again. */
export interface Opened {
  /** The work of the audio phase: bytes to one channel at 16 kHz. */
  decode(): { readonly samples: Float32Array; readonly audio: Audio }
  close(): void
}

export function openAudio(path: string | null): Opened {
  const source = path === null ? { ...inMemory(clipWav()), close: () => {} } : openFile(path)
  return {
    decode: () => {
      const audio = readWav(source)
      return { audio, samples: resample(audio.samples, audio.rate, MODEL_RATE) }
    },
    close: source.close,
  }
}

function openFile(path: string): ByteSource & { close(): void } {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new BadAudio(code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be opened (${code}).`)
  }
  const stat = fstatSync(file)
  if (!stat.isFile()) {
    closeSync(file)
    throw new BadAudio(`${path} is not a regular file.`)
  }
  return {
    sizeBytes: stat.size,
    read: (at, length) => {
      const wanted = Math.max(0, Math.min(length, stat.size - at))
      const data = Buffer.alloc(wanted)
      let got = 0
      while (got < wanted) {
        const count = readSync(file, data, got, wanted - got, at + got)
        if (count === 0) break
        got += count
      }
      return data.subarray(0, got)
    },
    close: () => closeSync(file),
  }
}
