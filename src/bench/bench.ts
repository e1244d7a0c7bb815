import { readFileSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { colourOn, widthOf, type Io } from '../io.ts'
import { fitted } from '../report/wrap.ts'
import { sober, soberJson } from '../sober.ts'
import { WrongCall } from '../wrong-call.ts'
import { BadAudio } from './audio/bad-audio.ts'
import { clipText } from './audio/clip.ts'
import { prepareAudio, type Prepared } from './audio/prepare.ts'
import { parseBaseline, seriesOf, unlike } from './baseline.ts'
import type { BenchOptions } from './command.ts'
import { CannotMeasure, Interrupted } from './engine.ts'
import { judgeFirst, judgeRegression, judgeRtf, judgeWer, type Decision } from './gate.ts'
import { contention } from './load.ts'
import { machineHere } from './machine.ts'
import { progressLine } from './progress.ts'
import { measure, type Measured } from './protocol.ts'
import { resultOf, rtfOf, type Setting } from './result.ts'
import type { Subject } from './subject.ts'
import { speaks, subjectOf } from './targets/index.ts'
import { summaryLine, textReport, type Paint } from './text.ts'
import { judgeSpeech, judgeText } from './transcript.ts'
import type { Provider, Result } from './types.ts'

/** The whole command. Resolves to the exit code. */
export async function bench(options: BenchOptions, io: Io, version: string): Promise<number> {
  const colour = colourOn(io.stdout, io.env, true)
  const before = checkOptions(options, io)
  // With --python it is for a library of that, which says itself what it can load.
  if (options.model !== undefined && options.python === undefined) {
    const { detects } = await (await import('./recogniser/recognise.ts')).recognised(absolute(options.model, io.cwd))
    if (detects && options.maxWer !== undefined) throw new WrongCall(`--max-wer needs a recogniser that writes text; --model ${options.model} only tells speech from silence.`)
  }
  const abort = new AbortController()
  const stop = () => abort.abort()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, stop)
  const held: { audio: Prepared | null; subject: Subject | null } = { audio: null, subject: null }
  try {
    const outcome = async () => {
      if (options.unit !== undefined || options.vary !== undefined) return inPlaces(options, io, version, before, abort.signal)
      const audio = (held.audio = prepareAudio(options.audio === undefined ? null : absolute(options.audio, io.cwd), options.command !== undefined || options.url !== undefined))
      const subject = (held.subject = await subjectOf(options, io, audio, abort.signal))
      return run(options, io, version, subject, audio, before)
    }
    const { result, exitCode } = await outcome()
    // Half a measurement, or one of another provider, is nothing to compare with.
    if (options.saveBaseline !== undefined && result.rtf !== null && exitCode !== 130 && exitCode !== 5) save(options.saveBaseline, result, io)
    const width = io.stdout.isTTY ? widthOf(io.stdout) : null
    io.stdout.write(options.json ? `${soberJson(result)}\n` : fitted(sobered(textReport(result, paint(colour))), width))
    const summary = summaryLine(result, paint(options.json ? false : colour))
    if (options.json) io.stderr.write(`${sober(summary)}\n`)
    else io.stdout.write(`\n${fitted(sobered(summary), width)}\n`)
    return exitCode
  } catch (error) {
    if (error instanceof Interrupted) {
      const nothing = 'It was interrupted before anything had run.'
      if (options.json) io.stdout.write(`${soberJson({ schemaVersion: 1, tool: { name: 'asr-doctor', version }, error: nothing })}\n`)
      io.stderr.write(`asr-doctor bench: ${paint(false).warn('interrupted')}: nothing had run.\n`)
      return 130
    }
    if (!(error instanceof CannotMeasure) && !(error instanceof BadAudio)) throw error
    if (options.json) io.stdout.write(`${soberJson({ schemaVersion: 1, tool: { name: 'asr-doctor', version }, error: error.message })}\n`)
    io.stderr.write(`asr-doctor bench: ${paint(false).bad('could not measure')}: ${sober(error.message)}\n`)
    return 4
  } finally {
    held.audio?.remove()
    held.subject?.remove?.()
    for (const name of signals) process.off(name, stop)
  }
}

async function run(options: BenchOptions, io: Io, version: string, subject: Subject, audio: Prepared, before: Before): Promise<{ readonly result: Result; readonly exitCode: number }> {
  const machine = machineHere()
  const reference = before.reference ?? (options.audio === undefined ? clipText() : null)
  const settingOf = (provider: Provider): Setting => ({
    version, target: subject.target(), workload: subject.workload, audio: { seconds: audio.seconds, source: options.audio ?? 'the reference clip', form: audio.form },
    audioWarnings: audio.warnings, silent: audio.silent, provider, reference, machine,
  })
  const decide = (measured: Measured): readonly Decision[] => decisionsOf(measured, settingOf(subject.provider(measured)), subject.plan.place, options, before)
  const progress = progressLine(io.stderr)
  try {
    const measured = await measure(subject.engine, subject.plan, (so) => decide(so).some(({ state }) => state === 'inconclusive'), progress.tell, subject.opened)
    const provider = subject.provider(measured)
    const result = resultOf(measured, settingOf(provider), measured.runs.length === 0 ? [] : decide(measured))
    return { result, exitCode: exitCodeOf(result) }
  } catch (error) {
    const provider = error instanceof CannotMeasure ? subject.refused(error) : null
    if (provider === null) throw error
    const nothing: Measured = { cold: [], coldRuns: [], warmUp: { runs: 0, steady: false }, runs: [], placement: [], agreement: null, load: null, interrupted: false }
    return { result: resultOf(nothing, settingOf(provider), []), exitCode: 5 }
  } finally {
    progress.clear()
  }
}

/** In the place of a service, or with one thing changed at a time. */
async function inPlaces(options: BenchOptions, io: Io, version: string, before: Before, signal: AbortSignal): Promise<{ readonly result: Result; readonly exitCode: number }> {
  const { measureConditions } = await import('./conditions/run.ts')
  const progress = progressLine(io.stderr)
  try {
    const result = await measureConditions(options, {
      io, version, signal, tell: progress.tell, reference: before.reference ?? (options.audio === undefined ? clipText() : null),
      judge: (measured, setting) => decisionsOf(measured, setting, setting.target.kind === 'embedded' || setting.target.kind === 'model', options, before),
    })
    return { result, exitCode: exitCodeOf(result) }
  } finally {
    progress.clear()
  }
}

/** `places`: whether the target tells where its nodes ran, once that has been looked at. */
function decisionsOf(measured: Measured, setting: Setting, places: boolean, options: BenchOptions, before: Before): readonly Decision[] {
  const others = contention(measured.load, setting.machine.logicalCores)
  const rtf = rtfOf(measured, setting.audio.seconds)
  const limit = options.maxRtf ?? (options.minRtfx === undefined ? null : 1 / options.minRtfx)
  const result = resultOf(measured, setting, [])
  if (before.result !== null && measured.runs.length > 0 && (measured.placement.length > 0 || !places)) {
    const different = unlike(result, before.result, options.crossMachine === true)
    if (different !== null) throw new CannotMeasure(`The baseline ${options.baseline} was taken under other conditions, so it says nothing about this measurement: ${different}.`)
  }
  return [
    ...(limit === null ? [] : [judgeRtf(rtf, limit, others, options.maxRtf === undefined ? '--min-rtfx' : '--max-rtf')]),
    ...(options.maxFirstMs === undefined ? [] : [judgeFirst(measured.cold.map(({ firstMs }) => firstMs), options.maxFirstMs, others)]),
    ...(options.maxWer === undefined || result.text?.wer == null ? [] : [judgeWer(result.text.wer, options.maxWer)]),
    ...(before.result === null ? [] : [judgeRegression(seriesOf(result), seriesOf(before.result), allowedOf(options), result.provider.tier !== 'gpu', options.crossMachine === true)]),
    ...judgeText(measured, setting.reference, setting.silent),
    ...judgeSpeech(result.speech ?? null, setting.reference, setting.silent),
  ]
}

/** Another machine differs in more than its speed: how much memory and arithmetic cost beside each other is its own. */
const CROSS_MACHINE = 0.2
const allowedOf = ({ maxRegression, crossMachine }: BenchOptions): number => (crossMachine ? Math.max(CROSS_MACHINE, maxRegression ?? 0) : (maxRegression ?? 0.1))

export function exitCodeOf(result: Result): number {
  if (result.interrupted) return 130
  if (result.doubts.some(({ kind }) => kind === 'not-the-provider-asked-for')) return 5
  return { pass: 0, fail: 1, inconclusive: 3 }[result.gate?.state ?? 'pass']
}

interface Before {
  readonly result: Result | null
  readonly reference: string | null
}

/** Everything that can be wrong with the call, before anything is started. */
function checkOptions(options: BenchOptions, io: Io): Before {
  if (options.maxRegression !== undefined && options.baseline === undefined) throw new WrongCall('--max-regression goes with --baseline FILE.')
  if (options.crossMachine && options.baseline === undefined) throw new WrongCall('--cross-machine goes with --baseline FILE.')
  if ((options.user || options.system) && options.unit === undefined) throw new WrongCall(`--${options.user ? 'user' : 'system'} goes with --unit NAME.`)
  if (options.user && options.system) throw new WrongCall('--user and --system exclude each other; name one.')
  const ofService = options.vary?.find((name) => name === 'env' || name === 'quota' || name === 'memory')
  if (ofService !== undefined && options.unit === undefined) throw new WrongCall(`--vary ${ofService} goes with --unit NAME: it is the service's ${ofService} that is changed.`)
  if (options.vary !== undefined && options.url !== undefined) throw new WrongCall('--vary does not go with --url: the server runs where it runs.')
  if (options.engine !== undefined && (options.python === undefined || options.model === undefined)) throw new WrongCall('--engine goes with --python and --model.')
  if (options.concurrency !== undefined && options.url === undefined) throw new WrongCall('--concurrency goes with --url: everything else runs one recording at a time.')
  if (options.urlModel !== undefined && options.url === undefined) throw new WrongCall('--url-model goes with --url.')
  if (options.maxWer !== undefined && !speaks(options)) throw new WrongCall('--max-wer needs a recogniser that writes text, given with --model, --command or --url; the built-in networks have random weights and understand nothing.')
  if (options.maxWer !== undefined && options.audio !== undefined && options.reference === undefined) throw new WrongCall('--max-wer needs to know what is said in --audio: give the text with --reference FILE.')
  if (options.reference !== undefined && !speaks(options)) throw new WrongCall('--reference goes with --model, --command or --url: the built-in networks make no text that could be compared.')
  if (options.reference !== undefined && options.audio === undefined) throw new WrongCall('--reference goes with --audio: the text of the built-in clip is known.')
  const reference = options.reference === undefined ? null : readText('--reference', options.reference, io)
  if (options.baseline === undefined) return { result: null, reference }
  const parsed = parseBaseline(readText('--baseline', options.baseline, io))
  if (typeof parsed === 'string') throw new WrongCall(`--baseline ${options.baseline} ${parsed}.`)
  return { result: parsed, reference }
}

function readText(option: string, path: string, io: Io): string {
  try {
    return readFileSync(absolute(path, io.cwd), 'utf8')
  } catch (error) {
    throw new WrongCall(`${option} ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

function save(path: string, result: Result, io: Io): void {
  try {
    writeFileSync(absolute(path, io.cwd), `${soberJson(result)}\n`)
  } catch (error) {
    throw new CannotMeasure(`The baseline could not be written to ${path} (${(error as NodeJS.ErrnoException).code}).`)
  }
}

const absolute = (path: string, cwd: string) => (isAbsolute(path) ? path : join(cwd, path))

/** Names and texts come from outside; our own colours and line ends stay. */
const sobered = (text: string): string => text.split('\n').map((line) => line.split(/(\u001b\[\d+m)/).map((piece, i) => (i % 2 === 1 ? piece : sober(piece))).join('')).join('\n')

function paint(colour: boolean): Paint {
  const style = (open: number, close: number) => (text: string) => (colour ? `\u001b[${open}m${text}\u001b[${close}m` : text)
  return { bold: style(1, 22), dim: style(2, 22), good: style(32, 39), bad: style(31, 39), warn: style(33, 39) }
}
