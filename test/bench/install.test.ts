import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NODE, REPOSITORY } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { checked } from './tool.ts'

const TERMINAL = join(REPOSITORY, 'test/rigs/terminal.py')
const pty = spawnSync('python3', ['-c', 'import pty, termios']).status === 0 ? null : 'needs python3'
const QUESTION = '(about 290 MB)? [y/N] '

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-install-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The package as it is installed: it has no dependencies, so unpacking is all there is to it. */
let main = ''
beforeAll(() => {
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'ignore'] })
  execFileSync('tar', ['-xzf', join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz'))!), '-C', folder])
  main = join(folder, 'package/bin/asr-doctor.js')
})

interface Place {
  readonly data: string
  readonly runtime: string
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

let places = 0
/** An own data folder and an empty working folder. `npm`: a stand-in of that name comes first on the PATH; null = there is none. */
function place(npm?: string | null): Place {
  const root = join(folder, `place${places++}`)
  const [data, cwd, bin] = ['data', 'cwd', 'bin'].map((name) => join(root, name)) as [string, string, string]
  for (const each of [data, cwd, bin]) mkdirSync(each, { recursive: true })
  if (npm) writeFileSync(join(bin, 'npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 })
  const env = { ...process.env, PATH: npm === null ? bin : `${bin}:${process.env['PATH']}`, XDG_DATA_HOME: data, TERM: 'xterm', NO_COLOR: '1', npm_config_update_notifier: 'false' }
  return { data, runtime: join(data, 'asr-doctor/runtime'), cwd, env }
}

function onTerminal({ cwd, env }: Place, args: readonly string[], typed: string): { readonly code: number; readonly screen: string; readonly restored: boolean } {
  const job = { argv: [NODE, main, 'bench', '--runs', '1', '--workload', 'fastconformer-s', ...args], cwd, env, steps: [[QUESTION, typed]], limit: 240 }
  return JSON.parse(execFileSync('python3', [TERMINAL], { input: JSON.stringify(job), encoding: 'utf8', timeout: 300_000 }))
}

describeWith('python3 for a terminal', pty, () => {
  it.each<[string, string]>([
    ['n', 'n\r'],
    ['nothing but Enter', '\r'],
    ['anything else', 'yep\r'],
    ['Ctrl-C', '\u0003'],
    ['the end of input', '\u0004'],
  ])('%s is a no: npm is not called, nothing is written, and the command is shown', (_, typed) => {
    const here = place('touch "$XDG_DATA_HOME/called"')
    const { code, screen, restored } = onTerminal(here, [], typed)
    expect(screen).toContain(`onnxruntime-node, which is not installed. Add it to ${here.runtime} ${QUESTION}`)
    expect(screen).toMatch(/could not measure: .*This adds it: npm install --prefix \S+ --ignore-scripts --no-audit --no-fund onnxruntime-node@\d+\.\d+\.\d+ /)
    expect(code).toBe(4)
    expect(restored).toBe(true)
    expect(readdirSync(here.data)).toEqual([])
  })
  it.each<[string, string | null, RegExp]>([
    ['fails', 'echo "npm error network unreachable" >&2; exit 7', /npm error network unreachable\s[\s\S]*npm could not install the runtime \(exit code 7\)\. The command was: npm install --prefix /],
    ['is not there', null, /npm was not found on the PATH, so the runtime could not be installed\. The command was: npm install /],
    ['ends well and brings nothing', 'true', /npm ended well, and onnxruntime-node is still not in \S+\./],
  ])('yes, and npm %s', (_, npm, message) => {
    const { code, screen } = onTerminal(place(npm), [], 'y\r')
    expect(screen).toMatch(message)
    expect(screen).not.toMatch(/\n\s+at /)
    expect(code).toBe(4)
  })
  it('yes, and the genuine npm: it is added to the data folder and used, and the next call does not ask', () => {
    const here = place()
    const first = onTerminal(here, [], 'YES\r')
    expect(first.screen).toMatch(/RTF \S+, RTFx \S+ on cpu/)
    expect(first.code).toBe(0)
    expect(first.restored).toBe(true)
    expect(readdirSync(here.cwd)).toEqual([])
    const { version } = JSON.parse(readFileSync(join(here.runtime, 'node_modules/onnxruntime-node/package.json'), 'utf8'))
    // No script of the package was run: it would have fetched the CUDA libraries.
    expect(existsSync(join(here.runtime, 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so'))).toBe(false)
    const second = onTerminal(here, [], '')
    expect(second.screen).not.toContain(QUESTION)
    expect(second.screen).toContain(`onnxruntime-node ${version}`)
    expect(second.code).toBe(0)
  }, 600_000)
})

describe('--install-runtime in a pipe', () => {
  const inPipe = ({ cwd, env }: Place, ...args: readonly string[]) => spawnSync(NODE, [main, 'bench', '--json', ...args], { cwd, env, encoding: 'utf8', timeout: 120_000 })

  it('without it nothing is asked and nothing is added', () => {
    const here = place('touch "$XDG_DATA_HOME/called"')
    const { status, stdout, stderr } = inPipe(here)
    expect(stderr).toContain('(or run bench with --install-runtime)')
    expect(stderr).not.toContain(QUESTION)
    expect(checked(stdout).error).toContain('onnxruntime-node, which is not installed')
    expect(status).toBe(4)
    expect(readdirSync(here.data)).toEqual([])
  })
  it('calls npm with no install scripts, in the data folder, and keeps its words out of the JSON', () => {
    const here = place('echo "$PWD $@" > "$XDG_DATA_HOME/called"; echo words of npm; echo more words >&2')
    const { status, stdout, stderr } = inPipe(here, '--install-runtime')
    expect(readFileSync(join(here.data, 'called'), 'utf8')).toMatch(new RegExp(`^${here.runtime} install --prefix ${here.runtime} --ignore-scripts --no-audit --no-fund onnxruntime-node@\\d+\\.\\d+\\.\\d+\\n$`))
    expect(stderr).toMatch(/words of npm\n[\s\S]*more words\n/)
    expect(checked(stdout).error).toMatch(/^npm ended well/)
    expect(status).toBe(4)
  })
})
