import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, lstatSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { diagnose } from '../../src/diagnose.ts'
import { staked, write } from '../../src/fix/apply.ts'
import { undo } from '../../src/fix/take-back.ts'
import { runs } from '../../src/fix/journal.ts'
import { mended } from '../../src/fix/mended.ts'
import { offerOf, writerOf, wishesOf } from '../../src/fix/offer.ts'
import { compared, isCured, type Judging } from '../../src/fix/proof.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { replayed } from '../../src/host/replay.ts'
import { allChecks } from '../../src/load.ts'
import type { Change } from '../../src/types.ts'
import { allCases } from '../support/cases.ts'

const checks = allChecks()
const root = mkdtempSync(join(tmpdir(), 'asr-doctor-cases-'))
afterAll(() => rmSync(root, { recursive: true }))

/** What is to be proven of every recorded machine; a new case is covered without a line of code. */
describe.each(allCases())('$name', ({ name, machine }) => {
  const ask = remembered(replayed(machine.answers))
  const judging = (async (): Promise<Judging> => {
    const host = hostOf(ask)
    return { machine: ask, checks, before: await diagnose(host, gatherer(host), checks) }
  })()
  const offer = (async () => offerOf(await judging, { named: new Set(checks.map(({ id }) => id)), writers: null, barred: new Set() }))()

  it('every fix that could be written is proven: none is refused, useless, harmful or in doubt', async () => {
    const { rejected } = await offer
    expect(rejected.map(({ wish, kind, because }) => `${wish.check}: ${wish.fix.title} — ${kind}: ${because}`)).toEqual([])
  })

  it('on the mended machine every finding that has a cure is gone, and nothing else is found or lost', async () => {
    const { main, proof } = await offer
    expect(proof.appears).toEqual([])
    expect(proof.lost).toEqual([])
    const host = hostOf(await mended(ask, main))
    const after = await diagnose(host, gatherer(host), checks)
    for (const { check, cause, fix } of wishesOf(await judging)) {
      if (fix.safety !== 'manual' && fix.edits.length > 0 && fix.edits.every((edit) => ['unit', 'path'].includes(writerOf(edit) ?? ''))) expect(isCured({ check, cause }, (await judging).before, after), `${check} has a fix and is not cured by it`).toBe(true)
    }
    // A check that is cured passes or no longer applies: not to see is no cure.
    for (const { wish } of main.rows) expect(['passed', 'not-applicable', 'found'], wish.check).toContain(after.get(wish.check)!.status)
  })

  it('the plan is idempotent: on the mended machine there is nothing left to plan', async () => {
    const { main } = await offer
    const over = remembered(await mended(ask, main))
    const host = hostOf(over)
    const again: Judging = { machine: over, checks, before: await diagnose(host, gatherer(host), checks) }
    expect(compared((await judging).before, again.before).appears).toEqual([])
    const second = await offerOf(again, { named: new Set(checks.map(({ id }) => id)), writers: null, barred: new Set() })
    expect(second.main.changes).toEqual([])
  })

  it('written and undone, the disk is as before', async () => {
    const { main, shown } = await offer
    const place = join(root, name.replaceAll('/', '-'))
    const changes = new Map<string, Change>()
    for (const { target, before, after } of [...main.rows, ...shown].flatMap((row) => row.changes)) {
      const file = join(place, target)
      changes.set(file, { target: file, before: changes.get(file)?.before ?? (changes.has(file) ? null : before), after })
    }
    if (changes.size === 0) return
    for (const { target, before } of changes.values()) {
      if (before === null) continue
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, before)
    }
    mkdirSync(place, { recursive: true })
    const whole = tree(place)
    await write({ folder: join(root, 'state', name), target: null, checks: [] }, staked([...changes.values()]))
    for (const { target, after } of changes.values()) expect(readFileSync(target, 'utf8')).toBe(after)
    await undo(join(root, 'state', name), runs(join(root, 'state', name)).filter(({ state }) => state !== 'undone'))
    expect(tree(place)).toEqual(whole)
  })
})

const tree = (path: string) =>
  Object.fromEntries(readdirSync(path, { recursive: true, encoding: 'utf8' }).map((each) => [each, lstatSync(join(path, each)).isFile() ? readFileSync(join(path, each), 'utf8') : 'folder']))
