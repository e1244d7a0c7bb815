import { changedSince, knownOf, seriesNow, seriesOf, unlike } from './baseline.ts'
import type { BenchOptions } from './command.ts'
import { CannotMeasure } from './engine.ts'
import { FEWEST_FIRST, judgeFirst, judgeRtf, judgeWer, type Decision } from './gate.ts'
import { gpuContention } from './gpu-load.ts'
import { contention } from './load.ts'
import type { Before } from './options.ts'
import type { Measured } from './protocol.ts'
import { missedProvider } from './providers.ts'
import { judgeRegression } from './regression.ts'
import { rtfOf, textOf, type Setting } from './result.ts'
import { judgeSpeech, judgeText, speechOf } from './transcript.ts'
import type { Result } from './types.ts'

/** What the options say of a measurement, whole or in the making. `places`: its target tells where its nodes ran once that was looked at. */
export function decisionsOf(measured: Measured, setting: Setting, places: boolean, options: BenchOptions, before: Before): readonly Decision[] {
  const { logicalCores } = setting.machine
  const gpu = gpuContention(measured.gpus ?? null, setting.provider)
  const others = { cpu: contention(measured.load, logicalCores), gpu }
  const limit = options.maxRtf ?? (options.minRtfx === undefined ? null : 1 / options.minRtfx)
  const wer = options.maxWer === undefined ? null : (textOf(measured, setting.reference)?.wer ?? null)
  const known = measured.placement.length > 0 || !places
  return [
    ...(limit === null ? [] : [judgeRtf(rtfOf(measured, setting.audio.seconds), limit, others.cpu ?? gpu, options.maxRtf === undefined ? '--min-rtfx' : '--max-rtf')]),
    ...(options.maxFirstMs === undefined ? [] : [judgeFirst(firstRuns(measured, setting), options.maxFirstMs, whileFirst(measured, setting) ?? gpu, setting.target.kind === 'url' ? 1 : FEWEST_FIRST)]),
    ...(wer === null ? [] : [judgeWer(wer, options.maxWer!)]),
    ...(before.result === null ? [] : [againstBaseline(measured, setting, before.result, known, others, options)]),
    ...judgeText(measured, setting.reference, setting.silent),
    ...judgeSpeech(speechOf(measured), setting.reference, setting.silent),
  ]
}

/** Every run of a command is the first of a fresh process. */
const freshEveryRun = ({ target }: Pick<Setting, 'target'>): boolean => target.kind === 'command'

const firstRuns = (measured: Measured, setting: Setting): readonly number[] => [...measured.cold.map(({ firstMs }) => firstMs), ...(freshEveryRun(setting) ? measured.runs.map(({ run }) => run.wallMs) : [])]

function whileFirst({ coldLoad, load }: Measured, { target, machine }: Setting): string | null {
  const cold = contention(coldLoad ?? load, machine.logicalCores)
  return cold ?? (freshEveryRun({ target } as Setting) ? contention(load, machine.logicalCores) : null)
}

export const NO_YARDSTICK = 'This target has no yardstick that could be measured beside its runs on what it runs on, and without one a slow hour looks like a slow program, so it cannot be compared with a baseline. --max-rtf and --min-rtfx set it a limit.'

function againstBaseline(measured: Measured, setting: Setting, before: Result, known: boolean, others: { readonly cpu: string | null; readonly gpu: string | null }, options: BenchOptions): Decision {
  // Where the provider asked for was not used that is the answer, and with the baseline's nothing was measured that could be compared.
  if (missedProvider(setting.provider)) return { rule: '--max-regression', state: 'inconclusive', because: `Nothing was compared with the baseline, since the work was not done on ${setting.provider.asked[0]}.` }
  if (measured.runs.some(({ calibration }) => calibration === null)) throw new CannotMeasure(NO_YARDSTICK)
  const terms = { allowed: allowedOf(options), crossMachine: options.crossMachine === true, others, threads: options.threads ?? null }
  // Until it is known where the nodes ran: as in the baseline, or it will not be compared at all.
  if (!known || measured.runs.length === 0) return judgeRegression(seriesNow(measured), seriesOf(before), { ...terms, tier: before.provider.tier })
  const now = { ...setting, tool: { version: setting.version }, machine: { ...setting.machine, ...(measured.gpus ? { gpus: measured.gpus } : {}) } }
  refuseUnlike(unlike(knownOf(now), knownOf(before), terms.crossMachine), options, setting.provider.because)
  const changed = changedSince(now, before)
  return judgeRegression(seriesNow(measured), seriesOf(before), { ...terms, tier: now.provider.tier, notes: changed === null ? [] : [changed] })
}

/** `because`: why a faster provider was not used, which may be what made the difference. */
export function refuseUnlike(different: string | null, { baseline }: Pick<BenchOptions, 'baseline'>, because: string | null = null): void {
  if (different !== null) throw new CannotMeasure(`The baseline ${baseline} was taken under other conditions, so it says nothing about this measurement: ${different}.${because === null ? '' : ` A faster provider is installed and was not used: ${because}`}`)
}

/** Another machine differs in more than its speed: how much memory and arithmetic cost beside each other is its own. */
const CROSS_MACHINE = 0.2
const allowedOf = ({ maxRegression, crossMachine }: BenchOptions): number => (crossMachine ? Math.max(CROSS_MACHINE, maxRegression ?? 0) : (maxRegression ?? 0.1))

/** Whether more of these may settle what is open. A first run is had from a fresh process only. */
export function moreHelps(decisions: readonly Decision[], of: 'runs' | 'launches', setting: Pick<Setting, 'target' | 'provider'>): boolean {
  // Whatever else is found: it will be said that the provider asked for was not used.
  if (missedProvider(setting.provider)) return false
  return decisions.some(({ state, rule }) => state === 'inconclusive' && (rule === '--max-first-ms' && !freshEveryRun(setting) ? 'launches' : 'runs') === of)
}

export function exitCodeOf(result: Result): number {
  if (result.interrupted) return 130
  if (missedProvider(result.provider)) return 5
  // No run ended, so nothing was measured that could pass.
  if (result.rtf === null) return 4
  return { pass: 0, fail: 1, inconclusive: 3 }[result.gate?.state ?? 'pass']
}
