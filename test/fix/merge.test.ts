import { describe, expect, it } from 'vitest'
import { assess } from '../../src/assess.ts'
import { diagnose } from '../../src/diagnose.ts'
import { context } from '../../src/facts/context.ts'
import { agreed } from '../../src/fix/agreed.ts'
import { limitOf } from '../../src/fix/edits/limits.ts'
import { plan } from '../../src/fix/plan.ts'
import { chosen } from '../../src/fix/proof.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { replayed } from '../../src/host/replay.ts'
import { defineCheck, question, type Check, type CheckId, type Finding, type Fix, type Outcome } from '../../src/index.ts'
import { allChecks } from '../../src/load.ts'
import { environmentFileOf } from '../../src/systemd/environment-file.ts'
import { assignmentsOf } from '../../src/systemd/unit-file.ts'
import { wordsOf } from '../../src/systemd/words.ts'
import { allCases } from '../support/cases.ts'
import { dropInWish, madeUp, service, siteOf, type MadeUp } from './made-up.ts'
import { dice } from './random.ts'

const FOLDERS = ['/opt/a', '/opt/b', '/usr/local/cuda/lib64', '/srv/x y', '/c']
const ENV_FILE = '/etc/default/asr'

/** What the planned files come down to: of a key with one value the last, of a list its items, of the environment each variable. */
function effect(changes: readonly { readonly target: string; readonly after: string | null }[]): Record<string, unknown> {
  const all: Record<string, unknown> = {}
  for (const { target, after } of changes) {
    if (target === ENV_FILE) for (const { name, value } of environmentFileOf(after!)) all[`file ${name}`] = value
    else {
      for (const { key, value } of assignmentsOf(after!, target)) {
        if (key === 'Environment') for (const word of wordsOf(value).words) all[`env ${word.split('=')[0]}`] = word
        else if (key === 'DeviceAllow') all[key] = [...new Set([...((all[key] as string[] | undefined) ?? []), value])].sort()
        else all[key] = value
      }
    }
  }
  return all
}

describe('several wishes for one thing', () => {
  it('come to the same whatever their order: 300 random plans, each shuffled four times', async () => {
    const { next } = dice(44)
    const some = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!
    const path = () => Array.from({ length: 1 + Math.floor(next() * 3) }, () => some(FOLDERS)).join(':')
    const directive = () => [
      () => service('Environment', `LD_LIBRARY_PATH=${path()}`),
      () => service('Environment', `LD_LIBRARY_PATH=${path()}`, next() < 0.3 ? { replaces: true } : {}),
      () => service('Environment', `PYTHONPATH=${path()}`),
      () => service('CPUQuota', some(['50%', '100%', '200%', '', '200.0%'])),
      () => service('MemoryMax', some(['512M', '1G', '1024M', 'infinity'])),
      () => service('DeviceAllow', some(['/dev/nvidia0 rw', 'char-alsa rw'])),
      () => service('Environment', 'CUDA_CACHE_PATH=/var/cache/asr'),
    ][Math.floor(next() * 7)]!()
    for (let round = 0; round < 300; round++) {
      const of: MadeUp = {
        text: `[Service]\nExecStart=/bin/true\n${next() < 0.5 ? 'Environment="LD_LIBRARY_PATH=/old:/opt/b"\n' : ''}${next() < 0.3 ? `EnvironmentFile=${ENV_FILE}\n` : ''}`,
        files: next() < 0.5 ? { [ENV_FILE]: 'PYTHONPATH=/site\nLD_LIBRARY_PATH="/file dir"\n' } : {},
      }
      const wishes = Array.from({ length: 2 + Math.floor(next() * 4) }, (_, at) => dropInWish([directive(), directive()], { check: `test/w${at}` }))
      const whole = await plan(wishes, siteOf(madeUp(of)))
      expect(whole.refused).toEqual([])
      for (let turn = 0; turn < 4; turn++) {
        const other = wishes.map((wish) => [next(), wish] as const).sort(([a], [b]) => a - b).map(([, wish]) => wish)
        const shuffled = await plan(other, siteOf(madeUp(of)))
        expect(effect(shuffled.changes)).toEqual(effect(whole.changes))
      }
      // No demand is lost: every folder that somebody wanted is there, and no limit is tighter than what was asked for.
      const said = effect(whole.changes)
      for (const { key, value } of wishes.flatMap(({ fix }) => fix.edits.flatMap((edit) => (edit.kind === 'unit-drop-in' ? edit.set : [])))) {
        if (key === 'Environment' && value.startsWith('LD_')) for (const folder of value.slice(16).split(':')) expect(String(said['env LD_LIBRARY_PATH'] ?? said['file LD_LIBRARY_PATH'])).toContain(folder)
        if (key === 'CPUQuota' || key === 'MemoryMax') expect(limitOf(key, String(said[key]))!).toBeGreaterThanOrEqual(limitOf(key, value)!)
      }
    }
  })

  it('of which only one can hold: the first stands, and the plan says which and why', async () => {
    const cache = (folder: string, check: CheckId) => dropInWish([service('Environment', `CUDA_CACHE_PATH=${folder}`)], { check })
    const { rows, refused } = await plan([cache('/a', 'test/one'), cache('/b', 'test/two')], siteOf(madeUp()))
    expect(rows.map(({ wish }) => wish.check)).toEqual(['test/one'])
    expect(refused).toMatchObject([{ wish: { check: 'test/two' }, because: 'test/one already sets CUDA_CACHE_PATH=/a, and both cannot hold.' }])
  })

  it('of which one takes a folder out and another adds one: what is out stays out', async () => {
    const out = dropInWish([service('Environment', 'LD_LIBRARY_PATH=/good', { replaces: true })])
    const add = dropInWish([service('Environment', 'LD_LIBRARY_PATH=/cuda')])
    for (const wishes of [[out, add], [add, out]]) {
      const { changes } = await plan(wishes, siteOf(madeUp({ text: '[Service]\nEnvironment=LD_LIBRARY_PATH=/good:/opt/*/lib\n' })))
      expect(effect(changes)['env LD_LIBRARY_PATH']).toBe('LD_LIBRARY_PATH=/cuda:/good')
    }
  })
})

const found = (cause: string, fixes: readonly Fix[]): Finding => ({ severity: 'error', confidence: 'certain', cause, evidence: [{ source: question.target(), saw: 'x' }], fixes })
const setting = (title: string, value: string): Fix => ({ title, safety: 'safe', edits: [{ kind: 'unit-drop-in', unit: 'asr.service', scope: 'system', set: [service('Environment', value)] }], then: [] })

describe('a fix that brings back what another one cured', () => {
  const docs = { what: 'W.', why: 'W.', remedy: 'R.', links: [] }
  /** The fault is an element of the list; its cure takes it out. */
  const faulty: Check = defineCheck({
    id: 'test/faulty', title: 'T', docs, fixes: 'always', needs: { context },
    run: ({ context: { env } }) => (env.known && (env.value['MODE'] ?? '').includes('bad') ? [found('MODE is bad.', [setting('make it good', 'MODE=good')])] : []),
  }) as Check
  const lacking = (fix: Fix): Check => defineCheck({
    id: 'test/lacking', title: 'T', docs, fixes: 'always', needs: { context },
    run: ({ context: { env } }) => (env.known && env.value['NEEDED'] === '1' ? [] : [found('NEEDED is missing.', [fix])]),
  }) as Check
  const judged = async (checks: readonly Check[], files: Readonly<Record<string, string>> = {}, more: Partial<MadeUp> = {}) => {
    const machine = remembered(madeUp({ text: '[Service]\nExecStart=/bin/true\nEnvironment=MODE=bad\n', running: { MODE: 'bad' }, files, ...more }))
    const host = hostOf(machine)
    return chosen({ machine, checks, before: await diagnose(host, gatherer(host), checks) }, () => true)
  }

  it('is not taken, though the fault was there before and so does not appear', async () => {
    // By another way than the variable's own line, so that the plan alone sees no contradiction.
    const hostile: Fix = { title: 'hostile', safety: 'safe', edits: [{ kind: 'unit-drop-in', unit: 'asr.service', scope: 'system', set: [service('Environment', 'NEEDED=1'), service('UnsetEnvironment', 'NOTHING'), service('EnvironmentFile', '/etc/default/hostile')] }], then: [] }
    const files = { '/etc/default/hostile': 'MODE=bad again\n' }
    const { plan: made, proof, rejected } = await judged([faulty, lacking(hostile)], files)
    expect(made.rows.map(({ wish }) => wish.fix.title)).toEqual(['make it good'])
    expect(proof).toMatchObject({ gone: ['test/faulty'], stays: ['test/lacking'], appears: [] })
    expect(rejected).toMatchObject([{ kind: 'worse', because: expect.stringMatching(/bring back what another fix cures: test\/faulty/) }])
  })

  it('is not taken when it says the faulty value straight out', async () => {
    const hostile: Fix = { title: 'hostile', safety: 'safe', edits: [{ kind: 'unit-drop-in', unit: 'asr.service', scope: 'system', set: [service('Environment', 'NEEDED=1'), service('Environment', 'MODE=bad')] }], then: [] }
    const { plan: made, rejected } = await judged([faulty, lacking(hostile)])
    expect(made.rows.map(({ wish }) => wish.fix.title)).toEqual(['make it good'])
    expect(rejected).toMatchObject([{ kind: 'refused', because: expect.stringMatching(/test\/faulty already sets MODE=good/) }])
  })

  it('and one that is only harmless is taken beside it', async () => {
    const { plan: made, proof } = await judged([faulty, lacking(setting('set it', 'NEEDED=1'))])
    expect(made.rows.map(({ wish }) => wish.fix.title)).toEqual(['make it good', 'set it'])
    expect(proof.gone).toEqual(['test/faulty', 'test/lacking'])
  })
})

describe('what check prints', () => {
  const raise = (value: string): Fix => ({ title: `CPUQuota ${value}`, safety: 'risky', edits: [{ kind: 'unit-drop-in', unit: 'asr.service', scope: 'system', set: [service('CPUQuota', value)] }], then: ['systemctl daemon-reload'] })
  const outcomes = (...all: readonly (readonly [CheckId, Fix])[]) => new Map<CheckId, Outcome>(all.map(([id, fix]) => [id, { status: 'found', findings: [found('It is.', [fix])] }]))
  const fixOf = (all: ReadonlyMap<CheckId, Outcome>, id: CheckId): Fix => {
    const outcome = all.get(id)
    return outcome?.status === 'found' ? outcome.findings[0]!.fixes[0]! : expect.fail(id)
  }
  const valueOf = (fix: Fix) => fix.edits.flatMap((edit) => (edit.kind === 'unit-drop-in' ? edit.set.map(({ value }) => value) : []))

  it('names the larger of two limits in both findings, and says who asks for it', () => {
    for (const all of [outcomes(['test/a', raise('100%')], ['test/b', raise('200%')]), outcomes(['test/b', raise('200%')], ['test/a', raise('100%')])]) {
      const merged = agreed(all)
      expect(valueOf(fixOf(merged, 'test/a'))).toEqual(['200%'])
      expect(fixOf(merged, 'test/a').then).toEqual(['CPUQuota=200% and not 100%, because test/b asks for more.', 'systemctl daemon-reload'])
      expect(fixOf(merged, 'test/b')).toEqual(raise('200%'))
    }
  })

  it('tells the whole list beside each part of it', () => {
    const merged = agreed(outcomes(['test/a', setting('a', 'LD_LIBRARY_PATH=/a')], ['test/b', setting('b', 'LD_LIBRARY_PATH=/b')]))
    expect(fixOf(merged, 'test/a').then).toEqual(['Together with what test/b adds: LD_LIBRARY_PATH=/a:/b'])
    expect(fixOf(merged, 'test/b').then).toEqual(['Together with what test/a adds: LD_LIBRARY_PATH=/a:/b'])
  })

  it('leaves alone what agrees', () => {
    const same = outcomes(['test/a', raise('200%')], ['test/b', raise('200%')])
    expect(agreed(same)).toBe(same)
  })

  it.each(allCases())('proposes one value for each limit: $name', async ({ machine }) => {
    const report = await assess(hostOf(replayed(machine.answers)), { checks: allChecks(), allowed: new Set(), failOn: 'warning' })
    const values = new Map<string, Set<string>>()
    for (const outcome of report.outcomes.values()) {
      for (const edit of outcome.status === 'found' ? outcome.findings.flatMap(({ fixes }) => fixes.flatMap(({ edits }) => edits)) : []) {
        if (edit.kind === 'unit-drop-in') for (const { key, value } of edit.set) if (limitOf(key, value) !== null && /^(CPUQuota|Memory)/.test(key)) values.set(key, (values.get(key) ?? new Set()).add(value))
      }
    }
    for (const [key, all] of values) expect([...all], key).toHaveLength(1)
  })
})
