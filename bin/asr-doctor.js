#!/usr/bin/env node
import { main } from '../dist/cli.js'

// A reader that went away (head, less) is no failure of ours.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? process.exitCode ?? 0 : 2))

// Nobody is left to read an error message: what remains is the exit code.
process.stderr.on('error', () => {})

process.exitCode = await main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: folder(),
})
/** A working directory that was deleted: only relative paths would need it, and they lead nowhere. */
function folder() {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}

// A probe stuck in the kernel must not keep us; everything has been written by now.
setTimeout(() => process.exit(), 500).unref()
