import type { Env } from '../../types.ts'
import type { BenchOptions } from '../command.ts'
import { CannotMeasure, Interrupted } from '../engine.ts'
import { enough, expected, NOTHING, warmUp, type Measured, type Progress } from '../protocol.ts'
import type { Load, Provider } from '../types.ts'
import { FailedThere, startAgent, type Agent } from './agent-child.ts'
import type { Launch } from './launch.ts'
import type { Answer, Hello, MemoryCounts, OneRun, Told } from './messages.ts'
import type { NotCarried } from './carried.ts'

/** Where one side is measured, and what there. */
export interface Place {
  readonly name: string
  readonly launch: Launch
  readonly env: Env | null
  readonly options: BenchOptions
}

/** One side that could be measured. */
export interface Side {
  readonly measured: Measured
  readonly told: Told
  readonly audio: Extract<Answer, { kind: 'prepared' }>
  readonly hello: Hello
  readonly memory: MemoryCounts
  readonly refusedSettings: readonly NotCarried[]
}

/** One side that could not, and why. */
export interface Failed {
  readonly failed: Error
  /** Where the runtime refused to start on the provider. */
  readonly provider: Provider | null
  /** Whether its memory limit ended it. */
  readonly killed: boolean
  readonly hello: Hello | null
}

export type Outcome = Side | Failed
export const isSide = (outcome: Outcome): outcome is Side => 'measured' in outcome

interface Open {
  readonly agent: Agent
  readonly audio: Extract<Answer, { kind: 'prepared' }>
  told: Told
  so: Measured
  memory: MemoryCounts
}

/**
 * Measures two places turn by turn: a run here, a run there, then the other way round, so that whatever else the machine does
 * meanwhile befalls both alike. Runs go on as in any benchmark; `undecided` sees the first place. With no second one
 * the first is measured by itself. After Ctrl-C: what there is.
 */
export async function pairOf(first: Place, second: Place | null, runs: number | null, launches: number | null, undecided: (so: Measured, side: Pick<Side, 'told' | 'audio'>) => boolean, tell: (progress: Progress) => void, signal: AbortSignal): Promise<readonly Outcome[]> {
  const sides: (Open | Failed)[] = []
  const open = () => sides.filter((side): side is Open => 'agent' in side)
  try {
    for (const place of second === null ? [first] : [first, second]) sides.push(await opened(place, launches, tell, signal))
    // One side alone is measured too: what it does is half of the answer.
    await turns(open(), runs, undecided, tell)
    for (const side of open()) {
      side.told = (await side.agent.ask({ kind: 'tell', place: true }, 'told')).told
      side.so = { ...side.so, placement: side.told.provider.placement, agreement: side.told.agreement }
    }
  } catch (error) {
    if (error instanceof Broken) sides[sides.indexOf(error.at)] = failedOf(error.failed, error.at.agent)
    else if (error instanceof Interrupted) for (const side of open()) side.so = { ...side.so, interrupted: true }
    else throw error
    if (error instanceof Broken) await error.at.agent.close()
  } finally {
    await Promise.all(open().map(({ agent }) => agent.close()))
  }
  return sides.map((side) => ('agent' in side ? { measured: side.so, told: side.told, audio: side.audio, hello: side.agent.hello, memory: side.memory, refusedSettings: side.agent.refusedSettings } : side))
}

const failedOf = (failed: FailedThere, agent: Agent | null): Failed => ({ failed, provider: failed.provider, killed: (failed.memory?.killed ?? 0) > 0 || /oom-kill/.test(failed.message), hello: agent?.hello ?? null })

/** An agent with a fresh process of the target that has run once; several such cold starts one after another. */
async function opened(place: Place, launches: number | null, tell: (progress: Progress) => void, signal: AbortSignal): Promise<Open | Failed> {
  let agent: Agent | null = null
  try {
    agent = await startAgent(place.launch, signal)
    const audio = await agent.ask({ kind: 'prepare', errand: { options: place.options, env: place.env } }, 'prepared')
    const count = Math.min(launches ?? audio.launches, audio.launches)
    let so = NOTHING
    for (let launch = 0; launch < count; launch++) {
      tell({ phase: 'cold start', done: launch, of: count, leftMs: null })
      const { loadMs, first } = await agent.ask({ kind: 'open' }, 'opened')
      so = { ...so, cold: [...so.cold, { loadMs, firstMs: first.wallMs }], coldRuns: [...so.coldRuns, first] }
    }
    const { told } = await agent.ask({ kind: 'tell', place: false }, 'told')
    return { agent, audio, told, so, memory: { limitHits: null, killed: null } }
  } catch (error) {
    await agent?.close()
    if (error instanceof FailedThere) return failedOf(error, agent)
    throw error
  }
}

/** One side broke down in the middle. */
class Broken extends CannotMeasure {
  readonly at: Open
  readonly failed: FailedThere
  constructor(at: Open, failed: FailedThere) {
    super(failed.message)
    this.at = at
    this.failed = failed
  }
}

async function turns(open: readonly Open[], runs: number | null, undecided: (so: Measured, side: Pick<Side, 'told' | 'audio'>) => boolean, tell: (progress: Progress) => void): Promise<void> {
  const one = async (side: Open): Promise<OneRun> => {
    try {
      return (await side.agent.ask({ kind: 'run' }, 'ran')).one
    } catch (error) {
      throw error instanceof FailedThere ? new Broken(side, error) : error
    }
  }
  for (const side of open) {
    const warm = await warmUp(side.audio, { run: async () => (await one(side)).run }, side.so.coldRuns.at(-1)!, tell)
    side.so = { ...side.so, warmUp: warm }
  }
  const start = performance.now()
  for (let round = 0; open.length > 0; round++) {
    tell({ phase: 'timed run', done: round, ...expected({ runs }, round, performance.now() - start) })
    for (const side of round % 2 === 0 ? open : [...open].reverse()) {
      const { run, calibration, load, memory } = await one(side)
      side.so = { ...side.so, runs: [...side.so.runs, { run, calibration }], load: together(side.so.load, load) }
      side.memory = { limitHits: added(side.memory.limitHits, memory.limitHits), killed: added(side.memory.killed, memory.killed) }
    }
    if (enough({ runs }, open[0]!.so, performance.now() - start, () => undecided(open[0]!.so, open[0]!))) return
  }
}

const added = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : a + b)
const greatest = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b))

/** What was counted around each run, put together; between the runs the other side had the machine. */
export function together(a: Load | null, b: Load | null): Load | null {
  if (a === null || b === null) return a ?? b
  return {
    spanMs: a.spanMs + b.spanMs,
    targetCpuMs: added(a.targetCpuMs, b.targetCpuMs),
    othersCpuMs: added(a.othersCpuMs, b.othersCpuMs),
    stealMs: added(a.stealMs, b.stealMs),
    waitedMs: added(a.waitedMs, b.waitedMs),
    involuntarySwitches: added(a.involuntarySwitches, b.involuntarySwitches),
    peakMemoryBytes: greatest(a.peakMemoryBytes, b.peakMemoryBytes),
    throttle: a.throttle === null || b.throttle === null ? (a.throttle ?? b.throttle) : { periods: a.throttle.periods + b.throttle.periods, throttled: a.throttle.throttled + b.throttle.throttled, throttledMs: a.throttle.throttledMs + b.throttle.throttledMs },
    cpuPressure: greatest(a.cpuPressure, b.cpuPressure),
  }
}
