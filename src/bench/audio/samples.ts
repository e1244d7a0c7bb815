import type { Prepared } from './prepare.ts'
import { openAudio } from './load.ts'

/** A prepared recording as one channel at 16 kHz. */
export function samplesOf({ path }: Pick<Prepared, 'path'>): Float32Array {
  const opened = openAudio(path)
  try {
    return opened.decode().samples
  } finally {
    opened.close()
  }
}
