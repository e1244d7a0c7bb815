import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { profile, profilePath, shellOf, type Shell } from '../../src/fix/edits/profile.ts'
import { describeWith } from '../support/rig.ts'
import { dice, HOSTILE } from './random.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-profile-'))
afterAll(() => rmSync(folder, { recursive: true }))

const find = (name: string) => ['/usr/bin', '/bin', '/usr/local/bin'].map((path) => join(path, name)).find((path) => existsSync(path)) ?? null
const missing = ['bash', 'zsh', 'fish', 'dash'].filter((name) => find(name) === null)

/** Starts the shell as a person does, with the profile in its home, and asks a program what it was given. */
function started(shell: Shell, home: string, env: Record<string, string>): Record<string, string> {
  const program = { bash: 'bash', zsh: 'zsh', fish: 'fish', sh: 'dash', powershell: 'pwsh' }[shell]
  const flags = shell === 'sh' ? ['-l', '-c'] : ['-i', '-c']
  const ran = spawnSync(find(program)!, [...flags, '/usr/bin/env -0'], { cwd: home, env: { HOME: home, PATH: '/usr/bin:/bin', TERM: 'dumb', LANG: 'C.UTF-8', ...env }, timeout: 30_000, maxBuffer: 1 << 24 })
  expect(ran.status, ran.stderr.toString()).toBe(0)
  return Object.fromEntries(ran.stdout.toString('utf8').split('\0').filter((each) => each.includes('=')).map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]))
}

let homes = 0
function homeWith(shell: Shell, text: string): string {
  const home = join(folder, `${shell}-${homes++}`)
  const file = profilePath(shell, home, {})
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return home
}

describe('the profile of a shell', () => {
  it('is known by the login shell', () => {
    expect(['/bin/bash', '/usr/bin/zsh', '/usr/bin/fish', '/bin/dash', '/usr/bin/pwsh', '/usr/bin/nu'].map(shellOf)).toEqual(['bash', 'zsh', 'fish', 'sh', 'powershell', null])
    expect(profilePath('zsh', '/home/a', { ZDOTDIR: '/home/a/.z' })).toBe('/home/a/.z/.zshrc')
  })

  it('gets one marked block, which the next fix is merged into', () => {
    const before = '# mine\nalias ll="ls -l"'
    const once = profile({ LD_LIBRARY_PATH: '/opt/cuda' }, 'bash', before, '~/.bashrc')
    const twice = profile({ CUDA_CACHE_PATH: '/tmp/c' }, 'bash', once, '~/.bashrc')
    expect(once.startsWith(`${before}\n# >>> asr-doctor >>>\n`)).toBe(true)
    expect(twice.match(/>>> asr-doctor >>>/g)).toHaveLength(1)
    expect(twice).toContain('/opt/cuda')
    expect(twice).toContain('CUDA_CACHE_PATH')
    expect(profile({ LD_LIBRARY_PATH: '/opt/cuda' }, 'bash', twice, '~/.bashrc')).toBe(twice)
  })

  it.each<Shell>(['bash', 'zsh', 'fish', 'sh'])('with the line ends of Windows is left alone for %s, which would take them for part of the value', (shell) => {
    expect(() => profile({ LD_LIBRARY_PATH: '/opt/lib' }, shell, 'export A=1\r\n', '/home/a/.rc')).toThrow(/^The lines of \/home\/a\/\.rc end as on Windows/)
  })
  it('of PowerShell is written in its own quotes', () => {
    const text = profile({ LD_LIBRARY_PATH: "/it's", A: '$(x)' }, 'powershell', null, 'profile.ps1')
    expect(text).toContain("${env:A} = '$(x)'")
    expect(text).toContain("'/it''s'")
  })
})

describeWith('shells', missing.length === 0 ? null : `${missing.join(', ')} missing: apt-get install bash dash zsh fish`, () => {
  const shells: readonly Shell[] = ['bash', 'zsh', 'fish', 'sh']

  describe.each(shells)('%s, really started', (shell) => {
    it('puts the folders in front of what the variable holds, once', () => {
      const home = homeWith(shell, profile({ LD_LIBRARY_PATH: '/opt/new one:/opt/b' }, shell, shell === 'fish' ? 'set -gx MINE 1\n' : 'export MINE=1\n', 'profile'))
      expect(started(shell, home, {})).toMatchObject({ MINE: '1', LD_LIBRARY_PATH: '/opt/new one:/opt/b' })
      expect(started(shell, home, { LD_LIBRARY_PATH: '/old' })['LD_LIBRARY_PATH']).toBe('/opt/new one:/opt/b:/old')
      // A shell inside a shell.
      expect(started(shell, home, { LD_LIBRARY_PATH: '/opt/new one:/opt/b:/old' })['LD_LIBRARY_PATH']).toBe('/opt/new one:/opt/b:/old')
    })

    it('hands 120 hostile values on to the letter', () => {
      const { text } = dice(9 + shells.indexOf(shell))
      const meant = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`V${at}`, text(HOSTILE, 10)]).filter(([, value]) => !value!.includes('asr-doctor')))
      const seen = started(shell, homeWith(shell, profile(meant, shell, null, 'profile')), {})
      expect(Object.fromEntries(Object.keys(meant).map((name) => [name, seen[name]]))).toEqual(meant)
    })

    it.each(['\\', 'x\\', 'x \\\\\\', '# x \\'])('is not read as part of a last line that goes on: %j', (tail) => {
      const set = shell === 'fish' ? 'set -gx MINE 1' : 'export MINE=1'
      for (const end of ['', '\n']) {
        const text = profile({ A: '1' }, shell, `${set}\necho ${tail}${end}`, 'profile')
        expect(started(shell, homeWith(shell, text), {}), text).toMatchObject({ MINE: '1', A: '1' })
        expect(profile({ A: '1' }, shell, text, 'profile')).toBe(text)
      }
      const broken = profile({ A: '1' }, shell, null, 'profile').replace(/^/, 'echo x\\\n')
      expect(() => profile({ A: '2' }, shell, broken, 'profile')).toThrow(/before what asr-doctor wrote goes on in it/)
    })

    it('survives a folder with every kind of quote in its name', () => {
      const path = `/opt/it's "here"/$(touch ${folder}/pwned)/\`id\`/100%/\\x`
      const home = homeWith(shell, profile({ LD_LIBRARY_PATH: path }, shell, null, 'profile'))
      expect(started(shell, home, { LD_LIBRARY_PATH: '/old' })['LD_LIBRARY_PATH']).toBe(`${path}:/old`)
      expect(existsSync(join(folder, 'pwned'))).toBe(false)
    })

    it('hands on 100 kB', () => {
      const value = 'x'.repeat(100_000)
      expect(started(shell, homeWith(shell, profile({ BIG: value }, shell, null, 'profile')), {})['BIG']).toBe(value)
    })
  })
})
