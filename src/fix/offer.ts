import { gatherer } from '../gather.ts'
import { hostOf } from '../host/host.ts'
import type { CheckId, Edit, Finding, Fix } from '../types.ts'
import type { Writer } from './draft.ts'
import { plan, type Plan, type Row, type Wish } from './plan.ts'
import { chosen, provenBeside, type Judging, type Proof, type Rejected } from './proof.ts'

export interface Terms {
  /** Checks whose risky fixes are meant. */
  readonly named: ReadonlySet<CheckId>
  /** What will be written; null = nothing, only shown. */
  readonly writers: ReadonlySet<Writer> | null
  /** Wishes found wanting elsewhere, such as by systemd-analyze. */
  readonly barred: ReadonlySet<Fix>
}

/** A patch that we do not write, whether the checks, run on the changed machine, are content with it, and whether it is safe or was named. */
export type Shown = Row & { readonly proven: boolean; readonly meant: boolean }

/** All that can be said of the findings' fixes. */
export interface Offer {
  /** Proven, and what a call with a --write switch writes. */
  readonly main: Plan
  readonly proof: Proof
  /** Proven on top of that, but risky: shown where nothing in particular is asked for, written only when its check is named. */
  readonly risky: readonly Row[]
  /** All that is proven on top of `main` and not written by a call like this one. */
  readonly leftOut: readonly Row[]
  /** Shown and never written by us: patches for sources, and what only a person may do. */
  readonly shown: readonly Shown[]
  readonly rejected: readonly Rejected[]
}

/** Files of systemd are units; every other line belongs to somebody's program. */
export const writerOf = (edit: Edit): Writer | null => {
  switch (edit.kind) {
    case 'unit-drop-in':
    case 'env-file':
      return 'unit'
    case 'shell-profile':
    case 'windows-path':
      return 'path'
    case 'line':
      return /\/systemd\/.*\.(service|socket|slice|conf)$/.test(edit.file) ? 'unit' : 'source'
    case 'snippet':
      return null
  }
}

export async function offerOf(judging: Judging, { named, writers, barred }: Terms): Promise<Offer> {
  const writable = (fix: Fix) => !barred.has(fix) && fix.edits.every((edit) => ['unit', 'path'].includes(writerOf(edit) ?? ''))
  const wanted = (fix: Fix) => writers === null || fix.edits.every((edit) => writers.has(writerOf(edit)!))
  const first = await chosen(judging, (check, fix) => writable(fix) && wanted(fix) && (fix.safety === 'safe' || (fix.safety === 'risky' && named.has(check))))
  const taken = first.plan.rows.map(({ wish }) => wish)
  const more = await chosen(judging, (_, fix) => writable(fix) && (fix.safety === 'risky' || (fix.safety === 'safe' && writers !== null)), taken)
  const leftOut = more.plan.rows.slice(first.plan.rows.length)
  // Whoever asks for nothing in particular is shown all there is; else what is asked for, with its own proof.
  const everything = writers === null && named.size === 0
  const all = everything ? more.plan.rows : first.plan.rows
  const proof = everything ? more.proof : first.proof
  const cured = new Set(proof.gone)
  const meant = ({ check, fix }: Wish) => fix.safety === 'safe' || named.has(check)
  const { rows } = await remaining(judging, all.map(({ wish }) => wish), ({ check, fix }) => !barred.has(fix) && !cured.has(check) && fix.edits.length > 0 && (fix.safety === 'manual' || fix.edits.some((edit) => writerOf(edit) === 'source')), meant)
  const patches = rows.slice(all.length)
  const proven = await provenBeside(judging, taken, patches.flatMap(({ wish }) => (wish.fix.safety === 'manual' ? [] : [wish])))
  return {
    main: first.plan,
    proof,
    // What another fix cures after all needs no excuse.
    rejected: unique([...first.rejected, ...more.rejected].filter(({ wish }) => !cured.has(wish.check) && !more.plan.rows.some((row) => row.wish.fix === wish.fix))),
    risky: everything ? leftOut : [],
    leftOut,
    shown: patches.map((row) => ({ ...row, proven: proven.has(row.wish), meant: meant(row.wish) })),
  }
}

/** Fixes that nobody proves: each is met with the machine for the sake of its diff. Those that are `meant` come first, so that their diffs can do without the others. */
async function remaining(judging: Judging, taken: readonly Wish[], is: (wish: Wish) => boolean, meant: (wish: Wish) => boolean): Promise<Plan> {
  const host = hostOf(judging.machine)
  const wishes = wishesOf(judging).filter(is)
  return plan([...taken, ...wishes.filter(meant), ...wishes.filter((wish) => !meant(wish))], { host, use: gatherer(host) })
}

export const wishesOf = ({ before }: Judging): readonly Wish[] =>
  [...before].flatMap(([check, outcome]) => (outcome.status === 'found' ? outcome.findings.flatMap(({ cause, fixes }: Finding) => fixes.map((fix) => ({ check, cause, fix }))) : []))

const unique = (rejected: readonly Rejected[]): readonly Rejected[] => [...new Map(rejected.map((each) => [each.wish.fix, each])).values()]
