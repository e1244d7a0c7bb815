import type { UnitState } from '../facts/unit-state.ts'

/** One step for after the change: what a person is told, and the program that does it where it is one we may run. */
export interface Step {
  readonly words: string
  /** Program and arguments; null = for a person. */
  readonly command: readonly string[] | null
}

const UNIT = /^[A-Za-z0-9:_.\\@-]{1,255}\.(service|socket|target)$/

/**
 * The steps of all fixes, each once, in an order that works: linger, reload, restart, then the rest. Nothing is run but
 * these three, built anew from what was understood and never from the text itself.
 */
export function stepsOf(then: readonly string[], unit: Pick<UnitState, 'manager'> | null): readonly Step[] {
  const steps = new Map<string, Step & { readonly rank: number }>()
  for (const words of then) {
    const [rank, command] = understood(words, unit)
    const key = command === null ? words : command.join(' ')
    if (!steps.has(key)) steps.set(key, { words: command === null ? words : command.join(' '), command, rank })
  }
  return [...steps.values()].sort((a, b) => a.rank - b.rank).map(({ words, command }) => ({ words, command }))
}

function understood(text: string, unit: Pick<UnitState, 'manager'> | null): readonly [number, readonly string[] | null] {
  const [program, ...args] = text.replace(/ {3,}\(.*\)$/s, '').trim().split(/ +/)
  if (program === 'loginctl' && args[0] === 'enable-linger' && args.length === 2 && /^[A-Za-z0-9._@-]+$/.test(args[1]!) && !args[1]!.startsWith('-')) return [1, ['loginctl', 'enable-linger', args[1]!]]
  if (program !== 'systemctl') return [4, null]
  const user = args[0] === '--user'
  const rest = user ? args.slice(1) : args
  // The manager of the unit that is examined: root reaches another user's through the machine interface.
  const manager = user ? (unit !== null && unit.manager.length > 0 ? unit.manager : ['--user']) : []
  if (rest.length === 1 && rest[0] === 'daemon-reload') return [2, ['systemctl', ...manager, 'daemon-reload']]
  if (rest.length === 2 && rest[0] === 'restart' && UNIT.test(rest[1]!)) return [3, ['systemctl', ...manager, 'restart', rest[1]!]]
  return [4, null]
}
