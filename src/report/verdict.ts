import type { ChalkInstance } from 'chalk'
import type { Hypothesis, Report } from '../types.ts'
import { clean } from './clean.ts'
import { placeOf } from './place.ts'
import { clipped, wrap } from './wrap.ts'

const TIERS: Readonly<Record<string, string>> = { T0: 'requested', T1: 'libraries present', T2: 'provider registered', T3: 'memory allocated', T4: 'nodes placed', T5: 'work timed on the GPU', T6: 'right text at the wanted speed' }

/** What the same kinds of evidence say of work that is not there. */
const DENIED: Readonly<Record<string, string>> = { T1: 'no GPU part', T2: 'no provider registered', T3: 'no memory there', T4: 'no nodes there', T5: 'no time there' }

/** On the GPU or not, and how that is known. null = nothing was there to be seen. */
export function verdictBlock({ verdict, target }: Report, paint: ChalkInstance, width: number): string | null {
  // Whoever had its endpoint asked is told what came of it.
  if (verdict.tier === null && target.probe?.url === undefined) return null
  const word = verdict.onGpu === null ? paint.yellow('not known') : verdict.onGpu ? paint.green('yes') : paint.red('no')
  return [`${paint.bold('On the GPU')}: ${word}${verdict.tier === null ? '' : ` (${verdict.tier}, ${(verdict.onGpu === false ? DENIED[verdict.tier] : undefined) ?? TIERS[verdict.tier]})`}`, wrap(clean(verdict.because), width, '  ')].join('\n')
}

/** The causes that compete for what is seen: decided ones with what decides them, open ones with the command that will. */
export function hypothesesBlock(hypotheses: readonly Hypothesis[], paint: ChalkInstance, width: number): string | null {
  if (hypotheses.every(({ state }) => state === 'refuted')) return null
  return [paint.bold('Possible causes'), ...hypotheses.flatMap((each) => lines(each, paint, width))].join('\n')
}

function lines({ claim, state, evidence, because, decideBy }: Hypothesis, paint: ChalkInstance, width: number): readonly string[] {
  const word = { confirmed: paint.red('confirmed'), refuted: paint.dim('refuted'), undetermined: paint.yellow('open') }[state]
  return [
    wrap(`${clean(claim)}`, width, `  ${word}: `, '    '),
    ...evidence.slice(0, 2).flatMap(({ source, saw }) => [wrap(clean(saw), width, '    ', '      '), `      ${paint.dim(`— ${clipped(clean(placeOf(source)), width - 8)}`)}`]),
    ...(because ? [wrap(clean(because), width, '    ')] : []),
    ...(decideBy ? [wrap(clean(decideBy), width, `    ${paint.cyan('to decide it')}: `, '      ')] : []),
  ]
}
