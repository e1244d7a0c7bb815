#!/usr/bin/env node
import { main } from '../dist/cli.js'

// A reader that went away (head, less) is no failure of ours.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? process.exitCode ?? 0 : 2))

process.exitCode = await main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
})
// A probe stuck in the kernel must not keep us; everything has been written by now.
setTimeout(() => process.exit(), 500).unref()
