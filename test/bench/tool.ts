import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, type BuildOptions } from 'esbuild'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { NODE, REPOSITORY } from '../support/box.ts'

export interface Tool {
  readonly folder: string
  readonly main: string
  run(args: readonly string[], options?: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv }): { readonly code: number | null; readonly stdout: string; readonly stderr: string }
  start(args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess
  remove(): void
}

const MAIN = `
import { Command, CommanderError } from 'commander'
import { addBench } from './src/bench/command.ts'
import { WrongCall } from './src/wrong-call.ts'
const program = new Command('asr-doctor').exitOverride()
addBench(program, { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env, cwd: process.cwd() }, (code) => { process.exitCode = code }, '0.0.0-test')
try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof WrongCall) && !(error instanceof CommanderError)) throw error
  if (error instanceof WrongCall) process.stderr.write(error.message + '\\n')
  process.exitCode = error.exitCode === 0 ? 0 : 2
}`

/** The command bundled as in the published package, in a folder of its own, so that it finds only what it is given. */
export async function buildTool(): Promise<Tool> {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-tool-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  // Bundled CommonJS packages still call require.
  const banner = { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" }
  const common: BuildOptions = { absWorkingDir: REPOSITORY, bundle: true, format: 'esm', platform: 'node', target: 'node20', external: ['onnxruntime-node'], banner }
  await build({
    ...common,
    stdin: { contents: MAIN, resolveDir: REPOSITORY, sourcefile: 'main.ts', loader: 'ts' },
    outfile: join(folder, 'main.js'),
  })
  await build({ ...common, entryPoints: ['src/bench/worker.ts'], outfile: join(folder, 'bench-worker.js') })
  for (const end of ['br', 'txt']) copyFileSync(join(REPOSITORY, 'fixtures/clips', `reference.${end}`), join(folder, `reference-clip.${end}`))
  const main = join(folder, 'main.js')
  // A temporary folder of its own, so that what is left in it was left by this tool.
  mkdirSync(join(folder, 'tmp'))
  const own = { ...process.env, TMPDIR: join(folder, 'tmp') }
  return {
    folder,
    main,
    run: (args, { cwd = REPOSITORY, env = {} } = {}) => {
      const ran = spawnSync(NODE, [main, 'bench', ...args], { cwd, env: { ...own, ...env }, encoding: 'utf8', timeout: 300_000, maxBuffer: 64 << 20 })
      return { code: ran.status, stdout: ran.stdout, stderr: ran.stderr }
    },
    start: (args, env = {}) => spawn(NODE, [main, 'bench', ...args], { cwd: REPOSITORY, env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(join(REPOSITORY, 'schema/bench-1.json'), 'utf8')))

/** Parses, and holds it against the published schema. */
export function checked(json: string): any {
  const value = JSON.parse(json) as unknown
  if (!validate(value)) throw new Error(`not after schema/bench-1.json: ${JSON.stringify(validate.errors?.slice(0, 3))}`)
  return value
}

/** What a benchmark may forget: its folders in the temporary directory. */
export const leftFolders = (tool: Tool): readonly string[] => readdirSync(join(tool.folder, 'tmp'))

/** Processes of this tool that are still there, except zombies. */
export function leftProcesses(tool: Tool): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(tool.folder) && !/\) Z /.test(readFileSync(`/proc/${name}/stat`, 'utf8'))
    } catch {
      return false
    }
  })
}
