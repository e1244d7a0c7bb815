import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { madeOnce } from './cache.ts'

/** A virtual environment of the machine's python3 with genuine packages from PyPI, made once. Returns its interpreter. */
export function venv(name: string, python: string, packages: readonly string[]): string {
  const folder = madeOnce(join('venvs', `${name}-py${python}`), (made) => {
    execFileSync('python3', ['-m', 'venv', made], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 120_000 })
    execFileSync(join(made, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:', ...packages], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 900_000 })
  })
  return join(folder, 'bin/python')
}
