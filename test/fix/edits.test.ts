import { describe, expect, it } from 'vitest'
import { dropIn } from '../../src/fix/edits/drop-in.ts'
import { envFile } from '../../src/fix/edits/env-file.ts'
import { lineEdits } from '../../src/fix/edits/line.ts'
import { heavier } from '../../src/fix/edits/limits.ts'
import { Refused } from '../../src/fix/refused.ts'
import { extended } from '../../src/fix/edits/search-list.ts'
import { secondsAsShown } from '../../src/fix/edits/timespan.ts'
import { environmentFileOf } from '../../src/systemd/environment-file.ts'
import { environmentOf } from '../../src/systemd/environment.ts'
import { assignmentsOf, lastOf, listOf } from '../../src/systemd/unit-file.ts'
import type { Directive } from '../../src/types.ts'
import { dice, HOSTILE } from './random.ts'

const FILE = '/etc/systemd/system/asr.service.d/50-asr-doctor.conf'
const service = (key: string, value: string): Directive => ({ section: 'Service', key, value })
const env = (name: string, value: string): Directive => service('Environment', `${name}=${value}`)
const variables = (text: string) => Object.fromEntries(environmentOf(assignmentsOf(text, FILE), {}).settings.map(({ name, value }) => [name, value]))

describe('a drop-in', () => {
  it('says what was meant, and why', () => {
    expect(dropIn([env('LD_LIBRARY_PATH', '/opt/cuda/lib64'), service('CPUQuota', '400%'), { section: 'Unit', key: 'After', value: 'sound.target' }], 'Add /opt/cuda/lib64 (cuda/libraries-hidden)', null, FILE)).toBe(
      `# Written by asr-doctor. What it wrote itself, "asr-doctor fix --undo" takes back.

[Service]
# Add /opt/cuda/lib64 (cuda/libraries-hidden)
Environment="LD_LIBRARY_PATH=/opt/cuda/lib64"
CPUQuota=400%

[Unit]
After=sound.target
`,
    )
  })

  it('merges a later fix by key: one value replaced, a list added to, a variable replaced, the rest left', () => {
    const first = dropIn([service('CPUQuota', '200%'), service('DeviceAllow', '/dev/nvidia0 rw'), env('A', '1'), env('B', '2')], 'one', null, FILE)
    const second = dropIn([service('CPUQuota', '400%'), service('DeviceAllow', '/dev/nvidiactl rw'), env('A', '3')], 'two', `${first}Nice=5\n`, FILE)
    expect(lastOf(assignmentsOf(second, FILE), 'Service', 'CPUQuota')?.value).toBe('400%')
    expect(second.match(/CPUQuota=/g)).toHaveLength(1)
    expect(listOf(assignmentsOf(second, FILE), 'Service', 'DeviceAllow').map(({ value }) => value)).toEqual(['/dev/nvidia0 rw', '/dev/nvidiactl rw'])
    expect(variables(second)).toEqual({ A: '3', B: '2' })
    expect(second).toContain('Nice=5\n')
  })

  it('resets a list before it sets it anew, and removes a limit by an empty value', () => {
    const text = dropIn([service('ExecStart', ''), service('ExecStart', '/opt/asr --gpu'), service('CPUQuota', '')], 'x', null, FILE)
    expect(text).toContain('ExecStart=\nExecStart=/opt/asr --gpu\nCPUQuota=\n')
  })

  it('doubles a percent where systemd puts in specifiers and nowhere else', () => {
    const text = dropIn([env('P', '100%h'), service('CPUQuota', '50%'), service('ReadWritePaths', '/srv/50% off')], 'x', null, FILE)
    expect(text).toContain('Environment="P=100%%h"\n')
    expect(text).toContain('CPUQuota=50%\n')
    expect(text).toContain('ReadWritePaths="/srv/50%% off"\n')
  })

  it.each([
    ['a name that is none', [env('A B', 'x')]],
    ['a NUL', [env('A', 'x\0y')]],
    ['a lone surrogate', [env('A', 'x\ud800y')]],
    ['bytes that were no UTF-8', [env('A', 'x\ufffdy')]],
    ['a value that no program can be given', [env('A', 'x'.repeat(131_072))]],
    ['a line break where there is no escape for it', [service('CPUQuota', '50%\nExecStart=/bin/evil')]],
    ['a key that is none', [service('CPU Quota', '50%')]],
    ['a section smuggled in', [service('Foo]\n[Service', 'x')]],
    ['a value that ends in a backslash', [service('WorkingDirectory', '/x\\')]],
  ] as const)('refuses %s', (_, set) => {
    expect(() => dropIn(set as readonly Directive[], 'x', null, FILE)).toThrow(Refused)
  })

  it('refuses a file whose last line would swallow ours', () => {
    expect(() => dropIn([service('CPUQuota', '50%')], 'x', '[Service]\nNice=5 \\', FILE)).toThrow(Refused)
  })

  it('takes a title of any kind as a comment of one line', () => {
    const text = dropIn([service('CPUQuota', '50%')], 'evil\nExecStart=/bin/sh\u2028x\\', null, FILE)
    expect(assignmentsOf(text, FILE).map(({ key }) => key)).toEqual(['CPUQuota'])
  })

  it('keeps 500 hostile values to the letter, alone and merged, and changes nothing the second time', () => {
    const { text, whole } = dice(20_261)
    let merged: string | null = null
    const meant: Record<string, string> = {}
    for (let at = 0; at < 500; at++) {
      const name = `V${whole(40)}`
      const value = text(HOSTILE, 12)
      const alone = dropIn([env(name, value)], 'w', null, FILE)
      expect(variables(alone), JSON.stringify(value)).toEqual({ [name]: value })
      merged = dropIn([env(name, value)], 'w', merged, FILE)
      meant[name] = value
      expect(variables(merged)).toEqual(meant)
      expect(dropIn([env(name, value)], 'w', merged, FILE)).toBe(merged)
    }
  })

  it('comes to the same text whatever it begins from', () => {
    const set = [env('A', '1'), service('CPUQuota', '200%')]
    for (const before of ['', '\n', '# mine', '[Service]\nNice=5', '[Service]\nNice=5\n', '[Unit]\nAfter=x\n[Service]\r\n', '\ufeff[Service]\nA=b\n']) {
      const once = dropIn(set, 'w', before, FILE)
      expect(dropIn(set, 'w', once, FILE), JSON.stringify(before)).toBe(once)
      expect(variables(once)).toEqual({ A: '1' })
      for (const line of before.split('\n').filter((each) => each.trim() !== '')) expect(once).toContain(line.trim())
    }
  })

  it('carries 100 kB', () => {
    const value = Array.from({ length: 1000 }, (_, n) => `/opt/${'x'.repeat(94)}${n}`).join(':')
    expect(value.length).toBeGreaterThan(100_000)
    expect(variables(dropIn([env('LD_LIBRARY_PATH', value)], 'w', null, FILE))).toEqual({ LD_LIBRARY_PATH: value })
  })
})

describe('an EnvironmentFile', () => {
  const last = (text: string) => Object.fromEntries(environmentFileOf(text).map(({ name, value }) => [name, value]))

  it('keeps what others wrote, and has the last word', () => {
    const before = '# my settings\nLD_LIBRARY_PATH="/old"\nOTHER=1'
    const after = envFile({ LD_LIBRARY_PATH: '/new:/old' }, before, '/etc/default/asr')
    expect(after.startsWith(`${before}\n# >>> asr-doctor >>>\n`)).toBe(true)
    expect(last(after)).toEqual({ LD_LIBRARY_PATH: '/new:/old', OTHER: '1' })
  })

  it('keeps 500 hostile values to the letter and changes nothing the second time', () => {
    const { text, whole } = dice(77)
    let file: string | null = null
    const meant: Record<string, string> = {}
    let refused = 0
    for (let at = 0; at < 500; at++) {
      const [name, value] = [`V${whole(30)}`, text(HOSTILE, 12)]
      try {
        file = envFile({ [name]: value }, file, '/etc/default/asr')
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        refused++
        continue
      }
      meant[name] = value
      expect(last(file), JSON.stringify(value)).toEqual(meant)
      expect(envFile({ [name]: value }, file, '/etc/default/asr')).toBe(file)
    }
    // Only the marks of our own block are refused.
    expect(refused).toBeLessThan(60)
  })

  it.each(['A="open\n', 'A=1\\', "A='open"])('refuses a file that would swallow ours: %j', (before) => {
    expect(() => envFile({ B: '2' }, before, '/etc/default/asr')).toThrow(Refused)
  })

  it('refuses a block that somebody broke', () => {
    expect(() => envFile({ B: '2' }, '# >>> asr-doctor >>>\nA=1\n', '/etc/default/asr')).toThrow(/no longer whole/)
  })
})

describe('lines', () => {
  const FILE = '/opt/asr/server.py'
  it('are replaced by number, indentation and line ends kept', () => {
    const before = 'def f():\r\n    path = nvidia.cublas.__file__\r\n    return path\r\n'
    expect(lineEdits([{ file: FILE, line: 2, before: 'path = nvidia.cublas.__file__', after: 'paths = list(nvidia.cublas.__path__)\npath = paths[0]' }], before, FILE)).toBe(
      'def f():\r\n    paths = list(nvidia.cublas.__path__)\r\n    path = paths[0]\r\n    return path\r\n',
    )
  })

  it('of one file are counted as they were seen', () => {
    expect(lineEdits([{ file: FILE, line: 1, before: 'a', after: 'A\nAA' }, { file: FILE, line: 3, before: 'c', after: null }], 'a\nb\nc\nd', FILE)).toBe('A\nAA\nb\nd')
  })

  it.each([
    ['another text there', [{ file: FILE, line: 1, before: 'x', after: 'y' }], 'a\n'],
    ['a line that is not there', [{ file: FILE, line: 9, before: 'a', after: 'y' }], 'a\n'],
    ['no file', [{ file: FILE, line: 1, before: 'a', after: 'y' }], null],
    ['two that contradict each other', [{ file: FILE, line: 1, before: 'a', after: 'y' }, { file: FILE, line: 1, before: 'a', after: 'z' }], 'a\n'],
    ['two that overlap', [{ file: FILE, line: 1, before: 'a\nb', after: 'y' }, { file: FILE, line: 2, before: 'b', after: 'z' }], 'a\nb\n'],
  ] as const)('are refused for %s', (_, edits, before) => {
    expect(() => lineEdits(edits, before, FILE)).toThrow(Refused)
  })
})

describe('values', () => {
  it('of a search list are extended: wanted first, nothing twice, no empty element', () => {
    expect(extended('/new:/b', '/a::/b:')).toBe('/new:/b:/a')
    expect(extended('/a', '')).toBe('/a')
    expect(extended(extended('/new', '/a:/b'), '/a:/b')).toBe('/new:/a:/b')
  })

  it('of a limit are compared by size', () => {
    expect(heavier('CPUQuota', '200%', '50%')).toBe('200%')
    expect(heavier('CPUQuota', '200%', '')).toBe('')
    expect(heavier('MemoryMax', '2G', '2500M')).toBe('2500M')
    expect(heavier('MemoryMax', '50%', '1G')).toBeNull()
    expect(heavier('User', 'a', 'b')).toBeNull()
  })

  it('of times are shown as systemctl shows them', () => {
    expect([0.5, 2, 4.25, 90, 0.0005, 60].map(secondsAsShown)).toEqual(['500ms', '2s', '4.25s', '1min 30s', '500us', '1min'])
  })
})
