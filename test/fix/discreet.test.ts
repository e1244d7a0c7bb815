import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { keep } from '../../src/actions/fix-keep.ts'
import type { Work } from '../../src/actions/fix-work.ts'
import { diagnose } from '../../src/diagnose.ts'
import { handedOn, shownDiff } from '../../src/fix/discreet.ts'
import { offerOf } from '../../src/fix/offer.ts'
import { fixJson, fixText, type Told } from '../../src/fix/report.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { defineCheck } from '../../src/index.ts'
import { question } from '../../src/question.ts'
import { madeUp } from './made-up.ts'

const root = mkdtempSync(join(tmpdir(), 'asr-doctor-discreet-'))
afterAll(() => rmSync(root, { recursive: true }))

const KEY = 'hf_abcdefghijklmnopqrstuv'
const LINES = ['LANG=C', 'DB_URL=postgres://bob:pw@db/x', 'A=1', 'LD_LIBRARY_PATH=/old', 'B=2', `HFTOK=${KEY}`, 'ADMIN_PASSWORD=plainsecretA1', '']
const text = (lines: readonly string[]) => lines.join('\n')
const changed = (lines: readonly string[]) => text(lines).replace('/old', '/opt/cuda/lib64')

/** Both tools, on a file that lies where the diff says. */
function applied(diff: string, before: string): readonly string[] {
  return [['patch', '-p1', '--quiet'], ['git', 'apply', '-']].map(([program, ...args], at) => {
    const place = join(root, `${Math.random()}-${at}`)
    mkdirSync(join(place, 'etc'), { recursive: true })
    writeFileSync(join(place, 'etc/asr.env'), before)
    const ran = spawnSync(program!, args, { cwd: place, input: diff, encoding: 'utf8', env: { ...process.env, GIT_CEILING_DIRECTORIES: root } })
    expect(ran.status, ran.stderr).toBe(0)
    return readFileSync(join(place, 'etc/asr.env'), 'utf8')
  })
}

describe('a diff', () => {
  it('leaves lines with secrets out where it need not carry them, and applies', () => {
    const diff = handedOn({ target: '/etc/asr.env', before: text(LINES), after: changed(LINES) })
    expect(diff).toContain('@@ -3,3 +3,3 @@\n A=1\n-LD_LIBRARY_PATH=/old\n+LD_LIBRARY_PATH=/opt/cuda/lib64\n B=2\n')
    expect(diff).not.toMatch(/hf_|pw@|plainsecret/)
    expect(applied(diff, text(LINES))).toEqual([changed(LINES), changed(LINES)])
  })

  it('is exact where they stand beside the change, and says <secret> only where it is shown', () => {
    const near = LINES.filter((line) => !/^[AB]=/.test(line))
    const change = { target: '/etc/asr.env', before: text(near), after: changed(near) }
    expect(applied(handedOn(change), text(near))).toEqual([changed(near), changed(near)])
    expect(shownDiff(change)).toContain(' DB_URL=postgres://bob:<secret>@db/x\n-LD_LIBRARY_PATH=/old\n+LD_LIBRARY_PATH=/opt/cuda/lib64\n HFTOK=<secret>\n ADMIN_PASSWORD=<secret>\n')
  })
})

const FILE = '/root/.bashrc'
async function work(options: object, isTTY: boolean) {
  const near = `export HFTOK=${KEY}\nexport OPENAI_API_KEY=plainsecretA1\n`
  const check = defineCheck({
    id: 'test/shell', title: 'T', docs: { what: 'W.', why: 'W.', remedy: 'R.', links: [] }, fixes: 'always', needs: { text: { id: 'text', about: 'a', gather: (host) => host.read(FILE) } },
    run: ({ text: now }) => ((now ?? '').includes('ASR_TEST') ? [] : [{ severity: 'error', confidence: 'certain', cause: 'It is bad.', evidence: [{ source: question.target(), saw: 'x' }], fixes: [{ title: `Mend it, for OPENAI_API_KEY=plainsecretA1 ${KEY}`, safety: 'safe', edits: [{ kind: 'shell-profile', set: { ASR_TEST: '1' } }], then: [] }] }]),
  })
  const machine = remembered(madeUp({ files: { [FILE]: near } }))
  const host = hostOf(machine)
  const judging = { machine, checks: [check], before: await diagnose(host, gatherer(host), [check]) }
  const offer = await offerOf(judging, { named: new Set(), writers: null, barred: new Set() })
  expect(offer.proof.gone).toEqual(['test/shell'])
  const told: Told = { target: { kind: 'shell' }, pid: null, offer, steps: [], advice: [], found: true, unseen: null, notes: [], written: [], runId: null, call: null }
  const said = { out: '', err: '' }
  const io = { cwd: root, env: {}, stdout: { isTTY, write: (words: string) => (said.out += words) }, stderr: { write: (words: string) => (said.err += words) } }
  return { told, said, work: { options, io, judging, offer, steps: [], beside: [], told: () => told } as unknown as Work }
}

describe('what fix prints', () => {
  it.each([['text', (told: Told) => fixText(told, { width: 100, colour: false })], ['JSON', fixJson]])('holds no secret as %s', async (_, print) => {
    const shown = print((await work({}, false)).told)
    expect(shown).toMatch(/HFTOK=<secret>.*OPENAI_API_KEY=<secret>/s)
    expect(shown).toMatch(/ASR_TEST/)
    expect(shown).not.toMatch(/hf_abc|plainsecret/)
  })

  it.each(['sh', 'ansible', 'patch'])('is not put on a terminal as %s, and elsewhere to the letter with a word on it', async (format) => {
    const seen = await work({ format }, true)
    await expect(keep(seen.work)).rejects.toThrow(`--format ${format}: it holds values of the files that look secret, so it is not printed on a terminal. Keep it with --output FILE, which only you can read.`)
    expect(seen.said).toEqual({ out: '', err: '' })
    const piped = await work({ format }, false)
    expect(await keep(piped.work)).toBe(1)
    expect(piped.said.out).toContain('OPENAI_API_KEY=plainsecretA1')
    expect(piped.said.err).toBe('It holds values of the files that look secret, to the letter.\n')
    const file = await work({ format, output: `kept.${format}` }, true)
    expect(await keep(file.work)).toBe(1)
    expect(file.said.err).toContain('It holds values of the files that look secret, to the letter; only you can read it.\n')
    expect(statSync(join(root, `kept.${format}`)).mode & 0o777).toBe(0o600)
  })
})
