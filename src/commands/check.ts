import { Option, type Command } from 'commander'
import type { CheckOptions } from '../actions/check.ts'
import type { Io } from '../io.ts'
import { nearest } from '../nearest.ts'
import { WrongCall } from '../wrong-call.ts'
import { addProbe, addTargetOptions, addTimeout } from './target-options.ts'

export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

export function addCheck(program: Command, io: Io, done: (code: number) => void, version: string): void {
  const command = program.command('check', { isDefault: true }).description('Examine a service, a process, an interpreter, a library or this shell (the default).')
  addProbe(addTimeout(addTargetOptions(command)))
    .option('--all', 'examine the shell and every speech service and process found')
    .option('--replay <file>', 'judge a recorded case instead of this machine')
    .option('--only <id>', 'only this check or family (repeatable)', collect)
    .option('--skip <id>', 'leave this check or family out (repeatable)', collect)
    .option('--allow <id>', 'show findings of this check or family, but do not count them (repeatable)', collect)
    .addOption(new Option('--fail-on <severity>', 'least severity that makes exit code 1').choices(['error', 'warning', 'info', 'never']).default('warning'))
    .option('--json', 'print the result as JSON (schema/check-1.json)')
    .option('-v, --verbose', 'also show every check and the environment')
    .option('-q, --quiet', 'one line for each finding, nothing when healthy')
    .option('--no-color', 'print without colour')
    .addHelpText(
      'after',
      `
Examples:
  asr-doctor check --unit whisper --user
  asr-doctor check --pid 4711 --only cuda --only cudnn
  asr-doctor check --unit asr --probe
  asr-doctor check --unit asr --probe http://localhost:8080/inference
  asr-doctor check --unit asr --allow gpu/driver-absent --fail-on error
  asr-doctor check --library ./libonnxruntime_providers_cuda.so
  asr-doctor check --python .venv/bin/python --json

Exit codes: 0 healthy, 1 found at or above --fail-on, 2 wrong call or the
doctor failed, 3 nothing found but not everything could be seen.`,
    )
    .allowExcessArguments()
    .action(async (options: CheckOptions) => {
      const [word] = command.args
      if (word !== undefined) throw new WrongCall(misplaced(word, program.commands.map((each) => each.name())))
      const { check } = await import('../actions/check.ts')
      done(await check({ ...options, ...(program.opts()['color'] === false ? { color: false } : {}) }, io, version))
    })
}

/** A bare word is a mistyped command or a target without its option. */
function misplaced(word: string, commands: readonly string[]): string {
  const meant = nearest(word, commands)
  return meant ? `There is no command ${word}. Did you mean ${meant}?` : `There is no command ${word}. To examine a service: asr-doctor check --unit ${word}`
}
