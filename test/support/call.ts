import { Readable } from 'node:stream'
import { main } from '../../src/cli.ts'

export interface Called {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Calls the program in this process, with everything it prints caught. */
export async function call(argv: readonly string[], world: { env?: NodeJS.ProcessEnv; cwd?: string; terminal?: boolean; columns?: number } = {}): Promise<Called> {
  let out = ''
  let err = ''
  const terminal = world.terminal ?? false
  const sink = (take: (text: string) => void) => ({ write: (text: string) => take(text), isTTY: terminal, columns: world.columns ?? 80 })
  const code = await main(argv, {
    stdin: Object.assign(Readable.from([]), { isTTY: terminal }),
    stdout: sink((text) => (out += text)),
    stderr: sink((text) => (err += text)),
    env: world.env ?? {},
    cwd: world.cwd ?? process.cwd(),
  })
  return { code, out, err }
}
