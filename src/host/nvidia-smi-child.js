/**
 * The bounded child that asks node-nvidia-smi: one JSON line on stdout, or exit 1. Its argument is the folder
 * nvidia-smi was found in. Plain JavaScript, since Node itself runs it from the sources too.
 */
import { delimiter } from 'node:path'
import smi from 'node-nvidia-smi'

// The package asks a shell for `nvidia-smi`, which may lie where the caller's PATH does not look.
process.env['PATH'] = [process.argv[2], process.env['PATH']].filter(Boolean).join(delimiter)
smi((error, data) => {
  if (error) process.exit(1)
  process.stdout.write(JSON.stringify(data))
})
