import { describe, expect, it } from 'vitest'
import { diagnose } from '../../src/diagnose.ts'
import { leftOutWords, strayWords } from '../../src/fix/left-out.ts'
import { offerOf } from '../../src/fix/offer.ts'
import type { Writer } from '../../src/fix/draft.ts'
import { unseenWords } from '../../src/fix/unseen.ts'
import { unitState } from '../../src/facts/unit-state.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { defineCheck, type Check, type CheckId, type Edit, type Fix, type Verdict } from '../../src/index.ts'
import { question } from '../../src/question.ts'
import { madeUp, service } from './made-up.ts'

const docs = { what: 'W.', why: 'W.', remedy: 'R.', links: [] }
const found = (cause: string, fixes: readonly Fix[]): Verdict => [{ severity: 'error', confidence: 'certain', cause, evidence: [{ source: question.target(), saw: 'x' }], fixes }]
const unit = (value: string): Edit => ({ kind: 'unit-drop-in', unit: 'asr.service', scope: 'system', set: [service('Nice', value)] })
const fix = (safety: Fix['safety'], ...edits: readonly Edit[]): Fix => ({ title: `${safety} ${edits.map(({ kind }) => kind).join(' ')}`, safety, edits, then: [] })

/** Found until its file, or the unit's drop-in, says so. */
const until = (id: CheckId, file: string, good: string, ...fixes: readonly Fix[]): Check<any> =>
  defineCheck({ id, title: 'T', docs, fixes: 'always', needs: { text: { id: `text of ${file}`, about: 'a', gather: (host) => host.read(file) } }, run: ({ text }) => ((text ?? '').includes(good) ? [] : found(`${file} lacks ${good}.`, fixes)) })
const DROP_IN = '/etc/systemd/system/asr.service.d/50-asr-doctor.conf'
const SOURCE = '/opt/asr/server.py'
const line = (at: number, before: string): Edit => ({ kind: 'line', file: SOURCE, line: at, before, after: `good${at}` })

const QUOTA = until('test/quota', DROP_IN, 'Nice=1', fix('risky', unit('1')))
const SHELL = until('test/shell', '/root/.bashrc', 'ASR_TEST', fix('safe', { kind: 'shell-profile', set: { ASR_TEST: '1' } }))
const RISKY_LINE = until('test/risky-line', SOURCE, 'good1', fix('risky', line(1, 'bad1')))
const SAFE_LINE = until('test/safe-line', SOURCE, 'good2', fix('safe', line(2, 'bad2')))
const NO_FIX = until('test/no-fix', '/never', 'x', fix('manual'))
const HEALTHY = until('test/healthy', SOURCE, 'bad')
const DARK = defineCheck({ id: 'test/dark', title: 'T', docs, fixes: 'never', needs: { unit: unitState }, run: () => ({ status: 'unknown', because: 'It is dark.', how: null }) })

async function offered(checks: readonly Check<any>[], writers: readonly Writer[] | null, ...named: readonly CheckId[]) {
  const ask = remembered(madeUp({ files: { [SOURCE]: 'bad1\nbad2\n', '/root/.bashrc': '' } }))
  const host = hostOf(ask)
  const before = await diagnose(host, gatherer(host), checks)
  return { before, offer: await offerOf({ machine: ask, checks, before }, { named: new Set(named), writers: writers === null ? null : new Set(writers), barred: new Set() }) }
}

describe('what a call leaves out', () => {
  it('is proven, named with the words that ask for it, and neither written nor shown as written', async () => {
    const { offer } = await offered([QUOTA, SHELL], ['unit'])
    expect(offer.main.rows).toEqual([])
    expect(offer.risky).toEqual([])
    expect(offer.proof.gone).toEqual([])
    expect(leftOutWords(offer.leftOut, new Set(['unit']))).toEqual(['1 risky fix left out; name it with --fix test/quota.', '1 safe fix left out; add --write-path.'])
  })

  it('is nothing once it is named, and both switches with --fix where both are wanting', async () => {
    const named = await offered([QUOTA], ['unit'], 'test/quota')
    expect(named.offer.main.rows.map(({ wish }) => wish.check)).toEqual(['test/quota'])
    expect(named.offer.leftOut).toEqual([])
    const { offer } = await offered([QUOTA], ['path'])
    expect(leftOutWords(offer.leftOut, new Set(['path']))).toEqual(['1 risky fix left out; name it with --write-unit --fix test/quota.'])
  })

  it('is told once for several', async () => {
    const { offer } = await offered([QUOTA, until('test/other', DROP_IN, 'OOMScoreAdjust=1', fix('risky', { kind: 'unit-drop-in', unit: 'asr.service', scope: 'system', set: [service('OOMScoreAdjust', '1')] }))], ['unit'])
    expect(leftOutWords(offer.leftOut, new Set(['unit']))).toEqual(['2 risky fixes left out; name them with --fix test/quota --fix test/other.'])
  })

  it('is left out of what is shown too where others are named, so that the proof is of what is shown', async () => {
    const { offer } = await offered([QUOTA, SHELL], null, 'test/shell')
    expect(offer.main.rows.map(({ wish }) => wish.check)).toEqual(['test/shell'])
    expect([offer.risky, offer.proof.gone, offer.leftOut.map(({ wish }) => wish.check)]).toEqual([[], ['test/shell'], ['test/quota']])
    const whole = await offered([QUOTA, SHELL], null)
    expect([whole.offer.risky.map(({ wish }) => wish.check), whole.offer.proof.gone]).toEqual([['test/quota'], ['test/quota', 'test/shell']])
  })

  it('may be a line of a source that is safe or risky; the safe one’s diff does without the risky one', async () => {
    const { offer } = await offered([RISKY_LINE, SAFE_LINE], ['unit', 'path'])
    expect(offer.shown.map(({ wish, meant }) => [wish.check, meant])).toEqual([['test/safe-line', true], ['test/risky-line', false]])
    expect(offer.shown[0]!.changes).toMatchObject([{ before: 'bad1\nbad2\n', after: 'bad1\ngood2\n' }])
    expect(leftOutWords(offer.shown.filter(({ meant }) => !meant), new Set(['unit', 'path']))).toEqual(['1 risky fix left out; name it with --fix test/risky-line.'])
    const named = await offered([RISKY_LINE, SAFE_LINE], ['unit', 'path'], 'test/risky-line')
    expect(named.offer.shown.map(({ meant }) => meant)).toEqual([true, true])
  })
})

it('says of a check that was named in vain why', async () => {
  const { before, offer } = await offered([QUOTA, NO_FIX, HEALTHY, DARK], ['unit'])
  const words = (...ids: readonly CheckId[]) => strayWords(new Map([['NAME', new Set(ids)]]), before, offer)
  expect(words('test/no-fix')).toEqual(['--fix NAME: it was found, and has no fix that can be written.'])
  expect(words('test/healthy')).toEqual(['--fix NAME: there is no such fault here.'])
  expect(words('test/dark')).toEqual(['--fix NAME: whether there is such a fault could not be seen here.'])
  expect(words('test/quota', 'test/healthy')).toEqual([])
})

describe('what could not be seen', () => {
  const blind = (because: string, how: string | null) => ({ status: 'unknown', because, how }) as const
  const told = (...all: readonly object[]) => unseenWords(new Map(all.map((each, at) => [`test/${at}`, each])) as never, 'asr-doctor check --pid 1')
  it.each([
    ['all seen', [{ status: 'passed' }, { status: 'not-applicable', because: 'x' }], null],
    ['something found: that is said first', [{ status: 'found', findings: [{ severity: 'warning' }] }, blind('B.', null)], null],
    ['one', [{ status: 'passed' }, blind('It is dark.', 'Run it as root')], 'nothing found, but 1 check could not be made. It is dark. To see it: Run it as root.'],
    ['a note beside it', [{ status: 'found', findings: [{ severity: 'info' }] }, blind('B.', null)], 'nothing found, but 1 check could not be made. B.'],
    ['the reason of most first', [blind('A.', 'Do a.'), blind('B.', 'Do b.'), blind('B.', 'Do b.'), { status: 'crashed', error: 'E' }], 'nothing found, but 4 checks could not be made. B. To see it: Do b. 2 more reasons: asr-doctor check --pid 1'],
  ] as const)('%s', (_, outcomes, words) => {
    expect(told(...outcomes)).toBe(words)
  })
})
