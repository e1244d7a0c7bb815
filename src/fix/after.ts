import { setTimeout as wait } from 'node:timers/promises'
import { known } from '../cannot-see.ts'
import { propertiesOf, type UnitState } from '../facts/unit-state.ts'
import { runBounded } from '../host/run.ts'
import type { Step } from './steps.ts'

const STEP_LIMIT_MS = 100_000
/** A service that dies of its new setting mostly does so at once. */
const SETTLE_MS = 2000

/** What came of the steps; the words of each are a sentence or a command. */
export interface Ran {
  readonly ran: readonly string[]
  /** Services that somebody had stopped, and that are not started for a change of their settings. */
  readonly stopped: readonly string[]
  readonly failed: string | null
}

/** Runs the steps that are programs, in order, until one fails. */
export async function runSteps(steps: readonly Step[]): Promise<Ran> {
  const ran: string[] = []
  const stopped: string[] = []
  for (const { words, command } of steps) {
    if (command === null) continue
    if (command.at(-2) === 'restart' && (await isStopped(command))) {
      stopped.push(`${command.at(-1)!} is stopped and is left so; the change takes effect when it is started: ${command.map((word) => (word === 'restart' ? 'start' : word)).join(' ')}`)
      continue
    }
    const output = await known(runBounded(command, {}, Date.now() + STEP_LIMIT_MS))
    if (!output.known) return { ran, stopped, failed: `${words}: ${output.because}` }
    if (output.value === null || output.value.code !== 0) return { ran, stopped, failed: `${words}: ${output.value === null ? 'there is no such program' : (output.value.stderr.trim().split('\n')[0] || `exit status ${output.value.code}`)}` }
    ran.push(words)
  }
  return { ran, stopped, failed: null }
}

/** `inactive` and nothing else: one that failed, or waits for its next try, is to run. systemctl's try-restart would leave it dead. */
async function isStopped(restart: readonly string[]): Promise<boolean> {
  const output = await known(runBounded([...restart.slice(0, -2), 'show', '--no-pager', '--property=ActiveState', '--', restart.at(-1)!], {}, Date.now() + 5000))
  return output.known && output.value !== null && propertiesOf(output.value.stdout)['ActiveState'] === 'inactive'
}

/** The unit's process as it is now; null = it has none. */
export async function mainPidOf({ name, manager }: Pick<UnitState, 'name' | 'manager'>): Promise<number | null> {
  const output = await known(runBounded(['systemctl', ...manager, 'show', '--no-pager', '--property=MainPID', '--', name], {}, Date.now() + 5000))
  const pid = output.known && output.value !== null ? Number(propertiesOf(output.value.stdout)['MainPID'] ?? 0) : 0
  return pid > 0 ? pid : null
}

/** Waits until the unit has settled after its restart; the words say what is wrong, null = it runs. */
export async function settled({ name, manager }: Pick<UnitState, 'name' | 'manager'>): Promise<string | null> {
  const look = async () => {
    const output = await known(runBounded(['systemctl', ...manager, 'show', '--no-pager', '--property=ActiveState,SubState,Result,MainPID,Type', '--', name], {}, Date.now() + 5000))
    return output.known && output.value !== null ? propertiesOf(output.value.stdout) : {}
  }
  const until = performance.now() + 20_000
  for (;;) {
    const first = await look()
    if (first['ActiveState'] === 'failed' || first['SubState'] === 'auto-restart') return `${name} does not run: Result=${first['Result']}`
    if (first['ActiveState'] === 'active') {
      await wait(SETTLE_MS)
      const then = await look()
      if (then['ActiveState'] === 'active' && then['MainPID'] === first['MainPID']) return null
      if (then['ActiveState'] === 'inactive' && then['Result'] === 'success') return null
    }
    if (first['ActiveState'] === 'inactive') return first['Result'] === 'success' ? null : `${name} does not run: Result=${first['Result']}`
    if (performance.now() > until) return `${name} has not come up in 20 s (${first['ActiveState']}/${first['SubState']})`
    await wait(300)
  }
}
