import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { addBench } from './bench/command.ts'
import { addCheck } from './commands/check.ts'
import { addCompare } from './commands/compare.ts'
import { addCompletion } from './commands/completion.ts'
import { addExplain, addList } from './commands/docs.ts'
import { addFix } from './commands/fix.ts'
import { addRecord } from './commands/record.ts'
import { widthOf, type Io } from './io.ts'
import { clean } from './report/clean.ts'
import { WrongCall } from './wrong-call.ts'

export const VERSION: string = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version

/** The whole program. Resolves to the exit code and never throws. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0
  const program = programOf(io, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof WrongCall) {
      io.stderr.write(`asr-doctor: ${shortened(clean(error.message))}\n`)
      return 2
    }
    io.stderr.write(`asr-doctor: this is a fault of the doctor, please report it: ${shortened(clean(error instanceof Error ? `${error.name}: ${error.message}` : String(error)))}\n`)
    if (io.env['ASR_DOCTOR_DEBUG']) io.stderr.write(`${error instanceof Error ? error.stack : ''}\n`)
    return 2
  }
}

/** A message may quote what came from outside, and that may be long. */
const shortened = (text: string): string => (text.length > 600 ? `${text.slice(0, 600)}…` : text)

function programOf(io: Io, done: (code: number) => void): Command {
  const program = new Command('asr-doctor')
  let asked = ''
  program.hook('preSubcommand', (_, command) => void (asked = ` ${command.name()}`))
  program
    .description('Finds out why GPU speech recognition is slow, deaf, silent or on the CPU, with the evidence for it.')
    .version(VERSION, '-V, --version')
    .addOption(new Option('--no-color', 'print without colour').hideHelp())
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // One line: what was wrong, what was meant, what helps.
      outputError: (text, write) => write(`${text.replace(/^error: /, 'asr-doctor: ').trim().replace(/\n/g, ' ').replace(/([^.)?])$/, '$1.')} asr-doctor${asked} --help shows what can be asked.\n`),
      getOutHelpWidth: () => Math.min(widthOf(io.stdout), 100),
      getErrHelpWidth: () => Math.min(widthOf(io.stderr), 100),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  asr-doctor                          this shell; names the speech services
  asr-doctor check --unit asr         examine a service
  asr-doctor check --unit asr --json  the same for a program
  asr-doctor record --unit asr        a redacted case, for a bug report
  asr-doctor check --replay case.md   judge a recorded machine anywhere
  asr-doctor explain cuda/libraries-hidden

Exit codes: 0 healthy, 1 found, 2 wrong call or the doctor failed,
3 nothing found but not everything could be seen.`,
    )
  addCheck(program, io, done, VERSION)
  addRecord(program, io, done, VERSION)
  addCompare(program, io, done)
  addFix(program, io, done)
  addBench(program, io, done, VERSION)
  addList(program, io)
  addExplain(program, io)
  addCompletion(program, io)
  return program
}
