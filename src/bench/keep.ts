import { accessSync, constants, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { soberJson } from '../sober.ts'
import { WrongCall } from '../wrong-call.ts'
import type { Result } from './types.ts'

/** Whether a measurement can be kept there, asked before the minutes that it takes. */
export function checkKeepable(typed: string, path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' })
    accessSync(statSync(path, { throwIfNoEntry: false }) === undefined ? dirname(path) : path, constants.W_OK)
  } catch (error) {
    throw new WrongCall(`--save-baseline ${typed} cannot be written (${(error as NodeJS.ErrnoException).code}).`)
  }
}

/** Why it could not be kept; null = it was. */
export function keep(path: string, result: Result): string | null {
  try {
    writeFileSync(path, `${soberJson(result)}\n`)
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}
