import { Chalk, type ChalkInstance } from 'chalk'
import { allChecks, familyOf } from '../load.ts'
import { worstFirst } from '../summary.ts'
import { targetName } from '../target-name.ts'
import type { CheckId, Edit, Finding, Fix, Report, Severity } from '../types.ts'
import { clean } from './clean.ts'
import { environmentTable } from './environment.ts'
import { placeOf } from './place.ts'
import { hypothesesBlock, verdictBlock } from './verdict.ts'
import { clipped, wrap } from './wrap.ts'

export interface Looks {
  readonly width: number
  readonly colour: boolean
  readonly detail: 'quiet' | 'normal' | 'verbose'
  /** One of several reports: a line by itself has to say whom it concerns. */
  readonly named?: boolean
}

/** The report for people: worst first, then what could not be seen, then what is healthy. */
export function textReport(report: Report, looks: Looks): string {
  const paint = new Chalk({ level: looks.colour ? 1 : 0 })
  const width = Math.max(40, Math.min(looks.width, 100))
  const found = findingsOf(report)
  if (looks.detail === 'quiet') return found.map(({ id, finding }) => `${looks.named ? `${nameOf(report)}: ` : ''}${finding.severity} ${id} ${clean(finding.cause)}\n`).join('')
  const unknown = [...report.outcomes].flatMap(([id, outcome]) => (outcome.status === 'unknown' ? [{ id, outcome }] : []))
  const crashed = [...report.outcomes].flatMap(([id, outcome]) => (outcome.status === 'crashed' ? [{ id, outcome }] : []))
  const name = nameOf(report)
  const healthy = found.length === 0 && unknown.length === 0 && crashed.length === 0
  const blocks: string[] = []
  if (healthy) blocks.push(wrap(`${paint.green('✔')} ${name}: ${healthyWords(report)}`, width, '', '  '))
  else {
    blocks.push(wrap(`${paint.bold(name)}: ${countWords(report)}`, width))
    blocks.push(...found.map(({ id, finding }) => findingBlock(id, finding, report.allowed.has(id), paint, width)))
    if (crashed.length > 0) {
      blocks.push([paint.red.bold('The doctor itself failed here; please report it'), ...crashed.map(({ id, outcome }) => wrap(clean(`${id}: ${outcome.error}`), width, '  ', '    '))].join('\n'))
    }
    if (unknown.length > 0) blocks.push(unknownBlock(unknown.map(({ id, outcome }) => ({ id, because: outcome.because, how: outcome.how })), paint, width))
  }
  blocks.push(...[verdictBlock(report, paint, width), hypothesesBlock(report.hypotheses, paint, width)].flatMap((block) => block ?? []))
  if (report.environment.length > 0 && (looks.detail === 'verbose' || found.some(({ id }) => id === 'service/environment-differs'))) {
    blocks.push(environmentTable(report.environment, paint, width))
  }
  if (looks.detail === 'verbose') blocks.push(everyCheck(report, paint, width))
  else if (!healthy && passedOf(report).length > 0) blocks.push(wrap(`${paint.green('Healthy')}: ${healthySummary(report)}.`, width, '', '  '))
  if (report.neighbours.length > 0) blocks.push(neighbourBlock(report, paint, width))
  return `${blocks.join('\n\n')}\n`
}

interface Found {
  readonly id: CheckId
  readonly finding: Finding
}

/** All findings, worst first; among equals, what counts before what is allowed, then report order. */
function findingsOf(report: Report): readonly Found[] {
  return [...report.outcomes]
    .flatMap(([id, outcome]) => (outcome.status === 'found' ? outcome.findings.map((finding) => ({ id, finding })) : []))
    .sort((a, b) => Number(report.allowed.has(a.id)) - Number(report.allowed.has(b.id)) || worstFirst(a.finding.severity, b.finding.severity))
}

function nameOf(report: Report): string {
  const { target, pid } = report
  if (target.kind === 'shell') return target.files === undefined ? 'This shell' : 'The files given'
  if (target.kind === 'pid') return `Process ${target.pid}`
  const name = clean(targetName(target))
  if (target.kind !== 'unit') return name
  return `${name} (${target.scope} unit${pid === null ? ', not running' : `, pid ${pid}`})`
}

const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`

function countWords({ summary }: Report): string {
  const counts = [
    ...(summary.errors > 0 ? [plural(summary.errors, 'error')] : []),
    ...(summary.warnings > 0 ? [plural(summary.warnings, 'warning')] : []),
    ...(summary.infos > 0 ? [plural(summary.infos, 'note')] : []),
    ...(summary.crashed > 0 ? [`${plural(summary.crashed, 'check')} failed`] : []),
    ...(summary.unknown > 0 ? [`${summary.unknown} not to be seen`] : []),
  ]
  return counts.length > 0 ? `${counts.join(', ')}.` : 'nothing that counts.'
}

const passedOf = (report: Report): readonly CheckId[] => [...report.outcomes].flatMap(([id, { status }]) => (status === 'passed' ? [id] : []))

function healthyWords(report: Report): string {
  const passed = passedOf(report)
  if (report.target.files !== undefined && report.target.kind === 'shell') return `nothing in them that is known here points to a fault (${healthySummary(report)}).`
  return passed.length === 0 ? `${report.outcomes.size < allChecks().length ? 'none of the checks asked for concerns it' : 'nothing here concerns speech recognition'}; no fault found.` : `healthy (${healthySummary(report)}).`
}

/** Passed checks by family, as counts: `cuda 6, cudnn 3`. */
function healthySummary(report: Report): string {
  const families = new Map<string, number>()
  for (const id of passedOf(report)) families.set(familyOf(id), (families.get(familyOf(id)) ?? 0) + 1)
  return `${plural(passedOf(report).length, 'check')} passed: ${[...families].map(([family, n]) => `${family} ${n}`).join(', ')}`
}

const BADGE: Readonly<Record<Severity, (paint: ChalkInstance) => string>> = {
  error: (paint) => paint.red.bold('ERROR'),
  warning: (paint) => paint.yellow.bold('WARNING'),
  info: (paint) => paint.cyan.bold('NOTE'),
}

function findingBlock(id: CheckId, finding: Finding, allowed: boolean, paint: ChalkInstance, width: number): string {
  const certainty = finding.confidence === 'certain' ? '' : ` (${finding.confidence})`
  const lines = [`${BADGE[finding.severity](paint)} ${paint.bold(id)}${paint.dim(`${certainty}${allowed ? ' (allowed)' : ''}`)}`, wrap(clean(finding.cause), width, '  ')]
  for (const { source, saw } of finding.evidence) lines.push(evidenceLine(source, saw, paint, width))
  for (const { hypothesis, because } of finding.refuted ?? []) {
    lines.push(wrap(`“${clean(hypothesis).replace(/[.]$/, '')}”: ${clean(because)}`, width, `  ${paint.dim('not')}   `, '        '))
  }
  for (const fix of finding.fixes) lines.push(fixLines(fix, paint, width))
  return lines.join('\n')
}

/** `saw` and where: on one line when it fits, else the place on a line of its own. */
function evidenceLine(source: string, saw: string, paint: ChalkInstance, width: number): string {
  const where = clean(placeOf(source))
  const seen = clean(saw)
  const label = `  ${paint.dim('seen')}  `
  if (8 + seen.length + 6 + where.length <= width) return `${label}${seen} ${paint.dim(`— ${where}`)}`
  return `${wrap(seen, width, label, '        ')}\n        ${paint.dim(`— ${clipped(where, width - 10)}`)}`
}

function fixLines(fix: Fix, paint: ChalkInstance, width: number): string {
  const grade = fix.safety === 'safe' ? '' : ` (${fix.safety})`
  const lines = [wrap(`${clean(fix.title)}${grade}`, width, `  ${paint.green('do')}    `, '        ')]
  for (const edit of fix.edits) lines.push(...editLines(edit).map((line) => `          ${clean(line)}`))
  if (fix.then.length > 0) lines.push(wrap(`then: ${fix.then.map((each) => clean(each).replace(/\.$/, '')).join('; ')}`, width, '        ', '          '))
  return lines.join('\n')
}

/** An edit in the words of the file it changes. */
function editLines(edit: Edit): readonly string[] {
  switch (edit.kind) {
    case 'unit-drop-in': {
      const sections = [...new Set(edit.set.map(({ section }) => section))]
      return sections.flatMap((section) => [
        `[${section}]`,
        ...edit.set.filter((d) => d.section === section).map(({ key, value }) => `${key}=${key === 'Environment' ? JSON.stringify(value).replace(/\\\\/g, '\\') : value}`),
      ])
    }
    case 'env-file':
      return [`${edit.path}:`, ...Object.entries(edit.set).map(([name, value]) => `${name}=${value}`)]
    case 'shell-profile':
      return Object.entries(edit.set).map(([name, value]) => `export ${name}="${value}"`)
    case 'windows-path':
      return edit.add.map((folder) => `PATH (${edit.hive}): ${folder}`)
    case 'snippet':
      return [`${edit.for}:`, ...edit.text.replace(/\n$/, '').split('\n')]
    case 'line':
      return [`${edit.file}:${edit.line}`, `- ${edit.before.trim()}`, ...(edit.after === null ? [] : edit.after.split('\n').map((line) => `+ ${line.trim()}`))]
  }
}

/** One reason often blinds many checks: it is said once, with all their names. */
function unknownBlock(blind: readonly { readonly id: CheckId; readonly because: string; readonly how: string | null }[], paint: ChalkInstance, width: number): string {
  const byReason = new Map<string, { because: string; how: string | null; ids: CheckId[] }>()
  for (const { id, because, how } of blind) {
    const key = `${because}\n${how}`
    const entry = byReason.get(key) ?? { because, how, ids: [] }
    entry.ids.push(id)
    byReason.set(key, entry)
  }
  const lines = [...byReason.values()].flatMap(({ because, how, ids }) => [
    wrap(ids.join(', '), width, '  ', '  '),
    wrap(clean(because), width, '    ', '    '),
    ...(how ? [wrap(clean(how), width, `    ${paint.cyan('to see it')}: `, '      ')] : []),
  ])
  return [paint.bold('Could not be seen'), ...lines].join('\n')
}

function everyCheck(report: Report, paint: ChalkInstance, width: number): string {
  const MARK = { passed: paint.green('✔'), found: paint.red('✘'), unknown: paint.yellow('?'), 'not-applicable': paint.dim('·'), crashed: paint.red('‼') }
  const lines = [...report.outcomes].map(([id, outcome]) => {
    const because = 'because' in outcome ? ` — ${clean(outcome.because)}` : ''
    return wrap(`${id}${outcome.status === 'not-applicable' ? because : ''}`, width, `  ${MARK[outcome.status]} `, '      ')
  })
  return [paint.bold('Every check'), ...lines].join('\n')
}

function neighbourBlock(report: Report, paint: ChalkInstance, width: number): string {
  const lines = report.neighbours.flatMap(({ name, pid, runtime, args }) => [
    wrap(`${clean(name)}${pid === null ? ', not running' : `, pid ${pid}`} (${clean(runtime)})`, width, '  ', '    '),
    `    ${paint.cyan(`asr-doctor check ${clean(args.join(' '))}`)}`,
  ])
  return [paint.bold('Speech services and processes on this machine'), ...lines].join('\n')
}
