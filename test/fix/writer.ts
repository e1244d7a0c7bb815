import { staked, undo, write } from '../../src/fix/apply.ts'
import { runs } from '../../src/fix/journal.ts'
import { Refused } from '../../src/fix/refused.ts'
import type { Change } from '../../src/types.ts'

/** Half of a test: writes or takes back in a process of its own, which may be killed, starved or locked out. */
export interface Errand {
  readonly folder: string
  readonly verb: 'write' | 'undo' | 'storm'
  readonly changes: readonly Change[]
}

export async function main(errand: Errand): Promise<void> {
  const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`)
  try {
    if (errand.verb === 'write') say({ run: (await write({ folder: errand.folder, target: null, checks: [] }, staked(errand.changes))).runId })
    else if (errand.verb === 'undo') say({ back: await undo(errand.folder, runs(errand.folder).filter(({ state }) => state !== 'undone')) })
    else await storm(errand, say)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    say({ refused: error.message })
  }
}

/** Writes and takes back without end, until it is killed. */
async function storm({ folder, changes }: Errand, say: (answer: object) => void): Promise<never> {
  say({ ready: true })
  for (;;) {
    await undo(folder, runs(folder).filter(({ state }) => state !== 'undone'))
    await write({ folder, target: null, checks: [] }, staked(changes))
  }
}
