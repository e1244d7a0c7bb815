import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { undo } from '../../src/fix/take-back.ts'
import { runs } from '../../src/fix/journal.ts'
import type { Change } from '../../src/types.ts'
import { describeWith } from '../support/rig.ts'
import { bundledWriter, errandLater } from './errand.ts'
import { dice } from './random.ts'

/** Together; a kill costs the start of a Node. */
const KILLS = Number(process.env['ASR_DOCTOR_KILLS'] ?? 1000)
const LANES = 4

const root = mkdtempSync(join(tmpdir(), 'asr-doctor-kill-'))
const writer = bundledWriter()
afterAll(async () => {
  rmSync(root, { recursive: true, force: true })
  ;(await writer).drop()
})

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** All files of a folder with their text, but for the journal. */
const tree = (place: string) =>
  Object.fromEntries(readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => !`${entry.parentPath}/`.startsWith(`${place}/state/`)).map((entry) => [join(entry.parentPath, entry.name), entry.isFile() ? read(join(entry.parentPath, entry.name)) : null]))

const copying = (place: string): boolean => readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && /^(setpriv|cp)\0/.test(read(`/proc/${pid}/cmdline`) ?? '') && read(`/proc/${pid}/cmdline`)!.includes(`${place}/`))

async function lane(number: number, kills: number): Promise<Record<string, number>> {
  const place = join(root, String(number))
  const folder = join(place, 'state')
  const changes: readonly Change[] = [
    { target: join(place, 'profile'), before: 'old line\n'.repeat(4000), after: 'new line\n'.repeat(9000) },
    { target: join(place, 'asr.service.d', '50-asr-doctor.conf'), before: null, after: '[Service]\nCPUQuota=\n' },
    { target: join(place, 'asr.service'), before: '[Service]\nImportEnvironment=X\n', after: '[Service]\n' },
  ]
  mkdirSync(folder, { recursive: true })
  for (const { target, before } of changes) if (before !== null) writeFileSync(target, before)
  const whole = tree(place)
  const { next } = dice(number + 1)
  const seen: Record<string, number> = {}
  const { file } = await writer
  for (let kill = 0; kill < kills; kill++) {
    const child = errandLater(file, { folder, verb: 'storm', changes })
    const ended = once(child, 'close')
    await once(child.stdout!, 'data')
    await new Promise((resolve) => setTimeout(resolve, next() * 30))
    child.kill('SIGKILL')
    await ended
    // cp(1), which copies attributes for it, may have been started and not yet have asked to die with it.
    while (copying(place)) await new Promise((resolve) => setTimeout(resolve, 5))
    // Each file is the old one or the new one, whole.
    const state = changes.map(({ target, before, after }) => {
      const now = read(target)
      expect([before, after], `${target} is torn or lost`).toContain(now)
      return now === before ? 'o' : 'n'
    }).join('')
    // The journal can be read, and says enough to take everything back.
    const open = runs(folder).filter((run) => run.state !== 'undone')
    seen[`${state} ${open.map((run) => run.state).join('+') || 'none'}`] = (seen[`${state} ${open.map((run) => run.state).join('+') || 'none'}`] ?? 0) + 1
    if (state !== 'ooo') expect(open.length, 'files are new and no journal knows of it').toBeGreaterThan(0)
    if (kill % 3 !== 0) continue
    await undo(folder, open)
    // Litter is swept by the next run that writes or takes back something; a run with nothing to do sweeps as well.
    expect(tree(place)).toEqual(whole)
  }
  await undo(folder, runs(folder).filter((run) => run.state !== 'undone'))
  expect(tree(place)).toEqual(whole)
  expect(readdirSync(dirname(changes[1]!.target).replace(/\/asr.service.d$/, '')).sort()).toEqual(['asr.service', 'profile', 'state'])
  return seen
}

// Once is enough: a file that is torn in one of a thousand kills is torn, and a second try would hide it.
describeWith('kills', process.platform === 'linux' ? null : 'needs Linux', () => {
  it(`after ${KILLS} SIGKILLs at random moments no file is torn or lost, and the journal takes all of it back`, async () => {
    const all = await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number, Math.ceil(KILLS / LANES))))
    const seen = all.reduce<Record<string, number>>((sum, each) => {
      for (const [state, count] of Object.entries(each)) sum[state] = (sum[state] ?? 0) + count
      return sum
    }, {})
    // The kills came before, between and after the renames, not only in the pauses.
    expect(Object.keys(seen).filter((state) => /^(noo|nno)/.test(state)).length, JSON.stringify(seen)).toBeGreaterThan(0)
  }, 900_000)
}, { retry: 0 })
