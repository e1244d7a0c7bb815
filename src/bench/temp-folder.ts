import { createHash } from 'node:crypto'
import { lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CannotMeasure } from './engine.ts'
import { read, startOf } from './proc.ts'

/** A folder for files that are ours. It goes when it is removed, and at the latest with the process, also when an error ends that. */
export interface TempFolder {
  readonly path: string
  /** Returns where the file lies. */
  write(name: string, data: Uint8Array | Float32Array): string
  remove(): void
}

const left = new Set<string>()
process.on('exit', () => left.forEach((path) => rmSync(path, { recursive: true, force: true })))

/**
 * Where process numbers mean the same as here: this boot and this PID namespace. A container may share the folder, and its
 * processes cannot be seen. null = there is no /proc.
 */
function world(): string | null {
  try {
    return createHash('sha256').update(`${read('/proc/sys/kernel/random/boot_id')} ${readlinkSync('/proc/self/ns/pid')}`).digest('hex').slice(0, 12)
  } catch {
    return null
  }
}

/** A killed benchmark cannot clear up, so the next one does: only what was made in the same world, by the same user, by a process that is gone. */
export function sweepTempFolders(): void {
  const here = world()
  if (here === null) return
  try {
    for (const name of readdirSync(tmpdir())) {
      const [, where, pid, start] = /^asr-doctor-bench-([0-9a-f]{12})-(\d+)-(\d+)-\w{6}$/.exec(name) ?? []
      if (where !== here || startOf(Number(pid)) === start) continue
      const path = join(tmpdir(), name)
      const found = lstatSync(path)
      if (found.isDirectory() && found.uid === process.getuid?.()) rmSync(path, { recursive: true, force: true })
    }
  } catch {
    // What cannot be read or removed is in nobody's way.
  }
}

export function tempFolder(): TempFolder {
  const here = world()
  const owner = here === null ? '' : `${here}-${process.pid}-${startOf(process.pid)}-`
  const path = made(() => mkdtempSync(join(tmpdir(), `asr-doctor-bench-${owner}`)))
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
