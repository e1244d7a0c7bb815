import type { Command } from 'commander'
import type { CompareOptions } from '../actions/compare.ts'
import type { Io } from '../io.ts'
import { addTimeout } from './target-options.ts'

export function addCompare(program: Command, io: Io, done: (code: number) => void): void {
  addTimeout(program.command('compare').description('Show how two services, processes or recorded machines differ, where it can matter.').argument('<a>', 'a case file, unit:NAME, user:NAME, pid:N or shell').argument('<b>', 'the same'))
    .option('--json', 'print the result as JSON (schema/compare-1.json)')
    .addHelpText('after', '\nExamples:\n  asr-doctor compare mine.md colleague.md\n  asr-doctor compare unit:asr shell\n\nExit codes: 0 no difference seen, 1 different, 2 wrong call.')
    .action(async (a: string, b: string, options: CompareOptions) => {
      const { compare } = await import('../actions/compare.ts')
      done(await compare(a, b, options, io))
    })
}
