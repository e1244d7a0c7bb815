import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, describe, expect, it } from 'vitest'
import { allChecks } from '../../src/load.ts'
import { columns } from '../../src/report/wrap.ts'
import { call } from '../support/call.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-program-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const schema = JSON.parse(readFileSync(new URL('../../schema/check-1.json', import.meta.url), 'utf8'))
const BIN = new URL('../../bin/asr-doctor.js', import.meta.url).pathname

describe('help', () => {
  it.each([[[]], [['check']], [['record']], [['list']], [['explain']], [['completion']], [['fix']], [['bench']], [['compare']]])('of %j fits 80 columns', async (command) => {
    const { code, out } = await call([...command, '--help'])
    expect(code).toBe(0)
    for (const line of out.split('\n')) expect(columns(line), line).toBeLessThanOrEqual(80)
  })

  it('prints the version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await call(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })
})

describe('a terminal whose size nobody set', () => {
  it.each([[['list']], [['check', '--replay', 'fixtures/throttled.md']], [['check', '--help']]])('says 0 columns, and %j writes to it as to one of 80', async (argv) => {
    expect((await call(argv, { terminal: true, columns: 0 })).out).toBe((await call(argv, { terminal: true, columns: 80 })).out)
  })
})

describe('list and explain', () => {
  it('name every check', async () => {
    const { out } = await call(['list'])
    for (const { id } of allChecks()) expect(out).toContain(id)
    const json = JSON.parse((await call(['list', '--json'])).out)
    expect(json.map((each: { id: string }) => each.id)).toEqual(allChecks().map(({ id }) => id))
  })

  it.each(allChecks().map(({ id }) => id))('explain %s', async (id) => {
    const { code, out } = await call(['explain', id])
    expect(code).toBe(0)
    for (const line of out.split('\n').filter((each) => !each.includes('http'))) expect(columns(line), line).toBeLessThanOrEqual(80)
  })
})

describe('this machine', () => {
  it('is examined as the shell, in JSON that its schema allows', async () => {
    const { code, out } = await call(['check', '--json'])
    const report = JSON.parse(out)
    const valid = new Ajv2020({ allErrors: true }).compile(schema)
    valid(report)
    expect(valid.errors).toBeNull()
    expect(report.summary.exitCode).toBe(code)
    expect(Object.keys(report.outcomes)).toEqual(allChecks().map(({ id }) => id))
    expect(report.summary.crashed).toBe(0)
  })

  it('is recorded, and the case gives the same result anywhere', async () => {
    const file = join(folder, 'case.md')
    const { code, out } = await call(['record', '--output', file])
    expect({ code, out }).toEqual({ code: 0, out: '' })
    const live = JSON.parse((await call(['check', '--json'])).out)
    const again = JSON.parse((await call(['check', '--replay', file, '--json'])).out)
    const statuses = (report: typeof live) => Object.fromEntries(Object.entries<{ status: string }>(report.outcomes).map(([id, { status }]) => [id, status]))
    expect(statuses(again)).toEqual(statuses(live))
    expect(readFileSync(file, 'utf8')).not.toMatch(new RegExp(`\\b${execFileSync('hostname', { encoding: 'utf8' }).trim()}\\b`))
  })
})

describe('colour', () => {
  const ESC = '\u001b['
  it('comes on a terminal, and neither in a pipe nor where it is not wanted', async () => {
    const argv = ['explain', 'cuda/libraries-hidden']
    expect((await call(argv, { terminal: true })).out).toContain(ESC)
    expect((await call(argv)).out).not.toContain(ESC)
    expect((await call(argv, { terminal: true, env: { NO_COLOR: '1' } })).out).not.toContain(ESC)
    expect((await call(argv, { terminal: true, env: { TERM: 'dumb' } })).out).not.toContain(ESC)
    expect((await call(['--no-color', ...argv], { terminal: true })).out).not.toContain(ESC)
    expect((await call(argv, { env: { FORCE_COLOR: '1' } })).out).toContain(ESC)
    expect((await call(['check'], { terminal: true })).out).toContain(ESC)
    expect((await call(['check', '--no-color'], { terminal: true })).out).not.toContain(ESC)
  })
})

describe('completion', () => {
  it('is a script that bash reads, and completes checks', async () => {
    const { out } = await call(['completion', 'bash'])
    const script = `${out}\nCOMP_WORDS=(asr-doctor check --only cuda/libraries-h) COMP_CWORD=3; _asr_doctor; echo "\${COMPREPLY[@]}"`
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim()).toBe('cuda/libraries-hidden')
  })
})

describe('a signal', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends the doctor and every program it has started', async (signal) => {
    const mark = `98${process.pid % 1000}${signal.length}`
    writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\nsleep ${mark}\n`, { mode: 0o755 })
    const child = spawn(process.execPath, [BIN, 'check', '--only', 'gpu'], { stdio: 'ignore', env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` } })
    const running = () => spawnSync('pgrep', ['-f', `^sleep ${mark}$`], { encoding: 'utf8' }).stdout !== ''
    for (let i = 0; i < 100 && !running(); i++) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(running()).toBe(true)
    const ended = new Promise((resolve) => child.on('exit', (_, by) => resolve(by)))
    child.kill(signal)
    expect(await ended).toBe(signal)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(running()).toBe(false)
  })
})

describe('the built program', () => {
  it('works where the working directory is gone', () => {
    const ran = spawnSync('bash', ['-c', `cd "$(mktemp -d)" && rmdir "$PWD" && exec "${process.execPath}" "${BIN}" list`], { encoding: 'utf8' })
    expect(ran).toMatchObject({ status: 0, stderr: '' })
  })

  it('runs, keeps its exit code, and does not mind a reader that goes away', () => {
    expect(spawnSync(process.execPath, [BIN, '--version'], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
    expect(spawnSync(process.execPath, [BIN, 'check', '--pid', 'x'], { encoding: 'utf8' })).toMatchObject({ status: 2, stdout: '' })
    const piped = spawnSync('bash', ['-c', `set -o pipefail; "${process.execPath}" "${BIN}" check --json | head -c 1; true`], { encoding: 'utf8' })
    expect(piped).toMatchObject({ stdout: '{', stderr: '' })
  })
})
