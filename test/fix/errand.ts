import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { NODE, REPOSITORY } from '../support/box.ts'
import type { Errand } from './writer.ts'

/** The writer as one file of JavaScript, to be run by any Node in any namespace. */
export async function bundledWriter(): Promise<{ readonly file: string; readonly drop: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-writer-'))
  const file = join(folder, 'writer.mjs')
  await build({
    stdin: { contents: "import { main } from './test/fix/writer.ts'\nimport { readFileSync } from 'node:fs'\nawait main(JSON.parse(readFileSync(0, 'utf8')))", resolveDir: REPOSITORY, loader: 'ts' },
    outfile: file, bundle: true, format: 'esm', platform: 'node', target: 'node20', minify: true,
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  })
  spawnSync('chmod', ['755', folder])
  return { file, drop: () => rmSync(folder, { recursive: true }) }
}

export type Answer = { readonly run?: string; readonly back?: readonly string[]; readonly refused?: string; readonly code?: number; readonly out?: string; readonly err?: string }

/** `as`: a uid to be; the rest is words put before the command (unshare, setpriv, bash -c …). */
export function errand(writer: string, of: Errand, before: readonly string[] = []): Answer {
  const [program, ...args] = [...before, NODE, writer]
  const ran = spawnSync(program!, args, { encoding: 'utf8', input: JSON.stringify(of), timeout: 60_000, maxBuffer: 1 << 26 })
  const line = ran.stdout.trim().split('\n').at(-1) ?? ''
  if (ran.status !== 0 || line === '') throw new Error(`the writer ended with ${ran.status ?? ran.signal}: ${ran.stderr}${ran.stdout}`)
  return JSON.parse(line) as Answer
}

export function errandLater(writer: string, of: Errand): ChildProcess {
  const child = spawn(NODE, [writer], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin!.end(JSON.stringify(of))
  return child
}
