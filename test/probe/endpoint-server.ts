import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('../rigs/endpoint/server.mjs', import.meta.url))
export const sphinxMissing = existsSync('/usr/bin/pocketsphinx_continuous') && existsSync('/usr/share/pocketsphinx/model/en-us/en-us') ? null : 'apt-get install pocketsphinx pocketsphinx-en-us'

export interface Server {
  readonly pid: number
  readonly port: number
  at(path: string): string
  stop(): void
}

/** A server in a process of its own, as services are; ahead of whatever else keeps this machine busy, where we may. */
export async function serve(env: Readonly<Record<string, string>> = {}, ...args: readonly string[]): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, [SERVER, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  if (process.geteuid?.() === 0) setPriority(child.pid!, -20)
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout!.once('data', (data) => resolve(Number(data)))
    child.once('close', () => reject(new Error('the server ended')))
  })
  return { pid: child.pid!, port, at: (path) => `http://127.0.0.1:${port}${path}`, stop: () => child.kill('SIGTERM') }
}
