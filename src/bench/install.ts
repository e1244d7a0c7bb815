import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { installCommand, runtimeFolder } from './runtime.ts'

/** Runs npm, whose own words go to stderr. Rejects with a whole sentence. */
export async function installRuntime(stderr: NodeJS.WritableStream): Promise<void> {
  const folder = runtimeFolder()
  // Without a folder of that name npm would look for a package further up.
  mkdirSync(folder, { recursive: true })
  const [program, ...args] = installCommand(folder)
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder })
  child.stdout.pipe(stderr, { end: false })
  child.stderr.pipe(stderr, { end: false })
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    child.once('close', (exit) => resolve(exit ?? 'a signal'))
  })
  if (code === 'ENOENT') throw new Error('npm was not found on the PATH, so the runtime could not be installed.')
  if (code !== 0) throw new Error(`npm could not install the runtime (${typeof code === 'number' ? `exit code ${code}` : code}).`)
}
