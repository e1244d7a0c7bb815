import { FEWEST_RUNS, figure, percent } from './gate.ts'
import type { ConditionsSide, Ratio, Result } from './types.ts'

export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
}

/** The report for people. RTF and RTFx are always named; a bare "12x" would mean either. */
export function textReport(result: Result, paint: Paint): string {
  const { rtf, target, audio, provider } = result
  const threads = `${target.threads === null ? '' : `, ${target.threads} ${target.threads === 1 ? 'thread' : 'threads'}`}${target.precision ? `, ${target.precision}` : ''}`
  const lines = [
    paint.bold(`${target.name}${target.runtime ? ` on ${target.runtime}` : ''}`),
    ...row('Audio', `${audio.seconds.toFixed(1)} s from ${audio.source} (${audio.form})`),
    ...row('Provider', providerLine(result, threads)),
    ...(target.files === undefined ? [] : row('Files', target.files.join(', '))),
  ]
  if (rtf !== null) {
    lines.push(
      ...row('RTF', `${paint.bold(figure(rtf.median))}  ${spread(rtf)}  (processing time ÷ audio length, lower is better)`),
      ...row('RTFx', `${paint.bold(figure(result.rtfx!))}  (audio length ÷ processing time, higher is better)`),
      ...row('Run', `${milliseconds(rtf.median * audio.seconds * 1000)} wall time${cpuLine(result)}`),
    )
  }
  if (result.firstMs !== null) {
    const load = result.loadMs === null ? '' : `load ${milliseconds(result.loadMs)}, `
    lines.push(...row('Cold', `${load}first run ${milliseconds(result.firstMs)}  (median of ${count(result.cold.length, 'fresh process', 'fresh processes')})`))
  }
  const phases = Object.entries(result.phases)
  if (phases.length > 0) {
    const total = phases.reduce((sum, [, { wallMs }]) => sum + wallMs, 0)
    lines.push('', paint.dim('  Phase        wall time     share    CPU time'))
    for (const [name, { wallMs, cpuMs }] of phases) lines.push(`  ${name.padEnd(10)} ${milliseconds(wallMs).padStart(11)} ${percent(wallMs / total).padStart(9)} ${milliseconds(cpuMs).padStart(11)}`)
  }
  if (result.speech) lines.push('', ...row('Speech', `${percent(result.speech.share)} of the recording was taken for speech`))
  if (result.text) {
    const { wer, empty, heard } = result.text
    lines.push('', ...row('Text', empty ? paint.bad('nothing was heard') : JSON.stringify(heard.length > 100 ? `${heard.slice(0, 100)}…` : heard)))
    if (wer !== null) lines.push(...row('WER', `${percent(wer)}  (word errors ÷ words said, lower is better)`))
  }
  if (result.concurrency) lines.push('', ...crowdTable(result.concurrency, paint))
  if (provider.placement.length > 0) lines.push(...row('Placement', provider.placement.map(({ provider: name, nodes }) => `${count(nodes, 'node')} on ${name}`).join(', ')))
  for (const { rtfx, device, precision, source, date } of result.expected ?? []) lines.push(...row('Published', `RTFx ${rtfx.low === rtfx.high ? figure(rtfx.low) : `${figure(rtfx.low)} to ${figure(rtfx.high)}`} for this model in ${precision} on a ${device}, one recording at a time  ${paint.dim(`(${source}, ${date})`)}`))
  if (target.pieceSeconds !== undefined && audio.seconds > target.pieceSeconds) lines.push(...row('Pieces', `heard in ${Math.ceil(audio.seconds / target.pieceSeconds)} pieces of up to ${target.pieceSeconds} s, one after another`))
  lines.push(...conditionsLines(result, paint))
  if (result.doubts.length > 0) lines.push('', ...result.doubts.map(({ kind, because, how }) => `${paint.warn(`! ${kind}`)}  ${because}${how ? ` ${how}` : ''}`))
  return `${lines.join('\n')}\n`
}

/** The service's place beside the shell's, and what each thing changed alone is worth. */
function conditionsLines({ conditions, factors }: Result, paint: Paint): readonly string[] {
  const lines: string[] = []
  if (conditions !== undefined) {
    const { service, shell, ratio, notCarried } = conditions
    const side = (of: ConditionsSide) => of.failed ?? `RTF ${of.rtf === null ? 'not known' : figure(of.rtf)}${of.wallMs === null ? '' : `, ${milliseconds(of.wallMs)} wall time`}${of.cpuMs === null ? '' : `, ${milliseconds(of.cpuMs)} CPU time`}${of.provider === null ? '' : `, on ${of.provider}`}${of.user === null ? '' : ` (as ${of.user})`}`
    lines.push('', ...row('Service', `${side(service)}  ${paint.dim(`(a process of its own in the place of ${conditions.unit})`)}`), ...row('Shell', side(shell)))
    if (ratio !== null) lines.push(...row('Ratio', `${paint.bold(figure(ratio.median))} times as long in the service as in this shell  ${range(ratio)}`))
    for (const sentence of conditions.explained) lines.push(...row('', sentence))
    if (ratio !== null && conditions.explained.length === 0) lines.push(...row('', apart(ratio) ? 'The counters show no cause; --vary env,quota,memory changes one thing at a time.' : 'That is no difference that could be measured.'))
    if (conditions.shellNote !== null) lines.push(...row('', conditions.shellNote))
    for (const { key, because } of notCarried) lines.push(...row('Left out', `${key}: ${because}.`))
  }
  if (factors !== undefined && factors.length > 0) {
    lines.push('')
    for (const { name, from, ratio, because } of factors) lines.push(...row(name, `${ratio === null ? '' : `${paint.bold(figure(ratio.median))}  ${from === 'call' ? '' : from === 'service' ? 'taken from the service  ' : 'put upon the shell  '}`}${because}`))
    if (factors.length > 1) lines.push(paint.dim('  One thing was changed at a time; together they need not come to the whole.'))
  }
  return lines
}

const range = ({ low, high, pairs }: Ratio): string => (pairs < FEWEST_RUNS ? `${pairs} ${pairs === 1 ? 'pair' : 'pairs'} of runs` : `95 % interval ${figure(low)} to ${figure(high)}, ${pairs} pairs of runs`)
const apart = ({ low, high, pairs }: Ratio): boolean => pairs >= FEWEST_RUNS && (low > 1 || high < 1)

function crowdTable(levels: NonNullable<Result['concurrency']>, paint: Paint): readonly string[] {
  return [
    paint.dim('  At once  RTFx of all     p50 (empirical)         p95      answered'),
    ...levels.map(({ level, rtfx, latencyMs, requests, failed }) => {
      const [p50, p95] = latencyMs === null ? ['–', '–'] : [milliseconds(latencyMs.p50), milliseconds(latencyMs.p95)]
      const lost = Object.entries(failed)
      const answered = requests - lost.reduce((sum, [, times]) => sum + times, 0)
      return `  ${String(level).padEnd(7)} ${(rtfx === null ? '–' : figure(rtfx)).padStart(12)} ${p50.padStart(19)} ${p95.padStart(11)}  ${`${answered} of ${requests}`.padStart(12)}${lost.map(([what, times]) => paint.warn(`  ${what}: ${times}`)).join('')}`
    }),
  ]
}

/** One line for the log of a CI job. */
export function summaryLine(result: Result, paint: Paint): string {
  const figures = result.rtf === null ? 'no run ended' : `RTF ${figure(result.rtf.median)}, RTFx ${figure(result.rtfx!)} on ${result.provider.used ?? 'a provider that is not known'}`
  const wrong = result.doubts.find(({ kind }) => kind === 'not-the-provider-asked-for')
  if (result.interrupted) return `asr-doctor bench: ${paint.warn('interrupted')}: ${figures}`
  if (wrong) return `asr-doctor bench: ${paint.bad('wrong provider')}: ${wrong.because}`
  if (!result.gate) return `asr-doctor bench: ${figures}`
  const { state, because } = result.gate
  return `asr-doctor bench: ${state === 'pass' ? paint.good('pass') : state === 'fail' ? paint.bad('fail') : paint.warn('inconclusive')}: ${figures}. ${because}`
}

function providerLine({ provider }: Result, threads: string): string {
  if (provider.used === null) return provider.because ? `none ran (asked for: ${provider.asked.join(', ')})` : provider.asked.length > 0 ? 'not looked at' : 'not told by this target'
  const asked = provider.asked.filter((name) => name !== provider.used && name !== 'auto')
  return `${provider.used}${threads}${asked.length > 0 ? ` (asked for: ${provider.asked.join(', ')})` : ''}`
}

function cpuLine({ runs }: Result): string {
  const cpu = runs.map((run) => run.cpuMs).filter((ms) => ms !== null)
  if (cpu.length === 0) return ''
  const sorted = [...cpu].sort((a, b) => a - b)
  return `, ${milliseconds(sorted[sorted.length >> 1]!)} CPU time`
}

/** Few runs have a range; an interval of the median needs more of them. */
function spread({ low, high, samples }: NonNullable<Result['rtf']>): string {
  if (samples.length >= FEWEST_RUNS) return `95 % interval of the median ${figure(low)} to ${figure(high)}, ${samples.length} runs`
  return samples.length === 1 ? '1 run' : `${figure(Math.min(...samples))} to ${figure(Math.max(...samples))} in ${samples.length} runs`
}

const row = (label: string, text: string): readonly string[] => [`  ${label.padEnd(10)} ${text}`]
const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`
const milliseconds = (ms: number): string => (ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`)
