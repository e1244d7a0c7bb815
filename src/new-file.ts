import { randomBytes } from 'node:crypto'
import { link, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { noLinks } from './fix/disk.ts'
import { WrongCall } from './wrong-call.ts'

/**
 * A whole file under a new name, or none: never half of one, never over somebody's file. The name it has until then cannot be
 * guessed, so that nobody has it already, and only what was made here is taken away again.
 */
export async function writeNew(path: string, text: string, option: string): Promise<void> {
  const part = join(dirname(path), `.asr-doctor-${randomBytes(9).toString('base64url')}.part`)
  try {
    const file = await open(part, 'wx', 0o600)
    try {
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await bring(part, path)
    } finally {
      await unlink(part).catch(() => {})
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new WrongCall(`${option} ${path}: that file exists and is left as it is; choose another name.`)
    throw new WrongCall(`${option} ${path}: it could not be written (${code}).`)
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
