import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { call } from '../support/call.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, text: string | Buffer = '') => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const CASE = '# T\n\n## target\n\n```json\n{"kind":"shell"}\n```\n'
symlinkSync('nowhere', join(folder, 'dangling'))

describe('a wrong call is one clear line and exit code 2', () => {
  it.each<[string, string[], RegExp]>([
    ['an unknown option', ['check', '--jsn'], /--jsn.*--json/],
    ['an unknown command', ['chekc'], /chekc.*check/],
    ['a unit given without its option', ['my-asr.service'], /--unit my-asr\.service/],
    ['an option without its value', ['check', '--unit'], /--unit/],
    ['a pid that is no number', ['check', '--pid', 'abc'], /"abc".*whole number/],
    ['a negative pid', ['check', '--pid', '-5'], /-5/],
    ['a pid with a fraction', ['check', '--pid', '1.5'], /whole number/],
    ['a pid nobody has', ['check', '--pid', '4194999'], /no process 4194999/],
    ['pid 0', ['check', '--pid', '0'], /whole number/],
    ['a unit name with a slash', ['check', '--unit', '../../etc/passwd'], /no unit name/],
    ['a unit name with a pattern', ['check', '--unit', '*'], /no unit name/],
    ['a unit name that is an option', ['check', '--unit', '--help-me'], /--help-me/],
    ['a unit name with a newline', ['check', '--unit', 'a\nb'], /no unit name/],
    ['an empty unit name', ['check', '--unit', ''], /unit/],
    ['a timer', ['check', '--unit', 'x.timer'], /only services/],
    ['a template', ['check', '--unit', 'asr@.service'], /instance.*asr@1\.service/],
    ['--user without a unit', ['check', '--user'], /--unit/],
    ['--user with --system', ['check', '--unit', 'x', '--user', '--system'], /exclude/],
    ['two targets', ['check', '--pid', '1', '--library', '/x'], /--pid and --library exclude/],
    ['--replay with a target', ['check', '--replay', 'x', '--pid', '1'], /leave the other target out/],
    ['--all with a target', ['check', '--all', '--pid', '1'], /leave the other target out/],
    ['--verbose with --quiet', ['check', '--verbose', '--quiet'], /exclude/],
    ['a library that is absent', ['check', '--library', '/no/such.so'], /no such file/],
    ['a library that is text', ['check', '--library', file('text.so', 'hello, this is no shared object at all, only a text of some length\n')], /not an ELF/],
    ['a library that is empty', ['check', '--library', file('empty.so')], /empty/],
    ['a library that is a Git LFS pointer', ['check', '--library', file('lfs.so', 'version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n')], /LFS pointer.*git lfs pull/],
    ['a library that is a folder', ['check', '--library', folder], /not a regular file/],
    ['a python that is absent', ['check', '--python', '/no/such/python'], /no such file/],
    ['a python that is not executable', ['check', '--python', file('python', '')], /not an executable/],
    ['a python that dangles', ['check', '--python', join(folder, 'dangling')], /no such file/],
    ['a case that is absent', ['check', '--replay', '/no/such.md'], /no such file.*record/],
    ['a case that is no case', ['check', '--replay', file('plain.md', 'Hello')], /not a case/],
    ['a case that is a folder', ['check', '--replay', folder], /no case file/],
    ['a case cut short', ['check', '--replay', file('cut.md', `${CASE}\n## read /x\n\n\`\`\`text\nhal`)], /cut short/],
    ['an unknown check in --only', ['check', '--only', 'cuda/libraries-hiden'], /Did you mean cuda\/libraries-hidden/],
    ['an unknown family in --skip', ['check', '--skip', 'cudaa'], /Did you mean cuda/],
    ['an unknown check in --allow', ['check', '--allow', 'nonsense'], /asr-doctor list/],
    ['a selection that leaves nothing', ['check', '--only', 'cuda', '--skip', 'cuda'], /leave no check/],
    ['an unknown severity', ['check', '--fail-on', 'fatal'], /fatal.*error, warning, info, never/],
    ['a time limit that is no number', ['check', '--timeout', 'soon'], /seconds/],
    ['a time limit of nothing', ['check', '--timeout', '0'], /above 0/],
    ['explain without a check', ['explain'], /id/],
    ['explain of an unknown check', ['explain', 'cuda/libraries-hiden'], /Did you mean cuda\/libraries-hidden/],
    ['explain of a family', ['explain', 'cuda'], /family.*cuda\/libraries-hidden/],
    ['completion of an unknown shell', ['completion', 'tcsh'], /bash, zsh, fish/],
    ['record to a file that exists', ['record', '--output', file('mine.md', 'precious')], /exists and is left/],
    ['record to a folder that does not exist', ['record', '--output', join(folder, 'no', 'x.md')], /ENOENT/],
  ])('%s', async (_, argv, words) => {
    const { code, out, err } = await call(argv)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(/^asr-doctor: [^\n]+\n$/)
    expect(err).toMatch(words)
    expect(err).not.toMatch(/\bat .*\.ts:\d+|Error:/)
  })

  it('leaves an existing file as it was', async () => {
    const { readFileSync } = await import('node:fs')
    expect(readFileSync(join(folder, 'mine.md'), 'utf8')).toBe('precious')
  })
})
