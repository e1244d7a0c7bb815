import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { unifiedDiff } from '../../src/fix/diff.ts'
import { dice } from './random.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-diff-'))
afterAll(() => rmSync(folder, { recursive: true }))

let n = 0
/** What patch(1) and git apply make of the diff; the file is given by its path below a root. */
function applied(tool: 'patch' | 'git', path: string, before: string | null, diff: string): string | null {
  const root = join(folder, String(n++))
  const file = join(root, path)
  mkdirSync(before === null ? root : dirname(file), { recursive: true })
  if (before !== null) writeFileSync(file, before)
  const ran = tool === 'patch' ? spawnSync('patch', ['-p1', '--no-backup-if-mismatch', '-s'], { cwd: root, input: diff, encoding: 'utf8' }) : spawnSync('git', ['apply', '--whitespace=nowarn'], { cwd: root, input: diff, encoding: 'utf8', env: { ...process.env, GIT_CEILING_DIRECTORIES: folder } })
  expect(ran.status, `${tool}: ${ran.stdout}${ran.stderr}\n${diff}`).toBe(0)
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

const both = (path: string, before: string | null, after: string | null) => {
  const diff = unifiedDiff(path, before, after)
  expect(applied('patch', path, before, diff)).toBe(after)
  expect(applied('git', path, before, diff)).toBe(after)
}

describe('a diff', () => {
  it('is the one that diff -u writes', () => {
    const before = Array.from({ length: 20 }, (_, at) => `line ${at}\n`).join('')
    const after = before.replace('line 3\n', '').replace('line 12\n', 'line twelve\nand more\n')
    writeFileSync(join(folder, 'a'), before)
    writeFileSync(join(folder, 'b'), after)
    const theirs = spawnSync('diff', ['-u', 'a', 'b'], { cwd: folder, encoding: 'utf8' }).stdout
    expect(unifiedDiff('/x', before, after).split('\n').slice(3)).toEqual(theirs.split('\n').slice(2))
  })

  it.each([
    ['a new file', null, 'a\nb\n'],
    ['a new file without an end', null, 'a'],
    ['a file taken away', 'a\nb\n', null],
    ['an end added', 'a', 'a\n'],
    ['an end taken away', 'a\n', 'a'],
    ['no end on either side', 'a\nb', 'a\nc'],
    ['carriage returns', 'a\r\nb\r\n', 'a\r\nc\r\n'],
    ['filled', '', 'x\n'],
  ] as const)('is understood by patch and by git: %s', (_, before, after) => both('/etc/systemd/system/asr.service.d/50-asr-doctor.conf', before, after))

  it.each(['/etc/with blank/a b.conf', '/etc/quote".conf', '/etc/ümläut.conf', '/etc/foo@\\x2dbar.service.d/x.conf', '/etc/tab\t.conf'])('names %s so that both find it', (path) => both(path, 'a\n', 'b\n'))

  it('of 150 random texts gives the other text back', () => {
    const { whole, pick } = dice(4)
    for (let at = 0; at < 150; at++) {
      const before = Array.from({ length: whole(30) }, () => pick(['a', 'b', 'c', '', '-x', '+y', '@@ -1 +1 @@'])).join('\n') + pick(['', '\n'])
      const lines = before.split('\n')
      for (let edits = whole(6); edits >= 0; edits--) lines.splice(whole(lines.length + 1), whole(3), ...Array.from({ length: whole(3) }, () => pick(['a', 'z', 'new'])))
      const after = lines.join('\n')
      if (before === after) continue
      const diff = unifiedDiff('/f', before, after)
      expect(applied('patch', '/f', before, diff) ?? '', diff).toBe(after)
    }
  })

  it('of a large change is made in no time', () => {
    const before = Array.from({ length: 60_000 }, (_, at) => `${at}\n`).join('')
    const after = Array.from({ length: 60_000 }, (_, at) => `${at + 7}x\n`).join('')
    const start = performance.now()
    both('/f', before, after)
    expect(performance.now() - start).toBeLessThan(5000)
    expect(unifiedDiff('/f', before, before)).toBe('')
  })
})
