import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Io } from '../../io.ts'
import type { BenchOptions } from '../command.ts'
import { CannotMeasure } from '../engine.ts'
import { installRuntime } from '../install.ts'
import { findRuntime, installCommand, runtimeFolder, shellLine, type Runtime } from '../runtime.ts'

/** The runtime, added first where the user wants it. Nothing is installed unasked. */
export async function runtimeFor(options: BenchOptions, io: Io): Promise<Runtime> {
  if (options.runtimeAt !== undefined) {
    const there = findRuntime([join(options.runtimeAt, 'noop.js')])
    if (there === null) throw new CannotMeasure(`onnxruntime-node in ${options.runtimeAt} cannot be read there: install it where it can.`)
    return there
  }
  const found = findRuntime()
  if (found !== null) return found
  const command = shellLine(installCommand(runtimeFolder(io.env)))
  const missing = 'The built-in networks run on onnxruntime-node, which is not installed.'
  if (!(options.installRuntime || (await agreed(io, `${missing} Add it to ${runtimeFolder(io.env)} (about 290 MB)?`)))) {
    throw new CannotMeasure(`${missing} This adds it: ${command} (or run bench with --install-runtime). Your own recogniser needs none: --command "… {audio}".`)
  }
  try {
    await installRuntime(io.stderr as NodeJS.WritableStream)
  } catch (error) {
    throw new CannotMeasure(`${(error as Error).message} The command was: ${command}`)
  }
  const added = findRuntime()
  if (added === null) throw new CannotMeasure(`npm ended well, and onnxruntime-node is still not in ${runtimeFolder(io.env)}.`)
  return added
}

async function agreed(io: Io, question: string): Promise<boolean> {
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) return false
  const lines = createInterface({ input: io.stdin, output: io.stderr as NodeJS.WritableStream })
  // Ctrl-C and the end of input are a no.
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  lines.once('SIGINT', () => lines.close())
  try {
    return /^y(es)?$/i.test((await Promise.race([lines.question(`${question} [y/N] `), closed])).trim())
  } finally {
    lines.close()
  }
}
