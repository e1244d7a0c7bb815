import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Io } from '../../io.ts'
import type { Env } from '../../types.ts'
import { WrongCall } from '../../wrong-call.ts'
import type { BenchOptions } from '../command.ts'
import { moreHelps } from '../decide.ts'
import { CannotMeasure, Interrupted } from '../engine.ts'
import type { Decision } from '../gate.ts'
import { throttledShare } from '../load.ts'
import { watchGpu } from '../gpu-watch.ts'
import { machineHere } from '../machine.ts'
import { NOTHING, type Measured, type Progress } from '../protocol.ts'
import { resultOf, rtfOf, type Setting } from '../result.ts'
import { median } from '../stats/describe.ts'
import { runtimeFor } from '../targets/runtime-wanted.ts'
import type { Conditions, ConditionsSide, Result } from '../types.ts'
import { FACTOR_KEYS, type Carried } from './carried.ts'
import { cpuOf, explained, wallOf } from './explain.ts'
import { factorsOf, type Turn } from './factors.ts'
import { isSide, pairOf, type Failed, type Outcome, type Place, type Side } from './pair.ts'
import { ratioOf } from './ratio.ts'
import { placeOf, serviceOf, type Service } from './service.ts'

/** What is around a call: how to judge it, and whom to tell. */
export interface Around {
  readonly io: Io
  readonly version: string
  readonly reference: string | null
  readonly signal: AbortSignal
  judge(measured: Measured, setting: Setting): readonly Decision[]
  tell(progress: Progress): void
}

/** Measures in the place of a service beside the shell's, and changes one thing at a time where that is asked for. */
export async function measureConditions(asked: BenchOptions, around: Around): Promise<Result> {
  const { io, signal } = around
  const service = asked.unit === undefined ? null : await serviceOf(asked, io.cwd)
  const options = await prepared(asked, io)
  const shell: Place = { name: 'this shell', launch: { kind: 'shell', cwd: io.cwd }, env: null, options }
  const turn: Turn = (first, second, launches, undecided) => pairOf(first, second, options.runs ?? null, launches, undecided, around.tell, signal)
  const settingOf = (side: Pick<Side, 'told' | 'audio'>): Setting => ({
    version: around.version, target: side.told.target, workload: side.told.workload, provider: side.told.provider, reference: around.reference, machine: machineHere(),
    audio: { ...side.audio.audio, source: asked.audio ?? 'the reference clip' }, audioWarnings: side.audio.warnings, silent: side.audio.silent,
  })
  const open = (so: Measured, side: Pick<Side, 'told' | 'audio'>) => moreHelps(around.judge(so, settingOf(side)), 'runs', settingOf(side))
  const finished = (side: Side, more: Pick<Result, 'conditions' | 'factors'>): Result => {
    const setting = settingOf(side)
    return { ...resultOf(side.measured, setting, side.measured.runs.length === 0 ? [] : around.judge(side.measured, setting)), ...more }
  }

  if (service === null) {
    const { factors, main } = await factorsOf({ service: null, shell, pair: null, turn, undecided: open })
    if (main === null) throw signal.aborted ? new Interrupted() : new CannotMeasure(factors.map(({ because }) => because).join(' '))
    return finished(main, { factors })
  }

  // The GPU is the same for both, and seen from here.
  const gpu = watchGpu()
  let gpus: Measured['gpus'] = null
  let both: readonly Outcome[] = []
  try {
    await gpu?.before()
    gpu?.begin()
    both = await turn(placeOf(service, service.carried, options), shell, null, open)
  } finally {
    gpus = gpu?.stop() ?? null
  }
  const [inService, inShell] = both
  if (inService === undefined) throw new Interrupted()
  const there = inShell ?? { failed: new Error('It was interrupted before that.'), provider: null, killed: false, hello: null }
  const conditions = conditionsOf(service, inService, there)
  if (!isSide(inService)) return refusedThere(inService, there, conditions, around, settingOf)
  const pair = isSide(there) && !signal.aborted ? ([inService, there] as const) : null
  const factors = asked.vary === undefined || pair === null ? null : (await factorsOf({ service, shell, pair, turn, undecided: open })).factors
  const result = finished({ ...inService, measured: { ...inService.measured, gpus } }, { conditions, ...(factors === null ? {} : { factors }) })
  return signal.aborted ? { ...result, interrupted: true } : result
}

/** Paths as the caller means them, since the service has another working directory; and the runtime, found or added here. */
async function prepared(asked: BenchOptions, io: Io): Promise<BenchOptions> {
  const absolute = (path: string) => resolve(io.cwd, path)
  const wantsRuntime = asked.command === undefined && asked.python === undefined
  if (asked.vary?.includes('precision') && asked.model === undefined) throw new WrongCall('--vary precision goes with --model: it compares the model with the files of another precision beside it.')
  if (asked.vary?.includes('provider') && asked.command !== undefined) throw new WrongCall('--vary provider does not go with --command: what a command runs on is its own affair.')
  return {
    ...asked,
    ...(asked.audio === undefined ? {} : { audio: absolute(asked.audio) }),
    // With --python a model may be one known by name.
    ...(asked.model === undefined || (asked.python !== undefined && !existsSync(absolute(asked.model))) ? {} : { model: absolute(asked.model) }),
    ...(asked.python?.includes('/') ? { python: absolute(asked.python) } : {}),
    ...(wantsRuntime ? { runtimeAt: (await runtimeFor(asked, io)).folder } : {}),
  }
}

function conditionsOf(service: Service, inService: Outcome, inShell: Outcome): Conditions {
  const both = isSide(inService) && isSide(inShell) ? ([inService, inShell] as const) : null
  const ratio = both === null ? null : ratioOf(...both)
  return {
    unit: service.name,
    scope: service.scope,
    settings: service.carried.filter(({ key }) => !isSide(inService) || !inService.refusedSettings.some((each) => each.key === key)).map(shown),
    notCarried: [...service.notCarried, ...(isSide(inService) ? inService.refusedSettings : [])],
    service: sideOf(inService),
    shell: sideOf(inShell),
    ratio,
    explained: ratio === null ? [] : explained(both![0], both![1], service.name),
    shellNote: isSide(inShell) ? sudoNote(inShell.hello.env) : null,
  }
}

/** Under sudo this shell is not the one in which the recogniser was seen to run well: sudoers(5), env_reset. */
const sudoNote = (env: Env): string | null =>
  env['SUDO_USER'] === undefined ? null : `This shell is that of sudo, which drops most variables of ${env['SUDO_USER']}, LD_LIBRARY_PATH among them; one that matters is handed down by sudo env NAME="$NAME" asr-doctor bench ….`

/** Values of variables may be secrets. */
const shown = ({ key, value }: Carried): string => (key === 'Environment' ? `Environment=${[...value.matchAll(/(?:^|\s)["']?([A-Za-z_][A-Za-z0-9_]*)=/g)].map((match) => `${match[1]}=…`).join(' ')}` : `${key}=${value}`)

function sideOf(outcome: Outcome): ConditionsSide {
  if (!isSide(outcome)) return { user: outcome.hello?.user ?? null, rtf: null, wallMs: null, cpuMs: null, provider: outcome.provider?.used ?? null, throttled: null, failed: outcome.failed.message }
  const some = outcome.measured.runs.length > 0
  return {
    user: outcome.hello.user,
    rtf: some ? median(rtfOf(outcome.measured, outcome.audio.audio.seconds)) : null,
    wallMs: some ? wallOf(outcome) : null,
    cpuMs: cpuOf(outcome),
    provider: outcome.told.provider.used,
    throttled: throttledShare(outcome.measured.load),
    failed: null,
  }
}

/** Nothing ran in the service's place. Where the runtime refused the provider, that is the answer; else there is no measurement. */
function refusedThere(inService: Failed, inShell: Outcome, conditions: Conditions, around: Around, settingOf: (side: Pick<Side, 'told' | 'audio'>) => Setting): Result {
  const provider = inService.provider
  if (provider !== null && isSide(inShell)) return { ...resultOf(NOTHING, { ...settingOf(inShell), provider }, []), conditions }
  const limit = conditions.settings.filter((setting) => (FACTOR_KEYS.memory as readonly string[]).includes(setting.split('=')[0]!))
  const memory = inService.killed && limit.length > 0 ? ` The kernel ends what goes beyond ${limit.join(', ')}.` : ''
  const beside = conditions.shell.rtf === null ? (conditions.shell.failed === null ? '' : ` In this shell: ${conditions.shell.failed}`) : ` In this shell it ran, with RTF ${conditions.shell.rtf.toPrecision(3)}.`
  if (around.signal.aborted) throw new Interrupted()
  throw new CannotMeasure(`In the place of ${conditions.unit}: ${inService.failed.message}${memory}${beside}`)
}
