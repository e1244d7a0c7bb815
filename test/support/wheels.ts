import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export const CACHE = process.env['ASR_DOCTOR_TEST_CACHE'] ?? join(homedir(), '.cache', 'asr-doctor-test')

const PLATFORMS = ['manylinux1', 'manylinux2014', 'manylinux_2_17', 'manylinux_2_24', 'manylinux_2_27', 'manylinux_2_28', 'manylinux_2_31', 'manylinux_2_34'].map((name) => `${name}_x86_64`)

/**
 * The genuine wheel of a project on PyPI, unpacked once into the cache; only members that `keep` (a Python regular
 * expression) matches. Returns the folder, laid out as site-packages.
 */
export function wheel(name: string, version: string, keep = '.', python = '3.11'): string {
  const folder = join(CACHE, 'wheels', `${name}-${version}-py${python}-${Buffer.from(keep).toString('hex').slice(0, 24)}`)
  if (existsSync(folder)) return folder
  const part = `${folder}.${process.pid}.part`
  mkdirSync(join(part, 'site'), { recursive: true })
  execFileSync(
    'python3',
    ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--implementation', 'cp', '--python-version', python,
      ...PLATFORMS.flatMap((platform) => ['--platform', platform]), '--dest', part, `${name}==${version}`],
    { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 },
  )
  const file = readdirSync(part).find((each) => each.endsWith('.whl'))!
  execFileSync('python3', ['-c', UNPACK, join(part, file), join(part, 'site'), keep], { timeout: 300_000 })
  rmSync(join(part, file))
  if (existsSync(folder)) rmSync(part, { recursive: true })
  else {
    renameSync(join(part, 'site'), folder)
    rmSync(part, { recursive: true })
  }
  return folder
}

const UNPACK = 'import sys,re,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nfor n in z.namelist():\n  if re.search(sys.argv[3],n): z.extract(n,sys.argv[2])'
