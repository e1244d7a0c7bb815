import { hostname, userInfo } from 'node:os'
import { resolve } from 'node:path'
import { widthOf, type Io } from '../io.ts'
import { allChecks } from '../load.ts'
import { writeNew } from '../new-file.ts'
import { progress } from '../progress.ts'
import { recordedCase } from '../record.ts'
import { machineOf, type TargetOptions } from './machine.ts'

export interface RecordOptions extends TargetOptions {
  readonly output?: string
}

/** The `record` command, from options to exit code. */
export async function record(options: RecordOptions, io: Io, version: string): Promise<number> {
  const line = io.stderr.isTTY ? progress(io.stderr, widthOf(io.stderr)) : null
  try {
    const { ask } = await machineOf(options, io.cwd, line?.watch ?? ((each) => each))
    const { text, faithful } = await recordedCase(ask, allChecks(), { hostNames: [hostname()], users: usersHere() }, version)
    line?.stop()
    if (options.output === undefined) io.stdout.write(text)
    else await writeNew(resolve(io.cwd, options.output), text, '--output')
    if (!faithful) {
      io.stderr.write('asr-doctor: the case was written, but judged again it does not give the same result; please say so when you send it.\n')
      return 2
    }
    if (options.output !== undefined) io.stderr.write(`Written: ${options.output}. Read it through before you post it.\n`)
    return 0
  } finally {
    line?.stop()
  }
}

/** People of this machine: the caller and whoever has a home folder here. Accounts of the system are no secret. */
function usersHere(): readonly string[] {
  const { username } = userInfo()
  const sudo = process.env['SUDO_USER']
  return [username, ...(sudo ? [sudo] : [])].filter((name) => name !== 'root')
}
