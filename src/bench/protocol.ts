import type { Agreement } from './agreement.ts'
import type { Crowd } from './crowd.ts'
import { CannotMeasure, type Engine, type Instance, Interrupted } from './engine.ts'
import { watchGpu, type GpuWatch } from './gpu-watch.ts'
import { textKeeper } from './kept-texts.ts'
import type { Calibration, Peak, Placement, Run } from './messages.ts'
import { shortName, tierOf } from './providers.ts'
import { watchLoad, type Sampler } from './sampler.ts'
import type { Cold, GpuLoad, Load } from './types.ts'

export interface Plan {
  readonly launches: number
  /** Exactly so many timed runs; null = as many as the rules below say. */
  readonly runs: number | null
  readonly place: boolean
  /** Requests at once, level by level. */
  readonly levels?: readonly number[]
}

/** More cold starts where the first ones leave a limit for them open. */
export const LAUNCHES = { atMost: 12, limitMs: 60_000 } as const
/** Until two successive runs differ by less than 5 %, at least 3 and at most 10 runs or 20 s. */
export const WARM_UP = { atLeast: 3, atMost: 10, limitMs: 20_000, steady: 0.05 } as const
/** At least 10 runs and 3 s, at most 40 runs or 60 s, and however slow they are no fewer than an interval needs. */
export const TIMED = { atLeast: 10, atLeastMs: 3_000, atMost: 40, limitMs: 60_000, fewest: 6 } as const

export interface Measured {
  readonly cold: readonly Cold[]
  readonly coldRuns: readonly Run[]
  readonly warmUp: { readonly runs: readonly Run[]; readonly steady: boolean }
  readonly runs: readonly { readonly run: Run; readonly calibration: Calibration | null }[]
  readonly placement: readonly Placement[]
  /** null = the work was done on the CPU, or the target cannot be compared. */
  readonly agreement: Agreement | null
  readonly load: Load | null
  /** The same around the cold starts. Absent = not watched. */
  readonly coldLoad?: Load | null
  /** null or absent = there is no nvidia-smi. */
  readonly gpus?: readonly GpuLoad[] | null
  /** Absent = it was not measured. */
  readonly peak?: Peak | null
  /** Absent = not asked for. */
  readonly crowds?: readonly Crowd[]
  readonly interrupted: boolean
}

export const NOTHING: Measured = { cold: [], coldRuns: [], warmUp: { runs: [], steady: false }, runs: [], placement: [], agreement: null, load: null, interrupted: false }

export interface Progress {
  readonly phase: 'cold start' | 'warm-up' | 'timed run' | 'placement' | 'requests at once:'
  readonly done: number
  /** null = not known beforehand. */
  readonly of: number | null
  readonly leftMs: number | null
}

/** Whoever wants the measurement. */
export interface Asker<I extends Instance> {
  /** Whether more of these may settle what the samples so far leave open. */
  undecided(so: Measured, of: 'runs' | 'launches'): boolean
  tell(progress: Progress): void
  opened(instance: I): void
  /** When it has run once. */
  ready?(instance: I): Promise<void>
}

/**
 * Cold starts, warm-up, timed runs each between two passes of the yardstick, and the placement pass, in this order. While it is
 * `undecided`, runs and cold starts go on up to their caps. What was measured before Ctrl-C is kept.
 */
export async function measure<I extends Instance>(engine: Engine<I>, plan: Plan, asker: Asker<I>): Promise<Measured> {
  const { tell } = asker
  let so = NOTHING
  let instance: I | null = null
  let cold: Sampler | null = null
  const gpu = watchGpu()
  const kept = textKeeper()
  try {
    if (gpu !== null) await gpu.before()
    cold = watchLoad(() => instance?.pids() ?? [], () => instance?.ours?.() ?? [])
    const start = performance.now()
    for (let launch = 0; launch < plan.launches || anotherLaunch(engine, instance, launch, performance.now() - start, () => asker.undecided(so, 'launches')); launch++) {
      tell({ phase: 'cold start', done: launch, of: Math.max(plan.launches, launch + 1), leftMs: null })
      instance?.stop()
      instance = keeping(await engine.open(), kept)
      asker.opened(instance)
      const first = await instance.run()
      so = { ...so, cold: [...so.cold, { loadMs: instance.loadMs, firstMs: first.wallMs }], coldRuns: [...so.coldRuns, first], coldLoad: instance.pids() === null ? null : (cold?.now() ?? null) }
      if (launch === 0) await asker.ready?.(instance)
    }
    cold?.stop()
    if (instance === null) throw new CannotMeasure('Nothing was started.')
    so = { ...so, warmUp: await warmUp(engine, instance, so.coldRuns.at(-1)!, tell) }
    gpu?.begin()
    so = await timed(instance, plan, so, gpu, asker)
    so = { ...so, gpus: gpu?.stop() ?? null }
    for (const level of instance.crowd ? (plan.levels ?? []) : []) {
      tell({ phase: 'requests at once:', done: level - 1, of: null, leftMs: null })
      so = { ...so, crowds: [...(so.crowds ?? []), await instance.crowd!(level)] }
    }
    if (plan.place) {
      tell({ phase: 'placement', done: 0, of: 1, leftMs: null })
      so = { ...so, placement: await instance.placement() }
      const onDevice = so.placement.some(({ provider }) => tierOf(shortName(provider)) === 'gpu')
      if (onDevice && instance.compare) so = { ...so, agreement: await instance.compare() }
      if (instance.peak) so = { ...so, peak: await instance.peak(onDevice ? 'gpu' : 'cpu') }
    }
    return so
  } catch (error) {
    if (error instanceof Interrupted) return { ...so, interrupted: true, ...(error.cause as Partial<Measured> | undefined) }
    throw error
  } finally {
    cold?.stop()
    gpu?.stop()
    instance?.stop()
  }
}

const keeping = <I extends Instance>(instance: I, kept: (run: Run) => Run): I => ({ ...instance, run: async () => kept(await instance.run()) })

/** A server is not ours to start afresh, and each run of a program that ends after it is a fresh start by itself. */
function anotherLaunch({ freshEveryRun }: Pick<Engine, 'freshEveryRun'>, instance: Instance | null, launches: number, spentMs: number, undecided: () => boolean): boolean {
  return !freshEveryRun && instance !== null && instance.pids() !== null && launches < LAUNCHES.atMost && spentMs < LAUNCHES.limitMs && undecided()
}

export async function warmUp(engine: Pick<Engine, 'freshEveryRun'>, instance: Pick<Instance, 'run'>, first: Run, tell: (progress: Progress) => void): Promise<Measured['warmUp']> {
  // The first run of a process that ends after it leaves nothing warm but the disk cache.
  if (engine.freshEveryRun) return { runs: [], steady: true }
  const start = performance.now()
  const runs: Run[] = []
  for (let previous = first.wallMs; ; previous = runs.at(-1)!.wallMs) {
    tell({ phase: 'warm-up', done: runs.length, of: null, leftMs: null })
    const run = await instance.run()
    runs.push(run)
    const steady = runs.length >= WARM_UP.atLeast && Math.abs(run.wallMs - previous) / previous < WARM_UP.steady
    if (steady || runs.length >= WARM_UP.atMost || performance.now() - start > WARM_UP.limitMs) return { runs, steady }
  }
}

async function timed<I extends Instance>(instance: I, plan: Plan, before: Measured, gpu: GpuWatch | null, { undecided, tell }: Asker<I>): Promise<Measured> {
  const sampler = instance.pids() === null ? null : watchLoad(() => instance.pids() ?? [], () => instance.ours?.() ?? [])
  const start = performance.now()
  let so = before
  try {
    let calibration = await instance.calibrate()
    for (;;) {
      const spentMs = performance.now() - start
      const done = so.runs.length
      tell({ phase: 'timed run', done, ...expected(plan, done, spentMs) })
      const run = await instance.run()
      const after = await instance.calibrate()
      so = { ...so, runs: [...so.runs, { run, calibration: calibration && after && { wallMs: (calibration.wallMs + after.wallMs) / 2, cpuMs: (calibration.cpuMs + after.cpuMs) / 2 } }] }
      calibration = after
      if (enough(plan, so, performance.now() - start, () => undecided({ ...so, load: sampler?.now() ?? null, gpus: gpu?.now() ?? null }, 'runs'))) break
    }
  } catch (error) {
    if (error instanceof Interrupted) throw Object.assign(new Interrupted(), { cause: { runs: so.runs, warmUp: so.warmUp, load: sampler?.stop() ?? null } })
    throw error
  }
  return { ...so, load: sampler?.stop() ?? null }
}

export function enough(plan: Pick<Plan, 'runs'>, so: Measured, spentMs: number, undecided: () => boolean): boolean {
  const count = so.runs.length
  if (plan.runs !== null) return count >= plan.runs
  if (count < TIMED.fewest) return false
  if (count >= TIMED.atMost || spentMs >= TIMED.limitMs) return true
  return count >= TIMED.atLeast && spentMs >= TIMED.atLeastMs && !undecided()
}

export function expected(plan: Pick<Plan, 'runs'>, done: number, spentMs: number): { readonly of: number | null; readonly leftMs: number | null } {
  if (done === 0) return { of: plan.runs, leftMs: null }
  const each = spentMs / done
  const total = plan.runs ?? Math.min(Math.max(TIMED.atLeast, Math.ceil(TIMED.atLeastMs / each)), Math.max(TIMED.fewest, Math.floor(TIMED.limitMs / each)))
  return { of: total, leftMs: Math.max(0, total - done) * each }
}
