import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { defineCheck, type Check, type Fix } from '../../src/index.ts'
import { diagnose } from '../../src/diagnose.ts'
import { context } from '../../src/facts/context.ts'
import { vetted } from '../../src/fix/vetted.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { question } from '../../src/question.ts'
import { describeWith } from '../support/rig.ts'
import { madeUp, service, type MadeUp } from './made-up.ts'

const fixOf = (title: string, set: readonly (readonly [string, string])[], scope: 'system' | 'user' = 'system'): Fix => ({
  title, safety: 'safe', edits: [{ kind: 'unit-drop-in', unit: 'asr.service', scope, set: set.map(([key, value]) => service(key, value)) }], then: [],
})

/** Found while A is not 1. */
const wants = (fixes: readonly Fix[]): Check<any> =>
  defineCheck({
    id: 'test/a', title: 'T', docs: { what: 'W.', why: 'W.', remedy: 'R.', links: [] }, fixes: 'always', needs: { context },
    run: ({ context: { env } }) => (env.known && env.value['A'] === '1' ? [] : [{ severity: 'error', confidence: 'certain', cause: 'A is missing.', evidence: [{ source: question.target(), saw: 'x' }], fixes }]),
  })

async function vet(of: MadeUp, fixes: readonly Fix[]) {
  const machine = remembered(madeUp({ running: { PATH: '/usr/bin:/bin' }, ...of }))
  const host = hostOf(machine)
  const checks = [wants(fixes)]
  const { offer, unverified } = await vetted({ machine, checks, before: await diagnose(host, gatherer(host), checks) }, { named: new Set(), writers: new Set(['unit']) }, 10)
  return { titles: offer.main.rows.map(({ wish }) => wish.fix.title), rejected: offer.rejected.map(({ wish, kind, because }) => `${wish.fix.title}: ${kind}: ${because}`), changes: offer.main.changes, unverified }
}

const nonsense = fixOf('bad', [['Environment', 'A=1'], ['CPUQuota', 'half']])

describeWith('systemd-analyze', existsSync('/usr/bin/systemd-analyze') ? null : 'systemd-analyze is missing: apt-get install systemd', () => {
  const PATH = process.env['PATH']
  const runtime = process.env['XDG_RUNTIME_DIR']
  afterEach(() => {
    process.env['PATH'] = PATH
    if (runtime !== undefined) process.env['XDG_RUNTIME_DIR'] = runtime
  })

  it.each(['system', 'user'] as const)('what it newly complains of is not offered, and the next fix is: %s unit', async (scope) => {
    // As root by sudo has it.
    delete process.env['XDG_RUNTIME_DIR']
    const bad = { ...nonsense, edits: fixOf('', [['Environment', 'A=1'], ['CPUQuota', 'half']], scope).edits }
    const of: MadeUp = scope === 'user' ? { scope, caller: { uid: 1500, home: '/home/asr' }, managerUid: 1500 } : {}
    const seen = await vet(of, [bad, fixOf('good', [['Environment', 'A=1']], scope)])
    expect(seen.rejected).toEqual([])
    expect(seen.titles).toEqual(['good'])
    expect(seen.unverified).toBeNull()
    const alone = await vet(of, [bad])
    expect(alone.titles).toEqual([])
    expect(alone.rejected).toEqual([expect.stringMatching(/^bad: worse: systemd-analyze verify says: .*asr\.service\.d\/50-asr-doctor\.conf: ?Invalid CPU quota 'half'/)])
  })

  it('what it complained of before is no reason', async () => {
    expect((await vet({ text: '[Service]\nExecStart=/bin/true\nBogus=1\n' }, [fixOf('good', [['Environment', 'A=1']])])).titles).toEqual(['good'])
  })

  it('an EnvironmentFile that is called like a drop-in is not read as one', async () => {
    const seen = await vet({ text: '[Service]\nExecStart=/bin/true\nEnvironmentFile=/etc/asr.conf\n', files: { '/etc/asr.conf': 'A=0\n' } }, [fixOf('good', [['Environment', 'A=1'], ['CPUQuota', '200%']])])
    expect(seen.rejected).toEqual([])
    expect(seen.changes.map(({ target }) => target).sort()).toEqual(['/etc/asr.conf', '/etc/systemd/system/asr.service.d/50-asr-doctor.conf'])
  })

  it('where it cannot be asked, that is said', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'asr-doctor-vetted-'))
    try {
      process.env['PATH'] = empty
      const seen = await vet({}, [nonsense])
      expect(seen.titles).toEqual(['bad'])
      expect(seen.unverified).toMatch(/^systemd-analyze verify could not be asked of asr\.service: .+\. The text is not verified by it\.$/)
      // Nothing is to be verified where no unit text changes.
      expect((await vet({ text: '[Service]\nExecStart=/bin/true\nEnvironmentFile=/etc/asr.conf\n', files: { '/etc/asr.conf': 'A=0\n' } }, [fixOf('good', [['Environment', 'A=1']])])).unverified).toBeNull()
    } finally {
      rmSync(empty, { recursive: true })
    }
  })
})
