import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where administrators' programs live when a user's PATH leaves them out (ldconfig, nsenter, modinfo). */
export const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/lib/wsl/lib']

/** The file behind a program's name, by PATH and then where administrators' programs live; null = there is none. */
export function findProgram(name: string, env: NodeJS.ProcessEnv): string | null {
  if (name.includes('/')) return runnable(name) ? name : null
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter((p) => p.startsWith('/')), ...SYSTEM_PATH]
  return folders.map((folder) => join(folder, name)).find(runnable) ?? null
}

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
