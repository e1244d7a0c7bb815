import { Option, type Command } from 'commander'
import type { FixOptions } from '../actions/fix-work.ts'
import type { Io } from '../io.ts'
import { collect } from './check.ts'
import { addTargetOptions, addTimeout } from './target-options.ts'

export function addFix(program: Command, io: Io, done: (code: number) => void): void {
  const command = program.command('fix').description('Show the smallest change that cures the findings, proven before it is written; write it, or take it back.')
  addTimeout(addTargetOptions(command))
    .option('--write-unit', 'write drop-ins and EnvironmentFiles of the unit')
    .option('--write-path', 'write the profile of your shell, or PATH')
    .option('--apply', 'write both')
    .option('--fix <id>', 'also the risky fix of this check (repeatable)', collect, [])
    .option('-y, --yes', 'do not ask (needed where nobody can be asked)')
    .option('--restart', 'then reload, restart and look at the running service again')
    .option('--undo [run]', 'take back what was written, all of it or one run')
    .option('-o, --output <file>', 'keep the change in this file instead of writing it')
    .addOption(new Option('--format <format>', 'the form of that file').choices(['patch', 'sh', 'ansible', 'dockerfile', 'nix']))
    .option('--json', 'print the result as JSON (schema/fix-1.json)')
    .option('--no-color', 'print without colour')
    .addHelpText(
      'after',
      `
Examples:
  asr-doctor fix --unit asr
  asr-doctor fix --unit asr --write-unit --restart
  asr-doctor fix --unit asr --write-unit --fix cgroup/cpu-quota-low --yes
  asr-doctor fix --unit asr --output asr.patch   (patch -p1 -d / < asr.patch)
  asr-doctor fix --undo

Values that look secret are shown as <secret>, in --json too; what --output and
--format hand on is exact, and says so where it holds one.

Nothing is written without --write-unit, --write-path or --apply. Exit codes:
0 done or nothing to do, 1 a patch is shown but not written or something
remains that no patch cures, 2 wrong call, refused or declined, 3 the proof
could not be made.`,
    )
    .action(async (options: FixOptions) => {
      const { fix } = await import('../actions/fix.ts')
      done(await fix({ ...options, color: options.color && program.opts()['color'] !== false }, io))
    })
}
