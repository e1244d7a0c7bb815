import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { asked, canAsk } from '../../src/fix/ask.ts'
import type { Io } from '../../src/io.ts'
import { call } from '../support/call.ts'

const state = mkdtempSync(join(tmpdir(), 'asr-doctor-calls-'))
afterAll(() => rmSync(state, { recursive: true }))

describe('asr-doctor fix', () => {
  it.each([
    [['fix', '--undo', '--write-unit'], /--undo takes back and writes nothing new/],
    [['fix', '--undo', '--fix', 'cgroup/cpu-quota-low'], /--undo takes back/],
    [['fix', '--output', 'x', '--apply'], /--output keeps the change in a file.*choose one/],
    [['fix', '--format', 'sh', '--write-path'], /--format is for showing or keeping/],
    [['fix', '--format', 'sh', '--json'], /both want the standard output/],
    [['fix', '--restart'], /--restart goes with --write-unit, --apply or --undo/],
    [['fix', '--format', 'yaml'], /patch, sh, ansible, dockerfile, nix/],
    [['fix', '--fix', 'cgroup/cpu-quota-lo'], /Did you mean cgroup\/cpu-quota-low/],
    [['fix', '--unit', 'a', '--pid', '1'], /exclude each other/],
    [['fix', '--undo', 'no-such-run', '--yes'], /there is no such run/],
  ])('%j is a wrong call: one line, exit 2', async (argv, words) => {
    const { code, out, err } = await call(argv, { env: { HOME: state, XDG_STATE_HOME: state } })
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(words)
    expect(err.trim().split('\n')).toHaveLength(1)
  })

  it('shows its help', async () => {
    const { code, out } = await call(['fix', '--help'])
    expect(code).toBe(0)
    for (const option of ['--write-unit', '--write-path', '--apply', '--fix', '--yes', '--restart', '--undo', '--output', '--format', '--json']) expect(out).toContain(option)
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('has a schema for its JSON, in the package', () => {
    expect(JSON.parse(readFileSync(new URL('../../schema/fix-1.json', import.meta.url), 'utf8'))).toMatchObject({ required: ['schemaVersion', 'target', 'changes', 'proof', 'written', 'runId'] })
  })
})

describe('a question on a terminal', () => {
  const io = (text: string, terminal = true) => {
    let shown = ''
    const sink = { write: (words: string) => void (shown += words), isTTY: terminal }
    return { io: { stdin: Object.assign(Readable.from(text === '' ? [] : [text]), { isTTY: terminal }), stdout: sink, stderr: sink, env: {}, cwd: '/' } as Io, shown: () => shown }
  }

  it.each([['y\n', true], ['YES\n', true], [' yes \n', true], ['n\n', false], ['\n', false], ['', false], ['yikes\n', false]])('%j means %s', async (typed, yes) => {
    const world = io(typed)
    expect(await asked(world.io, 'Write it?')).toBe(yes)
    expect(world.shown()).toBe('Write it? [y/N] ')
  })

  it('is put to nobody in a pipe', () => {
    expect(canAsk(io('y\n').io)).toBe(true)
    expect(canAsk(io('y\n', false).io)).toBe(false)
  })
})
