import { link, open, unlink } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import type { Io } from '../io.ts'
import { allChecks } from '../load.ts'
import { progress } from '../progress.ts'
import { recordedCase } from '../record.ts'
import { WrongCall } from '../wrong-call.ts'
import { machineOf, type TargetOptions } from './machine.ts'

export interface RecordOptions extends TargetOptions {
  readonly output?: string
}

/** The `record` command, from options to exit code. */
export async function record(options: RecordOptions, io: Io, version: string): Promise<number> {
  const line = io.stderr.isTTY ? progress(io.stderr, io.stderr.columns ?? 80) : null
  try {
    const { ask } = await machineOf(options, io.cwd, line?.watch ?? ((each) => each))
    const { text, faithful } = await recordedCase(ask, allChecks(), { hostNames: [hostname()], users: usersHere() }, version)
    line?.stop()
    if (options.output === undefined) io.stdout.write(text)
    else await writeNew(resolve(io.cwd, options.output), text)
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

/** A whole file under a new name, or none: never half a case, never over somebody's file. */
async function writeNew(path: string, text: string): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.${process.pid}.part`)
  try {
    const file = await open(part, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(part, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new WrongCall(`--output ${path}: that file exists and is left as it is; choose another name.`)
    throw new WrongCall(`--output ${path}: it could not be written (${code}).`)
  } finally {
    await unlink(part).catch(() => {})
  }
}
