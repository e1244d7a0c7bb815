import { expect, it } from 'vitest'
import { diagnose } from '../../src/diagnose.ts'
import { session } from '../../src/facts/session.ts'
import { vetted } from '../../src/fix/vetted.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered, type Ask } from '../../src/host/host.ts'
import { replayed } from '../../src/host/replay.ts'
import { allChecks } from '../../src/load.ts'
import { weighed } from '../../src/verdict/weigh.ts'
import { allCases } from '../support/cases.ts'

const checks = allChecks()

async function offered(machine: Ask) {
  const ask = remembered(machine)
  const host = hostOf(ask)
  const use = gatherer(host)
  const before = await diagnose(host, use, checks)
  const signs = await use(session).catch(() => null)
  const state = signs === null ? undefined : weighed({ ...signs, outcomes: before }).find(({ id }) => id === 'library-path-hidden')?.state
  const { offer } = await vetted({ machine: ask, checks, before }, { named: new Set(), writers: null }, 10)
  const rows = [...offer.main.rows, ...offer.risky, ...offer.leftOut, ...offer.shown]
  return { state, found: before.get('cuda/libraries-hidden')?.status, path: rows.some(({ wish, changes }) => JSON.stringify([wish.fix.edits, changes]).includes('LD_LIBRARY_PATH')), rejected: offer.rejected }
}

const machineOf = (name: string) => allCases().find((each) => each.name === name)!.machine

it.each(['incident-0-half-a-cpu-and-no-text', 'incident-0-with-the-model', 'int8-nodes-in-a-verbose-log', 'fp32-nodes-in-a-verbose-log', 'two-sessions-one-on-the-cpu'])('%s: no patch for the path that its log refutes', async (name) => {
  expect(await offered(replayed(machineOf(name).answers))).toMatchObject({ state: 'refuted', path: false })
})

it('what the model of the loader finds hidden is not mended where the log shows the provider at work', async () => {
  const { answers } = machineOf('incident-0-rebuilt')
  const plain = await offered(replayed(answers))
  expect(plain).toMatchObject({ found: 'found', path: true })
  expect(plain.state).not.toBe('refuted')
  // The log of the very incident: the arena of the CUDA provider was extended.
  const log = machineOf('incident-0-half-a-cpu-and-no-text').answers.get('digest log /incident/0.log')!
  const target = answers.get('target') as { value: object }
  const withLog = new Map([...answers, ['digest log /incident/0.log', log], ['target', { value: { ...target.value, files: { logs: ['/incident/0.log'], profiles: [], models: [] } } }]] as never)
  const seen = await offered(replayed(withLog as typeof answers))
  expect(seen).toMatchObject({ state: 'refuted', found: 'found', path: false })
  expect(seen.rejected.filter(({ wish }) => wish.check === 'cuda/libraries-hidden')).toMatchObject([{ kind: 'refuted', because: expect.stringMatching(/^What was seen rules this cause out\. A provider whose libraries are hidden is not loaded at all .* \(digest log \/incident\/0\.log:\d+\)\.$/) }])
})
