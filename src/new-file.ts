import { link, open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { WrongCall } from './wrong-call.ts'

/** A whole file under a new name, or none: never half of one, never over somebody's file. */
export async function writeNew(path: string, text: string, option: string): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.${process.pid}.part`)
  try {
    const file = await open(part, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(part, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new WrongCall(`${option} ${path}: that file exists and is left as it is; choose another name.`)
    throw new WrongCall(`${option} ${path}: it could not be written (${code}).`)
  } finally {
    await unlink(part).catch(() => {})
  }
}
