import type { Io } from '../io.ts'
import { cleaned } from '../report/clean.ts'
import { WrongCall } from '../wrong-call.ts'
import { BadAudio } from './audio/bad-audio.ts'
import { clipText, clipWav } from './audio/clip.ts'
import { prepareAudio, type Prepared } from './audio/prepare.ts'
import { knownOf, machineFactor, unlike, useless, type Known } from './baseline.ts'
import type { BenchOptions } from './command.ts'
import { bytesContent, contentOf, modelFiles } from './content.ts'
import { decisionsOf, exitCodeOf, moreHelps, NO_YARDSTICK, refuseUnlike } from './decide.ts'
import { CannotMeasure, Interrupted, type Instance } from './engine.ts'
import { FEWEST_RUNS } from './gate.ts'
import { checkKeepable, keep } from './keep.ts'
import { machineHere } from './machine.ts'
import { absolute, checkOptions, type Before } from './options.ts'
import { progressLine } from './progress.ts'
import { measure, NOTHING, type Measured } from './protocol.ts'
import { missedProvider } from './providers.ts'
import { resultOf, type Setting } from './result.ts'
import { shown } from './show.ts'
import type { Subject } from './subject.ts'
import { subjectOf } from './targets/index.ts'
import { sweepTempFolders } from './temp-folder.ts'
import type { Provider, Result } from './types.ts'

interface Outcome {
  readonly result: Result
  readonly exitCode: number
}

/** The whole command. Resolves to the exit code. */
export async function bench(options: BenchOptions, io: Io, version: string): Promise<number> {
  const show = shown(io, options.json === true, version)
  const before = checkOptions(options, io.cwd)
  const keepAt = options.saveBaseline === undefined ? null : absolute(options.saveBaseline, io.cwd)
  if (keepAt !== null) checkKeepable(options.saveBaseline!, keepAt)
  // With --python it is for a library of that, which says itself what it can load.
  if (options.model !== undefined && options.python === undefined) {
    const { detects } = await (await import('./recogniser/recognise.ts')).recognised(absolute(options.model, io.cwd))
    if (detects && options.maxWer !== undefined) throw new WrongCall(`--max-wer needs a recogniser that writes text; --model ${options.model} only tells speech from silence.`)
  }
  sweepTempFolders()
  const abort = new AbortController()
  const stop = () => abort.abort()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, stop)
  const held: { audio: Prepared | null; subject: Subject | null } = { audio: null, subject: null }
  try {
    const { result: measured, exitCode } = await outcome()
    // A command, a transcript and an answer of a server may hold what is nobody's business, and a baseline is committed.
    const result = cleaned(measured) as Result
    show.result(result)
    // Half a measurement, or one of another provider, is nothing to compare with.
    const lost = keepAt === null || result.rtf === null || exitCode === 130 || exitCode === 5 ? null : keep(keepAt, result)
    if (lost !== null) show.line('not kept', `The baseline could not be written to ${options.saveBaseline} (${lost}).`)
    return lost !== null && exitCode === 0 ? 4 : exitCode
  } catch (error) {
    if (error instanceof Interrupted) {
      show.failure('interrupted', 'It was interrupted before anything had run.')
      return 130
    }
    if (!(error instanceof CannotMeasure) && !(error instanceof BadAudio)) throw error
    show.failure('could not measure', error.message)
    return 4
  } finally {
    held.audio?.remove()
    held.subject?.remove?.()
    for (const name of signals) process.off(name, stop)
  }

  async function outcome(): Promise<Outcome> {
    if (before.result !== null) refuseEarly(options, before.result)
    if (options.unit !== undefined || options.vary !== undefined) return inPlaces(options, io, version, before, abort.signal)
    const audio = (held.audio = await prepareAudio(options.audio === undefined ? null : absolute(options.audio, io.cwd), options.command !== undefined || options.url !== undefined, abort.signal))
    const subject = (held.subject = await subjectOf(options, io, audio, abort.signal))
    return run(options, io, version, subject, audio, before)
  }
}

/** What the call alone says of a baseline: minutes need not pass before it is heard that it does not fit. */
function refuseEarly(options: BenchOptions, baseline: Result): void {
  const why = useless(baseline, FEWEST_RUNS)
  if (why !== null) throw new CannotMeasure(`The baseline ${options.baseline} cannot be compared with: ${why}.`)
  const { cpu, logicalCores: cores, arch } = machineHere()
  refuseUnlike(unlike({ cpu, cores, arch, threads: options.threads ?? null }, knownOf(baseline), options.crossMachine), options)
}

async function run(options: BenchOptions, io: Io, version: string, subject: Subject, audio: Prepared, before: Before): Promise<Outcome> {
  const machine = machineHere()
  const reference = before.reference ?? (options.audio === undefined ? clipText() : null)
  const content = contents(options, io.cwd)
  const settingOf = (provider: Provider): Setting => {
    const target = subject.target()
    return {
      version, target: { ...target, ...content.model(target.files) }, workload: subject.workload, audio: { seconds: audio.seconds, source: options.audio ?? 'the reference clip', form: audio.form, ...content.audio },
      audioWarnings: audio.warnings, silent: audio.silent, provider, reference, machine,
    }
  }
  const decide = (measured: Measured, setting: Setting) => decisionsOf(measured, setting, subject.plan.place, options, before)
  const check = (known: Known) => before.result === null || refuseUnlike(unlike(known, knownOf(before.result), options.crossMachine), options, subject.provider(NOTHING).because)
  const progress = progressLine(io.stderr)
  try {
    check({ kind: subject.target().kind, seconds: audio.seconds, ...content.audio })
    const measured = await measure(subject.engine, subject.plan, {
      undecided: (so, of) => {
        const setting = settingOf(subject.provider(so))
        return moreHelps(decide(so, setting), of, setting)
      },
      tell: progress.tell,
      opened: subject.opened,
      ready: async (instance) => {
        if (before.result !== null) await comparable(instance, subject, check)
      },
    })
    const setting = settingOf(subject.provider(measured))
    const result = resultOf(measured, setting, measured.runs.length === 0 ? [] : decide(measured, setting))
    return { result: { ...result, ...machineFactor(result, before.result) }, exitCode: exitCodeOf(result) }
  } catch (error) {
    const provider = error instanceof CannotMeasure ? subject.refused(error) : null
    // `auto` names no provider: where nothing at all could be loaded, that is the answer.
    if (provider === null || !missedProvider(provider)) throw error
    const result = resultOf(NOTHING, settingOf(provider), [])
    return { result, exitCode: exitCodeOf(result) }
  } finally {
    progress.clear()
  }
}

/** Once it has run: whether it is what the baseline was of, as far as it tells by now, and has a yardstick to be compared by. */
async function comparable(instance: Instance, subject: Subject, check: (known: Known) => void): Promise<void> {
  const provider = subject.provider(NOTHING)
  if (missedProvider(provider)) return
  const { precision } = subject.target()
  check({ workload: subject.workload, ...(provider.used === null ? {} : { provider: provider.used }), ...(precision === undefined ? {} : { precision }) })
  if ((await instance.calibrate()) === null) throw new CannotMeasure(NO_YARDSTICK)
}

/** In the place of a service, or with one thing changed at a time. */
async function inPlaces(options: BenchOptions, io: Io, version: string, before: Before, signal: AbortSignal): Promise<Outcome> {
  const { measureConditions } = await import('./conditions/run.ts')
  const progress = progressLine(io.stderr)
  const content = contents(options, io.cwd)
  const places = options.command === undefined && (options.python === undefined || options.model === undefined)
  const whole = <T extends Pick<Result, 'audio' | 'target'>>(of: T): T => ({ ...of, audio: { ...of.audio, ...content.audio }, target: { ...of.target, ...content.model(of.target.files) } })
  try {
    const result = whole(await measureConditions(options, {
      io, version, signal, tell: progress.tell, reference: before.reference ?? (options.audio === undefined ? clipText() : null),
      judge: (measured, setting) => decisionsOf(measured, whole(setting), places, options, before),
    }))
    return { result: { ...result, ...machineFactor(result, before.result) }, exitCode: exitCodeOf(result) }
  } finally {
    progress.clear()
  }
}

/** What the recording and the model hold, to be known again. A model that is known by its name has no files here. */
function contents(options: BenchOptions, cwd: string): { readonly audio: { readonly content?: string }; model(graphs?: readonly string[]): { readonly content?: string } } {
  const field = (content: string | null) => (content === null ? {} : { content })
  let model: { readonly content?: string } | null = null
  return {
    audio: field(options.audio === undefined ? bytesContent(clipWav()) : contentOf([absolute(options.audio, cwd)])),
    model: (graphs) => (model ??= options.model === undefined ? {} : field(contentOf(modelFiles(absolute(options.model, cwd), graphs)))),
  }
}
