/** The bounded child that asks node-nvidia-smi: one JSON line on stdout, or exit 1. */
import smi from 'node-nvidia-smi'

smi((error: unknown, data: unknown) => {
  if (error) process.exit(1)
  process.stdout.write(JSON.stringify(data))
})
