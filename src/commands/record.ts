import type { Command } from 'commander'
import type { RecordOptions } from '../actions/record.ts'
import type { Io } from '../io.ts'
import { addProbe, addTargetOptions, addTimeout } from './target-options.ts'

export function addRecord(program: Command, io: Io, done: (code: number) => void, version: string): void {
  const command = program.command('record').description('Write the whole questioning as one redacted case, for a bug report or a test.')
  addProbe(addTimeout(addTargetOptions(command)))
    .option('-o, --output <file>', 'write it here instead of to standard output')
    .addHelpText('after', '\nExample:\n  asr-doctor record --unit my-asr --output case.md\n  asr-doctor check --replay case.md\n\nSecrets, home folders, user and host names are taken out; the list of what was\nremoved stands at the end of the case. Read it through before you post it.')
    .action(async (options: RecordOptions) => {
      const { record } = await import('../actions/record.ts')
      done(await record(options, io, version))
    })
}
