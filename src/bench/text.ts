import { FEWEST_RUNS, figure, percent } from './gate.ts'
import type { Result } from './types.ts'

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
  const threads = target.threads === null ? '' : `, ${target.threads} ${target.threads === 1 ? 'thread' : 'threads'}`
  const lines = [
    paint.bold(`${target.name}${target.runtime ? ` on ${target.runtime}` : ''}`),
    ...row('Audio', `${audio.seconds.toFixed(1)} s from ${audio.source} (${audio.form})`),
    ...row('Provider', providerLine(result, threads)),
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
  if (result.text) {
    const { wer, empty, heard } = result.text
    lines.push('', ...row('Text', empty ? paint.bad('nothing was heard') : JSON.stringify(heard.length > 100 ? `${heard.slice(0, 100)}…` : heard)))
    if (wer !== null) lines.push(...row('WER', `${percent(wer)}  (word errors ÷ words said, lower is better)`))
  }
  if (provider.placement.length > 0) lines.push(...row('Placement', provider.placement.map(({ provider: name, nodes }) => `${count(nodes, 'node')} on ${name}`).join(', ')))
  if (result.doubts.length > 0) lines.push('', ...result.doubts.map(({ kind, because, how }) => `${paint.warn(`! ${kind}`)}  ${because}${how ? ` ${how}` : ''}`))
  return `${lines.join('\n')}\n`
}

/** One line for the log of a CI job. */
export function summaryLine(result: Result, paint: Paint): string {
  const figures = result.rtf === null ? 'no run ended' : `RTF ${figure(result.rtf.median)}, RTFx ${figure(result.rtfx!)} on ${result.provider.used ?? 'a provider that is not known'}`
  const refused = result.provider.used === null ? null : result.doubts.find(({ kind }) => kind === 'not-the-provider-asked-for')
  const wrong = refused ?? (result.rtf === null ? result.doubts.find(({ kind }) => kind === 'not-the-provider-asked-for') : undefined)
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
