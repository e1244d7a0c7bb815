import { describe, expect, it } from 'vitest'
import { caseOf, caseText, NotACase, type Case } from '../../src/host/case.ts'
import { hostOf } from '../../src/host/host.ts'
import { NotRecorded, replayed, type Answer } from '../../src/host/replay.ts'

const machine = (answers: [string, Answer][]): Case => ({
  title: 'A machine', story: 'Its story.', expect: ['error cuda/libraries-hidden'], removed: ['secret → <secret-1>'],
  answers: new Map<string, Answer>([['target', { value: { kind: 'shell' } }], ...answers]),
})

describe('a case file', () => {
  it.each<[string, Answer]>([
    ['read /plain', { value: 'a line\nanother\n' }],
    ['read /no-newline', { value: 'cut' }],
    ['read /only-newline', { value: '\n' }],
    ['read /empty', { value: '' }],
    ['read /fences', { value: 'text\n```\n## run nothing\n````\n' }],
    ['read /nul', { value: 'A=1\0B=2\0' }],
    ['read /colour', { value: '\u001b[31mred\u001b[0m\n' }],
    ['read /windows', { value: 'a\r\nb\r\n' }],
    ['read /separators', { value: 'a\u2028b\u0085c\n' }],
    ['read "/with blank"', { value: 'x\n' }],
    ['read /absent', { value: null }],
    ['read /forbidden', { because: '/forbidden may not be read by this user.', how: 'Run the same command as root (sudo).' }],
    ['read /forbidden2', { because: 'No.', how: null }],
    ['stat /x', { value: { type: 'file', mode: 420, uid: 0, gid: 0, sizeBytes: 3, mtimeMs: 1.5, device: null } }],
    ['list /empty', { value: [] }],
    ['run nvidia-smi -q -x', { value: { code: 9, signal: null, stdout: 'NVIDIA-SMI has failed\n', stderr: '' } }],
    ['run quiet', { value: { code: 0, signal: null, stdout: '', stderr: '' } }],
    ['run loud', { value: { code: 0, signal: null, stdout: 'out', stderr: 'err\n' } }],
    ['run stderr-only', { value: { code: 1, signal: null, stdout: '', stderr: 'failed\n' } }],
    ['run killed', { value: { code: null, signal: 'SIGKILL', stdout: '\0', stderr: '\u001b' } }],
    ['run nothing-there', { value: null }],
  ])('gives back the answer to %s as it was', (key, answer) => {
    expect(caseOf(caseText(machine([[key, answer]]))).answers.get(key)).toEqual(answer)
  })

  it('keeps title, story, expectation and the list of what was removed', () => {
    const again = caseOf(caseText(machine([])))
    expect(again).toMatchObject({ title: 'A machine', story: 'Its story.', expect: ['error cuda/libraries-hidden'], removed: ['secret → <secret-1>'] })
  })

  it.each([
    ['', 'no title'],
    ['just text', 'no title'],
    ['# Title\n', '## target'],
    ['# Title\n\n## target\n\n```json\n{"kind"\n```\n', 'not JSON'],
    ['# Title\n\n## target\n\n```json\n{"kind":"shell"}\n', 'cut short'],
    ['# Title\n\n## sing a song\n', 'no question'],
    ['# Title\n\n## target\n\n', 'no answer'],
    ['# T\n\n## target\n\n```json\n{"kind":"shell"}\n```\n\n## read /x\n\nabsent\n\n## read /x\n\nabsent\n', 'twice'],
    ['# T\n\n## target\n\n```json\n{"kind":"shell"}\n```\n\n## run x\n\nwent away\n', 'how the program ended'],
  ])('refuses %j', (text, words) => {
    expect(() => caseOf(text)).toThrow(NotACase)
    expect(() => caseOf(text)).toThrow(words)
  })

  it('never guesses an answer nobody recorded', async () => {
    const host = hostOf(replayed(machine([]).answers))
    await expect(host.read('/etc/passwd')).rejects.toThrow(NotRecorded)
  })
})
