import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { madeOnce } from './cache.ts'

export { CACHE } from './cache.ts'

const PLATFORMS = ['manylinux1', 'manylinux2014', 'manylinux_2_17', 'manylinux_2_24', 'manylinux_2_27', 'manylinux_2_28', 'manylinux_2_31', 'manylinux_2_34'].map((name) => `${name}_x86_64`)

/**
 * The genuine wheel of a project on PyPI, unpacked once into the cache; only members that `keep` (a Python regular
 * expression) matches. Returns the folder, laid out as site-packages.
 */
export function wheel(name: string, version: string, keep = '.', python = '3.11'): string {
  return madeOnce(join('wheels', `${name}-${version}-py${python}-${Buffer.from(keep).toString('hex').slice(0, 24)}`), (folder) => {
    const fetched = `${folder}.download`
    mkdirSync(folder, { recursive: true })
    execFileSync(
      'python3',
      ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--implementation', 'cp', '--python-version', python,
        ...PLATFORMS.flatMap((platform) => ['--platform', platform]), '--dest', fetched, `${name}==${version}`],
      { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 },
    )
    const file = readdirSync(fetched).find((each) => each.endsWith('.whl'))!
    execFileSync('python3', ['-c', UNPACK, join(fetched, file), folder, keep], { timeout: 300_000 })
    rmSync(fetched, { recursive: true })
  })
}

const UNPACK = 'import sys,re,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nfor n in z.namelist():\n  if re.search(sys.argv[3],n): z.extract(n,sys.argv[2])'
