import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import namespaceFileIdiom from '../../checks/python/namespace-file-idiom.ts'
import { diagnose } from '../../src/diagnose.ts'
import { formats } from '../../src/fix/formats.ts'
import { offerOf, type Offer } from '../../src/fix/offer.ts'
import { fixText } from '../../src/fix/report.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered, type Ask } from '../../src/host/host.ts'
import { realMachine } from '../../src/host/real.ts'
import { defineCheck, type Check, type Fix } from '../../src/index.ts'
import { question } from '../../src/question.ts'
import { wheel } from '../support/wheels.ts'
import { madeUp } from './made-up.ts'

async function offered(machine: Ask, check: Check<any>): Promise<Offer> {
  const ask = remembered(machine)
  const host = hostOf(ask)
  return offerOf({ machine: ask, checks: [check], before: await diagnose(host, gatherer(host), [check]) }, { named: new Set(), writers: null, barred: new Set() })
}

const told = (offer: Offer) => fixText({ target: { kind: 'shell' }, pid: null, offer, steps: [], advice: [], found: true, unseen: null, notes: [], written: [], runId: null, call: null }, { width: 100, colour: false }).replace(/\s+/g, ' ')

it('a line of a source that is read as a file is proven like any other change', async () => {
  const file = '/opt/asr/server.py'
  const check = defineCheck({
    id: 'test/line', title: 'T', docs: { what: 'W.', why: 'W.', remedy: 'R.', links: [] }, fixes: 'always', needs: { text: { id: 'text', about: 'a', gather: (host) => host.read(file) } },
    run: ({ text }) => ((text ?? '').includes('bad') ? [{ severity: 'error', confidence: 'certain', cause: 'It is bad.', evidence: [{ source: question.target(), saw: 'x' }], fixes: [{ title: 'Mend it', safety: 'risky', edits: [{ kind: 'line', file, line: 1, before: 'bad()', after: after.shift()! }], then: [] } satisfies Fix] }] : []),
  })
  const after = ['good()', 'bad_again()', 'bad_again()']
  const good = await offered(madeUp({ files: { [file]: 'bad()\n' } }), check)
  expect(good.shown.map(({ proven }) => proven)).toEqual([true])
  expect(told(good)).toContain('It is proven as well')
  const bad = await offered(madeUp({ files: { [file]: 'bad()\n' } }), check)
  expect(bad.shown.map(({ proven }) => proven)).toEqual([false])
  expect(told(bad)).toContain('It is not proven')
})

it('the line of a real program that asks a genuine wheel for __file__ is graded as not proven, and is right once it is made', async () => {
  const root = mkdtempSync(join(tmpdir(), 'asr-doctor-source-'))
  try {
    const site = wheel('nvidia-cublas-cu12', '12.9.1.4', '(^nvidia/cublas/lib/libcublas\\.so\\.12$|\\.dist-info/)')
    execFileSync('python3', ['-m', 'venv', '--without-pip', join(root, 'venv')], { timeout: 120_000 })
    const python = join(root, 'venv/bin/python')
    const packages = execFileSync(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], { encoding: 'utf8' }).trim()
    writeFileSync(join(packages, 'parts.pth'), `${site}\n`)
    mkdirSync(join(root, 'app'))
    const program = join(root, 'app/server.py')
    writeFileSync(program, 'import os, sys, time\nimport nvidia.cublas\nif len(sys.argv) > 1:\n    print(os.path.dirname(nvidia.cublas.__file__))\ntime.sleep(100)\n')
    const judged = async (): Promise<Offer> => {
      const child = spawn(python, [program], { cwd: root, stdio: 'ignore' })
      try {
        await expect.poll(() => execFileSync('tr', ['\\0', ' '], { input: readFileSync(`/proc/${child.pid}/cmdline`) }).toString(), { timeout: 10_000 }).toContain('server.py')
        return await offered(realMachine({ kind: 'pid', pid: child.pid! }, Date.now() + 30_000), namespaceFileIdiom)
      } finally {
        child.kill('SIGKILL')
      }
    }
    const offer = await judged()
    expect(offer.shown.map(({ proven, changes }) => [proven, changes.map(({ target }) => target)])).toEqual([[false, [program]]])
    expect(told(offer)).toContain('It is not proven: sources are looked through on the disk')
    // Made by hand, as the patch says, the line is right: the check has nothing more to offer, and the program runs.
    execFileSync('patch', ['-p1', '-s', '-d', '/'], { input: formats.patch({ changes: offer.shown.flatMap(({ changes }) => changes), steps: [] }) })
    expect((await judged()).shown).toEqual([])
    expect(spawnSync('timeout', ['2', python, '-u', program, 'tell'], { encoding: 'utf8' }).stdout.trim()).toBe(join(site, 'nvidia/cublas'))
  } finally {
    rmSync(root, { recursive: true })
  }
}, 60_000)
