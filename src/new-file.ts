import { link, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { noLinks } from './fix/disk.ts'
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
    await bring(part, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new WrongCall(`${option} ${path}: that file exists and is left as it is; choose another name.`)
    throw new WrongCall(`${option} ${path}: it could not be written (${code}).`)
  } finally {
    await unlink(part).catch(() => {})
  }
}

/** link(2) never replaces. Without it an empty file takes the name first, which only one can make, and the whole one then takes its place. */
async function bring(part: string, path: string): Promise<void> {
  try {
    await link(part, path)
  } catch (error) {
    if (!noLinks(error)) throw error
    await (await open(path, 'wx', 0o600)).close()
    await rename(part, path).catch(async (error: unknown) => {
      await unlink(path)
      throw error
    })
  }
}
