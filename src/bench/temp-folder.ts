import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CannotMeasure } from './engine.ts'

/** A folder for files that are ours. It goes when it is removed, and at the latest with the process, also when an error ends that. */
export interface TempFolder {
  readonly path: string
  /** Returns where the file lies. */
  write(name: string, data: Uint8Array | Float32Array): string
  remove(): void
}

const left = new Set<string>()
process.on('exit', () => left.forEach((path) => rmSync(path, { recursive: true, force: true })))

export function tempFolder(): TempFolder {
  const path = made(() => mkdtempSync(join(tmpdir(), 'asr-doctor-bench-')))
  left.add(path)
  return {
    path,
    write: (name, data) => {
      const file = join(path, name)
      made(() => writeFileSync(file, data))
      return file
    },
    remove: () => {
      rmSync(path, { recursive: true, force: true })
      left.delete(path)
    },
  }
}

function made<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new CannotMeasure(`Files that are needed could not be written to ${tmpdir()} (${(error as NodeJS.ErrnoException).code}).`)
  }
}

/** The same for as long as something takes. */
export async function inTempFolder<T>(work: (path: string) => Promise<T>): Promise<T> {
  const folder = tempFolder()
  try {
    return await work(folder.path)
  } finally {
    folder.remove()
  }
}
