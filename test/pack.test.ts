import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { REPOSITORY } from './support/box.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-pack-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the package as published', () => {
  let tarball = ''
  let listed = ''
  beforeAll(() => {
    // --ignore-scripts: what is packed is what was built before the tests.
    listed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: REPOSITORY, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    tarball = join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz'))!)
  })

  it('is small and has nothing to install', () => {
    const packed = JSON.parse(listed)
    const files = (Array.isArray(packed) ? packed[0] : Object.values(packed)[0]) as { files: { path: string }[] }
    const paths = files.files.map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['bin/asr-doctor.js', 'dist/cli.js', 'dist/nvidia-smi-child.js', 'schema/check-1.json', 'README.md', 'LICENSE']))
    expect(paths.filter((path) => /^(src|test|checks|fixtures|node_modules)\//.test(path))).toEqual([])
    expect(statSync(tarball).size).toBeLessThan(2 * 1024 * 1024)
  })

  it('runs by npx in an empty folder, without a network', () => {
    const empty = mkdtempSync(join(folder, 'empty-'))
    const ran = spawnSync('npx', ['--yes', '--offline', `--package=${tarball}`, 'asr-doctor', 'list'], {
      cwd: empty, encoding: 'utf8', timeout: 60_000,
      env: { ...process.env, npm_config_cache: join(folder, 'npm-cache'), npm_config_update_notifier: 'false' },
    })
    expect(ran.stderr.replace(/^npm (warn|notice).*\n/gm, '')).toBe('')
    expect(ran.status).toBe(0)
    expect(ran.stdout).toContain('cuda/libraries-hidden')
    expect(readdirSync(empty)).toEqual([])
  })
})
