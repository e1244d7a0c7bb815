import { Readable } from 'node:stream'
import { undoRuns, type UndoOptions } from '../../src/actions/undo.ts'
import { staked, write, type Writing } from '../../src/fix/apply.ts'
import { runs, type Part } from '../../src/fix/journal.ts'
import { Refused } from '../../src/fix/refused.ts'
import { undo } from '../../src/fix/take-back.ts'
import { tidied } from '../../src/fix/tidy.ts'
import { writeNew } from '../../src/new-file.ts'
import { WrongCall } from '../../src/wrong-call.ts'
import type { Change } from '../../src/types.ts'

/** Half of a test: writes or takes back in a process of its own, which may be killed, starved or locked out. */
export interface Errand {
  readonly folder: string
  readonly verb: 'write' | 'undo' | 'storm' | 'call' | 'tidy' | 'keep'
  readonly changes: readonly Change[]
  /** What the journal is told beside the bytes. */
  readonly told?: Partial<Omit<Writing, 'folder' | 'parts'>> & { readonly parts?: Readonly<Record<string, readonly Part[]>> }
  /** A call of `fix --undo`, and what is typed; null = nobody sits there. */
  readonly options?: UndoOptions
  readonly typed?: string | null
}

export async function main(errand: Errand): Promise<void> {
  const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`)
  try {
    if (errand.verb === 'write') say({ run: (await write({ folder: errand.folder, target: null, checks: [], ...errand.told, parts: (file) => errand.told?.parts?.[file] ?? [] }, staked(errand.changes))).runId })
    else if (errand.verb === 'tidy') say({ back: (await tidied(errand.folder), []) })
    else if (errand.verb === 'keep') say({ run: String(await writeNew(errand.changes[0]!.target, errand.changes[0]!.after!, '--output')) })
    else if (errand.verb === 'undo') say({ back: await undo(errand.folder, runs(errand.folder).filter(({ state }) => state !== 'undone')) })
    else if (errand.verb === 'call') say(await called(errand))
    else await storm(errand, say)
  } catch (error) {
    if (!(error instanceof Refused || error instanceof WrongCall)) throw error
    say({ refused: error.message })
  }
}

async function called({ options, typed = null }: Errand): Promise<object> {
  let [out, err] = ['', '']
  const sink = (take: (text: string) => void) => ({ write: (text: string) => take(text), isTTY: typed !== null, columns: 80 })
  const io = { stdin: Object.assign(Readable.from(typed === null ? [] : [typed]), { isTTY: typed !== null }), stdout: sink((text) => (out += text)), stderr: sink((text) => (err += text)), env: process.env, cwd: '/' }
  try {
    return { code: await undoRuns(options!, io), out, err }
  } catch (error) {
    if (error instanceof WrongCall) return { code: 2, out, err: error.message }
    throw error
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
