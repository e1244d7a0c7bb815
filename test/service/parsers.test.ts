import { describe, expect, it } from 'vitest'
import { knownVariable, VARIABLES } from '../../src/facts/environment-variables.ts'
import { settingFor } from '../../src/facts/cache-paths.ts'
import { directivesOf } from '../../src/facts/unit-directives.ts'
import { unitOfCgroup } from '../../src/facts/unit-of-cgroup.ts'
import { admits, characterMajorsOf, deviceRulesOf, listAdmits } from '../../src/systemd/device-allow.ts'
import { environmentFileOf } from '../../src/systemd/environment-file.ts'
import { exitStatusWords, signalWords } from '../../src/systemd/exit-status.ts'
import { globMatches } from '../../src/systemd/glob.ts'
import { shownEnvironmentOf } from '../../src/systemd/shell-quoted.ts'
import { assignmentsOf, listOf } from '../../src/systemd/unit-file.ts'
import { dropInFolderNames } from '../../src/systemd/unit-name.ts'

describe('lines', () => {
  it('keeps the line on which an assignment begins', () => {
    const text = '\uFEFF# one\n[Service]\nA=1 \\\n# three\n  2\nB=3\n\n[Install]\nB=4\nnothing\n=5\n'
    expect(assignmentsOf(text, '/f').map(({ section, key, value, line }) => [section, key, value, line])).toEqual([
      ['Service', 'A', '1    2', 3], ['Service', 'B', '3', 6], ['Install', 'B', '4', 9],
    ])
  })
  it('lets an empty assignment reset a list', () => {
    expect(listOf(assignmentsOf('[Service]\nE=1\nE=\nE=2\nE=3', '/f'), 'Service', 'E').map(({ value }) => value)).toEqual(['2', '3'])
  })
  it('counts the lines of an environment file, multi-line values included', () => {
    expect(environmentFileOf('# c\nA=1\nB="x\ny"\nexport C=2\n').map(({ name, value, line }) => [name, value, line])).toEqual([['A', '1', 2], ['B', 'x\ny', 3], ['export C', '2', 5]])
  })
})

describe('names', () => {
  it('finds the folders of a template instance', () => {
    expect(dropInFolderNames('a-b@x.service')).toEqual(['a-b@x.service.d', 'a-b@.service.d', 'a-.service.d', 'a-@x.service.d', 'a-@.service.d'])
  })
  it('reads show-environment', () => {
    expect(shownEnvironmentOf("A=1\nB=$'a b\\'c\\n'\nC=\"x y\"\nE=\n")).toEqual({ A: '1', B: "a b'c\n", C: 'x y', E: '' })
  })
  it('tells a user’s unit from the system’s, and whose it is', () => {
    expect(unitOfCgroup('0::/user.slice/user-1500.slice/user@1500.service/app.slice/asr.service')).toEqual({ name: 'asr.service', scope: 'user', managerUid: 1500 })
    expect(unitOfCgroup('5:cpu:/\n1:name=systemd:/system.slice/asr.service\n0::/')).toEqual({ name: 'asr.service', scope: 'system', managerUid: null })
    expect(unitOfCgroup('0::/user.slice/user-1500.slice/user@1500.service/init.scope')).toBeNull()
    expect(unitOfCgroup('0::/user.slice/user-1500.slice/session-2.scope')).toBeNull()
  })
})

describe('devices', () => {
  // /proc/devices of a driver below and above 545; the numbers are those of NVIDIA's and of a dynamic range.
  const older = characterMajorsOf('Character devices:\n  1 mem\n195 nvidia-frontend\n511 nvidia-uvm\n\nBlock devices:\n195 sd\n')
  const newer = characterMajorsOf('Character devices:\n195 nvidia\n195 nvidiactl\n511 nvidia-uvm\n\nBlock devices:\n')
  const gpu = { path: '/dev/nvidia0', device: [195, 0] as const }
  const one = (text: string) => deviceRulesOf(text)[0]!
  it('matches both names of the driver, each with its own', () => {
    expect(admits(one('char-nvidia-frontend rw'), gpu, older)).toBe(true)
    expect(admits(one('char-nvidia-frontend rw'), gpu, newer)).toBe(false)
    expect(admits(one('char-nvidia rw'), gpu, older)).toBe(false)
    expect(admits(one('char-nvidia rw'), gpu, newer)).toBe(true)
    expect(admits(one('char-nvidia* rw'), gpu, older) && admits(one('char-nvidia* rw'), gpu, newer)).toBe(true)
    expect(admits(one('/dev/nvidia0 r'), gpu, newer)).toBe(false)
  })
  it('reads devices.list of cgroup v1', () => {
    expect(listAdmits('a *:* rwm', [195, 0])).toBe(true)
    expect(listAdmits('c 1:3 rwm\nc 195:* rw', [195, 0])).toBe(true)
    expect(listAdmits('c 1:3 rwm\nc 195:255 rw\nb *:* rwm', [195, 0])).toBe(false)
    expect(listAdmits('c 195:* r', [195, 0])).toBe(false)
  })
  it.each([['*.env', 'a.env', true], ['a?', 'ab', true], ['[a-c]x', 'bx', true], ['[!a-c]x', 'bx', false], ['a.b', 'axb', false], ['\\*', '*', true]] as const)('%s on %s', (pattern, text, fits) => {
    expect(globMatches(pattern, text)).toBe(fits)
  })
})

describe('words for an end', () => {
  it.each([[203, 'EXEC', 'manager'], [217, 'USER', 'manager'], [226, 'NAMESPACE', 'manager'], [127, null, 'program'], [137, null, 'program'], [1, null, 'program']] as const)('status %i', (status, name, by) => {
    expect(exitStatusWords(status)).toMatchObject({ name, by })
  })
  it('reads 128+N as a signal of a child', () => expect(exitStatusWords(139).words).toMatch(/SIGSEGV.*128\+11/))
  it('names signals', () => expect(signalWords(9)).toMatch(/^SIGKILL/))
})

describe('tables', () => {
  it('reads what systemd prints of itself', () => expect([...directivesOf('[Unit]\nA=STRING\n\n[Service]\nB=OTHER\n').get('Service')!]).toEqual(['B']))
  it('has a reason and a source for every variable', () => {
    for (const { name, because, source } of VARIABLES) {
      expect(because, name).toMatch(/^\p{Lu}.*\.$/u)
      expect(source, name).toMatch(/^https:\/\//)
    }
    expect(new Set(VARIABLES.map(({ name }) => name)).size).toBe(VARIABLES.length)
  })
  it('knows no secrets', () => {
    for (const name of ['HF_TOKEN', 'ORT_API_KEY', 'CT2_SECRET', 'OPENAI_API_KEY', 'MY_VAR']) expect(knownVariable(name, 'x')).toBeNull()
    expect(knownVariable('CT2_VERBOSE', '1')).toMatchObject({ matters: true })
    expect(knownVariable('CUDA_LAUNCH_BLOCKING', '1')).toMatchObject({ matters: true })
  })
  it('names the setting that hides a path, and none when the path is bound in', () => {
    const unit = (properties: Record<string, string>) => ({ properties })
    expect(settingFor(unit({ ProtectHome: 'yes' }), '/home/a/model', 'hidden')).toBe('ProtectHome=yes')
    expect(settingFor(unit({ ProtectHome: 'yes' }), '/homework/model', 'hidden')).toBeNull()
    expect(settingFor(unit({ ProtectHome: 'tmpfs', BindReadOnlyPaths: '/home/a/model:/home/a/model:rbind' }), '/home/a/model/x', 'hidden')).toBeNull()
    expect(settingFor(unit({ PrivateTmp: 'yes' }), '/tmp/x', 'hidden')).toBe('PrivateTmp=yes')
    expect(settingFor(unit({ ProtectSystem: 'strict' }), '/srv/x', 'read-only')).toBe('ProtectSystem=strict')
    expect(settingFor(unit({ ProtectSystem: 'strict', CacheDirectory: 'asr' }), '/var/cache/asr/cuda', 'read-only')).toBeNull()
    expect(settingFor(unit({ ProtectSystem: 'full' }), '/srv/x', 'read-only')).toBeNull()
  })
})
