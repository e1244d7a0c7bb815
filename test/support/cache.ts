import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** What tests fetch or make at some cost, kept between runs. Never part of the checkout. */
export const CACHE = process.env['ASR_DOCTOR_TEST_CACHE'] ?? join(homedir(), '.cache', 'asr-doctor-test')

/** A folder in the cache, made beside and put in place whole: suites that run at once want the same one. */
export function madeOnce(name: string, make: (folder: string) => void): string {
  const folder = join(CACHE, name)
  if (existsSync(folder)) return folder
  const part = `${folder}.${process.pid}.part`
  mkdirSync(dirname(folder), { recursive: true })
  make(part)
  if (existsSync(folder)) rmSync(part, { recursive: true })
  else renameSync(part, folder)
  return folder
}
