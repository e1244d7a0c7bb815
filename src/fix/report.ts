import { Chalk, type ChalkInstance } from 'chalk'
import { clean, cleaned } from '../report/clean.ts'
import { wrap } from '../report/wrap.ts'
import { sober, soberJson } from '../sober.ts'
import { targetName } from '../target-name.ts'
import type { Change, CheckId, Fix, Target } from '../types.ts'
import { shownDiff } from './discreet.ts'
import { mergedChanges } from './draft.ts'
import type { Offer } from './offer.ts'
import type { Row } from './plan.ts'
import type { Proof } from './proof.ts'
import type { Step } from './steps.ts'
import { scriptFor } from './edits/windows-path.ts'

export interface Told {
  readonly target: Target | null
  readonly pid: number | null
  readonly offer: Offer
  readonly steps: readonly Step[]
  /** Fixes with nothing to write, for findings that no change of ours cures. */
  readonly advice: readonly { readonly check: CheckId; readonly fix: Fix }[]
  /** Whether anything that counts was found. */
  readonly found: boolean
  /** Nothing was found, and not everything could be seen; null = it was. */
  readonly unseen: string | null
  /** What was left out or asked for in vain. */
  readonly notes: readonly string[]
  readonly written: readonly string[]
  readonly runId: string | null
  /** The words of a call that writes; null = there is nothing to write. */
  readonly call: string | null
}

/** The `--json` contract, version 1: schema/fix-1.json. The diffs are to be applied in their order. */
export function fixJson({ target, pid, offer, advice, written, runId }: Told): string {
  const rows = [...offer.main.rows, ...offer.risky, ...offer.shown]
  return `${soberJson(cleaned({
    schemaVersion: 1,
    target: target === null ? null : { kind: target.kind, name: targetName(target), ...(target.kind === 'unit' ? { scope: target.scope } : {}), ...(pid === null ? {} : { pid }) },
    changes: [
      ...rows.flatMap(({ wish, changes }) => changes.map((change) => ({ target: change.target, diff: shownDiff(change), safety: wish.fix.safety, check: wish.check }))),
      ...advice.flatMap(({ check, fix }) => snippetsOf(fix).map((each) => ({ target: each.for, diff: each.text, safety: fix.safety, check }))),
    ],
    proof: { gone: offer.proof.gone, stays: offer.proof.stays, appears: offer.proof.appears },
    written,
    runId,
  }))}\n`
}

const snippetsOf = ({ edits }: Fix) => edits.flatMap((edit) => (edit.kind === 'snippet' ? [edit] : []))

/** What would be written, what for, and what the checks say of the machine with it. */
export function fixText({ target, offer, steps, advice, found, unseen, notes, call }: Told, looks: { readonly width: number; readonly colour: boolean }): string {
  const paint = new Chalk({ level: looks.colour ? 1 : 0 })
  const width = Math.max(40, Math.min(looks.width, 100))
  const blocks: string[] = []
  const name = target === null ? '' : target.kind === 'shell' ? 'This shell' : target.kind === 'unit' ? `${clean(targetName(target))} (${target.scope} unit)` : clean(targetName(target))
  const proven = [...offer.main.rows, ...offer.risky]
  if (proven.length + offer.shown.length + offer.rejected.length + advice.length === 0 && !found) {
    return `${wrap(`${unseen === null ? paint.green('✔') : paint.yellow('?')} ${name}: ${[unseen ?? 'nothing to do.', ...notes].map(clean).join(' ')}`, width, '', '  ')}\n`
  }
  const none = [...(unseen === null ? [] : [unseen]), ...notes].map(clean).join(' ') || 'nothing that a proven change cures.'
  blocks.push(proven.length === 0 ? paint.bold(wrap(`${name}: ${none}`, width, '', '  ')) : paint.bold(`${name}: ${proven.length} ${proven.length === 1 ? 'fix' : 'fixes'}, proven on this machine's answers.`))
  if (proven.length > 0) {
    blocks.push(proven.map((row) => headText(row, noteOf(row, offer), paint, width)).join('\n'))
    const diffs = mergedChanges(proven.flatMap(({ changes }) => changes)).map((change) => changeText(change, paint))
    if (diffs.length > 0) blocks.push(diffs.join('\n'))
    blocks.push(proofText(offer.proof, paint, width))
    if (notes.length > 0) blocks.push(notes.map((note) => wrap(clean(note), width, '', '  ')).join('\n'))
  }
  for (const row of offer.shown) {
    const note = row.wish.fix.safety === 'manual' ? 'for you to do; written by nobody else' : `a patch for that source; --output FILE${row.meant ? '' : ` --fix ${row.wish.check}`} keeps it. ${row.proven ? 'It is proven as well' : 'It is not proven: sources are looked through on the disk, so only a check after the change can tell'}`
    blocks.push([headText(row, note, paint, width), ...row.changes.map((change) => changeText(change, paint))].join('\n'))
  }
  if (offer.rejected.length > 0) blocks.push([paint.bold('Not offered'), ...offer.rejected.map(({ wish, because }) => wrap(`${wish.check}: ${clean(wish.fix.title)}. ${clean(because)}`.replace(/\.\. /, '. '), width, '  ', '    '))].join('\n'))
  if (advice.length > 0) blocks.push([paint.bold('For you to do'), ...advice.flatMap(({ check, fix }) => [wrap(`${check}: ${clean(fix.title)}`, width, '  ', '    '), ...snippetsOf(fix).flatMap(({ for: engine, text }) => [`    ${engine}:`, ...text.trimEnd().split('\n').map((line) => `      ${clean(line)}`)]), ...fix.then.map((step) => wrap(clean(step), width, '    ', '      '))])].join('\n'))
  if (proven.length > 0 && steps.length > 0) blocks.push([paint.bold('Then'), ...steps.map(({ words, command }) => (command === null ? wrap(clean(words), width, '  ', '    ') : `  ${clean(words)}`))].join('\n'))
  if (call !== null) blocks.push(`${paint.bold('To write it')}\n  ${clean(call)}`)
  return `${blocks.join('\n\n')}\n`
}

const noteOf = (row: Row, offer: Offer): string | null =>
  row.changes.length === 0 ? 'written already; it waits for the restart' : offer.risky.includes(row) ? `written only with --fix ${row.wish.check}` : null

function headText({ wish }: Row, note: string | null, paint: ChalkInstance, width: number): string {
  const colour = { safe: paint.green, risky: paint.yellow, manual: paint.cyan }[wish.fix.safety]
  return wrap(`${colour(wish.fix.safety)} ${paint.bold(wish.check)}: ${clean(wish.fix.title)}${note === null ? '' : ` (${note})`}`, width, '', '  ')
}

/** No diff can be applied to a registry: what does it there is PowerShell, which also tells the programs that run. */
const changeText = (change: Change, paint: ChalkInstance): string => {
  const script = scriptFor(change)
  return script === null ? diffText(shownDiff(change), paint) : [`In PowerShell, for ${clean(change.target)}:`, ...script.trimEnd().split('\n').map((line) => `  ${clean(line)}`)].join('\n')
}

const diffText = (diff: string, paint: ChalkInstance): string =>
  diff
    .replace(/\n$/, '')
    .split('\n')
    .map(sober)
    .map((line) => (/^(diff|new file|---|\+\+\+)/.test(line) ? paint.dim(line) : line.startsWith('+') ? paint.green(line) : line.startsWith('-') ? paint.red(line) : line))
    .join('\n')

export function proofText({ gone, stays, appears, lost }: Proof, paint: ChalkInstance, width: number): string {
  const line = (label: string, ids: readonly string[]) => (ids.length === 0 ? [] : [wrap(ids.join(', '), width, `  ${label.padEnd(9)}`, ' '.repeat(11))])
  return [
    wrap(`${paint.bold('Proof')}: the checks, run on this machine's answers with the change laid over them. What only the running service can show is looked at after its restart.`, width, '', '  '),
    ...line('gone', gone), ...line('stays', stays), ...line('appears', appears),
    ...lost.map(({ check, because }) => wrap(`${check}: ${clean(because)}`, width, '  unclear  ', ' '.repeat(11))),
  ].join('\n')
}
