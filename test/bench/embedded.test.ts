import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fork, spawn, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seriesOf } from '../../src/bench/baseline.ts'
import type { Decision } from '../../src/bench/gate.ts'
import { judgeRegression } from '../../src/bench/regression.ts'
import type { TimedRun } from '../../src/bench/types.ts'
import { NODE, REPOSITORY } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { buildTool, checked, leftFolders, leftProcesses, type Tool } from './tool.ts'

let tool: Tool
let folder = ''
beforeAll(async () => {
  tool = await buildTool()
  folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
})
afterAll(() => {
  tool.remove()
  rmSync(folder, { recursive: true, force: true })
})

describe('the built-in network on the CPU', () => {
  it('is measured end to end, with figures that agree with each other, and leaves nothing behind', () => {
    const { code, stdout, stderr } = tool.run(['--json', '--runs', '6', '--save-baseline', join(folder, 'base.json')])
    expect(stderr).toMatch(/^asr-doctor bench: RTF [\d.]+, RTFx [\d.]+ on cpu\n$/)
    expect(code).toBe(0)
    const result = checked(stdout)
    expect(result).toMatchObject({
      target: { kind: 'embedded', runtime: 'onnxruntime-node 1.30.0' }, workload: 'fastconformer-s', provider: { asked: ['auto'], used: 'cpu', tier: 'cpu', because: null }, interrupted: false,
    })
    expect(result.audio.seconds).toBe(911_872 / 16_000)
    expect(result.cold).toHaveLength(3)
    expect(result.runs).toHaveLength(6)
    expect(result.rtf.median * result.rtfx).toBeCloseTo(1, 9)
    expect(result.rtf.low).toBeLessThanOrEqual(result.rtf.median)
    expect(result.rtf.high).toBeGreaterThanOrEqual(result.rtf.median)
    expect(Object.keys(result.phases)).toEqual(['audio', 'features', 'encoder', 'decoder'])
    for (const run of result.runs) {
      const sum = run.phases.reduce((total: number, phase: { wallMs: number }) => total + phase.wallMs, 0)
      expect(sum).toBeCloseTo(run.wallMs, 6)
      expect(run.cpuMs).toBeGreaterThan(0)
      expect(run.calibration.wallMs).toBeGreaterThan(0)
    }
    // Encoder of 16 layers and decoder step: far more nodes than a toy.
    expect(result.provider.placement).toEqual([{ provider: 'CPUExecutionProvider', nodes: expect.any(Number), timeMs: expect.any(Number) }])
    expect(result.provider.placement[0].nodes).toBeGreaterThan(500)
    expect(result.machine.load.peakMemoryBytes).toBeGreaterThan(100 << 20)
    // Every sample is kept: the warm-up's, and how the counters grew, around the cold starts too.
    expect(result.warmUp.samples).toHaveLength(result.warmUp.runs)
    for (const { series, targetCpuMs } of [result.machine.load, result.machine.coldLoad]) {
      expect(series.length).toBeGreaterThan(1)
      expect(series.at(-1).targetCpuMs).toBeLessThanOrEqual(targetCpuMs)
    }
    expect(result).toMatchObject({ weightsSeed: 0x5eed_a5f1, noise: { grade: expect.stringMatching(/^[ABC]$/) }, rtf: { mad: expect.any(Number) }, audio: { content: expect.stringMatching(/^[0-9a-f]{16}$/) } })
    expect(checked(readFileSync(join(folder, 'base.json'), 'utf8'))).toEqual(result)
    expect(leftProcesses(tool)).toEqual([])
    expect(leftFolders(tool)).toEqual([])
  })

  it('a limit far above passes, one far below fails, and the line for the log says why', () => {
    const pass = tool.run(['--runs', '6', '--max-rtf', '50', '--max-first-ms', '600000'])
    expect(pass.stdout).toMatch(/\nasr-doctor bench: pass: RTF .* within the limit of RTF 50\.0\. The first run took .*\n$/)
    expect(pass.code).toBe(0)
    const fail = tool.run(['--runs', '6', '--min-rtfx', '1000000', '--json'])
    const { gate } = checked(fail.stdout)
    // On a machine that others use as well it may not say more than that it cannot tell.
    expect(['fail', 'inconclusive']).toContain(gate.state)
    expect(fail.code).toBe(gate.state === 'fail' ? 1 : 3)
    expect(gate.because).toContain('beyond the limit of RTFx 1000000')
  })

  it('fewer runs than an interval needs are inconclusive', () => {
    const { code, stdout } = tool.run(['--runs', '2', '--max-rtf', '50'])
    expect(code).toBe(3)
    expect(stdout).toContain('inconclusive')
  })

  it('is compared with a baseline of its own kind only', () => {
    const same = tool.run(['--runs', '8', '--baseline', join(folder, 'base.json'), '--max-regression', '300%', '--json'])
    expect(checked(same.stdout).gate).toMatchObject({ state: 'pass', decisions: [{ rule: '--max-regression', because: expect.stringMatching(/^Calibrated CPU time is/) }] })
    expect(same.code).toBe(0)
    const other = JSON.parse(readFileSync(join(folder, 'base.json'), 'utf8'))
    writeFileSync(join(folder, 'other.json'), JSON.stringify({ ...other, machine: { ...other.machine, cpu: 'Intel 4004' } }))
    const unlike = tool.run(['--runs', '6', '--baseline', join(folder, 'other.json')])
    expect(unlike.code).toBe(4)
    expect(unlike.stderr).toContain('was Intel 4004')
  })

  it('beside a program that takes a CPU the same work of several threads, which spin for each other, is no regression', () => {
    const hog = spawn(NODE, ['-e', 'for(;;);'], { stdio: 'ignore' })
    try {
      const { stdout } = tool.run(['--runs', '8', '--baseline', join(folder, 'base.json'), '--json'])
      const now = checked(stdout)
      expect(now.gate.decisions).toMatchObject([{ rule: '--max-regression', because: expect.stringMatching(/^Calibrated CPU time is/) }])
      expect(now.gate.state).not.toBe('fail')
      expect(now.machineFactor).toBeGreaterThan(0)
      expect(now.machine.load.othersCpuMs).toBeGreaterThan(0)
    } finally {
      hog.kill('SIGKILL')
    }
  }, 600_000)

  it('beside a program that takes a CPU the same work of one thread is no regression, and a quarter more of it is', () => {
    const single = join(folder, 'single.json')
    tool.run(['--threads', '1', '--runs', '12', '--save-baseline', single])
    const hog = spawn(NODE, ['-e', 'for(;;);'], { stdio: 'ignore' })
    try {
      const { stdout } = tool.run(['--threads', '1', '--runs', '12', '--baseline', single, '--json'])
      const [now, before] = [checked(stdout), checked(readFileSync(single, 'utf8'))]
      expect(now.gate.decisions).toMatchObject([{ rule: '--max-regression', because: expect.stringMatching(/^Calibrated CPU time is/) }])
      expect(now.gate.state).not.toBe('fail')
      // The very same runs, held against a baseline in which they did so much less.
      const less = { ...before, runs: before.runs.map((run: TimedRun) => ({ ...run, wallMs: run.wallMs / 1.25, cpuMs: run.cpuMs! / 1.25 })) }
      expect(judgeRegression(seriesOf(now), seriesOf(less), { allowed: 0.1, tier: 'cpu', threads: 1, others: { cpu: 'a program that takes a CPU', gpu: null } })).toMatchObject({ state: 'fail', because: expect.stringMatching(/^Calibrated CPU time is/) })
    } finally {
      hog.kill('SIGKILL')
    }
  }, 600_000)

  it('Whisper runs through its own front end and decoder', () => {
    const { code, stdout } = tool.run(['--workload', 'whisper-tiny', '--runs', '2', '--threads', '1', '--json'])
    const result = checked(stdout)
    expect(code).toBe(0)
    expect(result).toMatchObject({ workload: 'whisper-tiny', target: { threads: 1 } })
    expect(result.phases.decoder.wallMs).toBeGreaterThan(0)
  })

  it('a recording of the user’s own is heard in full', () => {
    const rate = 44_100
    const samples = Buffer.alloc(rate * 2 * 3)
    for (let i = 0; i < samples.length / 2; i++) samples.writeInt16LE(Math.round(8000 * Math.sin(i / 20)), i * 2)
    const header = Buffer.alloc(44)
    header.write('RIFF\xff\xff\xff\xffWAVEfmt ', 'latin1')
    ;[16, 1 | (1 << 16), rate, rate * 2, 2 | (16 << 16)].forEach((value, i) => header.writeUInt32LE(value, 16 + 4 * i))
    header.write('data\xff\xff\xff\xff', 36, 'latin1')
    writeFileSync(join(folder, 'piped.wav'), Buffer.concat([header, samples]))
    const { code, stdout } = tool.run(['--audio', join(folder, 'piped.wav'), '--runs', '1', '--json'])
    const result = checked(stdout)
    expect(result.audio).toMatchObject({ seconds: 3, form: '16-bit PCM, 44100 Hz, 1 channel' })
    expect(result.doubts).toContainEqual({ kind: 'odd-audio', because: expect.stringContaining('written into a pipe'), how: null })
    expect(code).toBe(0)
  })
})

it('the network’s output on a provider is held against that on the CPU', async () => {
  const child = fork(join(tool.folder, 'bench-worker.js'), [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const ask = (request: object) => new Promise<any>((resolve) => {
    child.once('message', resolve)
    child.send(request)
  })
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-node')
  expect(await ask({ kind: 'load', job: { runtime, network: { kind: 'workload', workload: 'fastconformer-s' }, providers: ['cpu'], threads: 1, audio: null } })).toMatchObject({ kind: 'loaded' })
  const { agreement } = await ask({ kind: 'compare' })
  expect(agreement).toMatchObject({ finite: true, cpuWallMs: expect.any(Number) })
  expect(agreement.cosine).toBeCloseTo(1, 9)
  child.disconnect()
})

describe('wrong calls', () => {
  it.each<[string, string[], RegExp]>([
    ['a word error rate without a recogniser', ['--max-wer', '20%'], /random weights/],
    ['a regression without a baseline', ['--max-regression', '10%'], /goes with --baseline/],
    ['a baseline that is not there', ['--baseline', '/nonexistent.json'], /ENOENT/],
    ['a baseline that is none', ['--baseline', join(REPOSITORY, 'package.json')], /is not a measurement/],
    ['a baseline that could not be written', ['--save-baseline', '/nonexistent/main.json'], /--save-baseline \/nonexistent\/main\.json cannot be written \(ENOENT\)/],
    ['a baseline of a server', ['--url', 'http://127.0.0.1:9/', '--baseline', 'main.json'], /no yardstick/],
    ['a workload that is none', ['--workload', 'whisper-huge'], /Allowed choices/],
    ['a limit of 0', ['--max-rtf', '0'], /above 0/],
    ['a limit that is no number', ['--max-rtf', 'fast'], /above 0/],
    ['both limits', ['--max-rtf', '1', '--min-rtfx', '1'], /cannot be used with/],
    ['half a run', ['--runs', '1.5'], /whole number/],
    ['a command without a place for the recording', ['--command', 'whisper-cli'], /needs \{audio\}/],
    ['a quote that is not closed', ['--command', 'a "{audio}'], /quote is not closed/],
    ['a command and a workload', ['--command', 'a {audio}', '--workload', 'whisper-tiny'], /cannot be used with/],
  ])('%s: exit 2', (_, args, message) => {
    const { code, stderr } = tool.run(args)
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })
  it('audio that cannot be read: exit 4, also as JSON', () => {
    writeFileSync(join(folder, 'page.wav'), '<!DOCTYPE html><html>')
    const { code, stdout, stderr } = tool.run(['--audio', join(folder, 'page.wav'), '--json'])
    expect(code).toBe(4)
    expect(checked(stdout).error).toMatch(/web page/)
    expect(stderr).toMatch(/web page/)
  })
})

describe('the provider asked for', () => {
  it.each([[['cuda']], [['cuda', 'cpu']], [['tensorrt', 'cuda', 'cpu']], [['CUDAExecutionProvider']]])('%j in a package for the CPU only: exit 5, nothing used, and it is named as that', (names) => {
    const { code, stdout } = tool.run(['--json', '--workload', 'fastconformer-s', ...names.flatMap((name) => ['--provider', name])])
    expect(code).toBe(5)
    const { provider, rtf, doubts } = checked(stdout)
    expect(provider).toMatchObject({ used: null, tier: null, because: expect.stringMatching(/installed without its CUDA libraries, so it can only use the CPU\.$/), how: expect.stringContaining('ONNXRUNTIME_NODE_INSTALL=true node ') })
    expect(rtf).toBeNull()
    expect(doubts.map(({ kind }: { kind: string }) => kind)).toEqual(['not-the-provider-asked-for'])
  })
  it('a provider that the build does not know is dropped by the runtime, which goes on: exit 5, and the CPU is named, whatever the baseline ran on', () => {
    const base = JSON.parse(readFileSync(join(folder, 'base.json'), 'utf8'))
    writeFileSync(join(folder, 'rocm.json'), JSON.stringify({ ...base, provider: { ...base.provider, used: 'rocm', tier: 'gpu' } }))
    const { code, stdout } = tool.run(['--json', '--workload', 'fastconformer-s', '--runs', '6', '--max-rtf', '50', '--provider', 'rocm,cpu', '--baseline', join(folder, 'rocm.json')])
    expect(code).toBe(5)
    const result = checked(stdout)
    expect(result.provider).toMatchObject({ asked: ['rocm', 'cpu'], used: 'cpu', because: expect.stringMatching(/does not contain the provider rocm/) })
    expect(result.gate.decisions.map(({ rule, state }: Decision) => [rule, state])).toEqual([['--max-rtf', 'pass'], ['--max-regression', 'inconclusive']])
  })
  it('cpu asked for and used: exit 0', () => {
    expect(tool.run(['--provider', 'cpu', '--runs', '1']).code).toBe(0)
  })
})

describeWith('gcc', spawnSync('gcc', ['--version']).status === 0 ? null : 'apt-get install gcc libc6-dev', () => {
  it('a CUDA provider that lacks a library: exit 5 with its soname, read from the runtime’s own words', () => {
    const place = join(folder, 'with-cuda')
    const modules = join(place, 'node_modules')
    mkdirSync(modules, { recursive: true })
    for (const name of ['onnxruntime-node', 'onnxruntime-common']) cpSync(join(REPOSITORY, 'node_modules', name), join(modules, name), { recursive: true, filter: (path) => !/\/bin\/napi-v6\/(darwin|win32|linux\/arm64)/.test(path) })
    const binaries = join(modules, 'onnxruntime-node/bin/napi-v6', process.platform, process.arch)
    const compile = (output: string, code: string, ...args: string[]) => {
      const ran = spawnSync('gcc', ['-shared', '-fPIC', '-x', 'c', '-', '-o', output, ...args], { input: code, encoding: 'utf8' })
      expect(ran.stderr.slice(0, 500)).toBe('')
    }
    const lib = join(folder, 'libcublasLt.so.12')
    compile(lib, 'int cublasLtCreate(void){return 0;}', '-Wl,-soname,libcublasLt.so.12')
    compile(join(binaries, 'libonnxruntime_providers_shared.so'), 'static void *host; void Provider_SetHost(void *p){host=p;} void *Provider_GetHost(void){return host;}')
    compile(join(binaries, 'libonnxruntime_providers_cuda.so'), 'int cublasLtCreate(void); int GetProvider(void){return cublasLtCreate();}', '-x', 'none', lib)
    rmSync(lib)
    const { code, stdout } = tool.run(['--json', '--workload', 'fastconformer-s', '--provider', 'cuda', '--provider', 'cpu'], { cwd: place })
    expect(checked(stdout).provider).toMatchObject({ used: null, because: 'libonnxruntime_providers_cuda.so could not be loaded because libcublasLt.so.12 was not found.', how: null })
    expect(code).toBe(5)
    // auto names no provider: the CPU is used, exit 0, and the reason is kept.
    const auto = tool.run(['--json', '--runs', '1'], { cwd: place })
    expect(checked(auto.stdout).workload).toBe('fastconformer-s')
    expect(checked(auto.stdout).provider).toMatchObject({ asked: ['auto'], used: 'cpu', because: expect.stringContaining('libcublasLt.so.12 was not found') })
    expect(checked(auto.stdout).doubts).toContainEqual(expect.objectContaining({ kind: 'provider-fell-back' }))
    expect(auto.code).toBe(0)
  })
})

describe('without onnxruntime-node', () => {
  it('says so with the one command to run, installs nothing, and does not break', () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty, { recursive: true })
    const { code, stderr } = tool.run([], { cwd: empty, env: { XDG_DATA_HOME: join(folder, 'data') } })
    expect(code).toBe(4)
    expect(stderr).toContain(`npm install --prefix ${join(folder, 'data/asr-doctor/runtime')} --ignore-scripts --no-audit --no-fund onnxruntime-node@1.30.0`)
    expect(existsSync(join(folder, 'data'))).toBe(false)
  })
  it('is found in the tool’s data folder', () => {
    const empty = join(folder, 'empty')
    mkdirSync(join(folder, 'shared/asr-doctor'), { recursive: true })
    spawnSync('ln', ['-s', REPOSITORY, join(folder, 'shared/asr-doctor/runtime')])
    expect(tool.run(['--runs', '1'], { cwd: empty, env: { XDG_DATA_HOME: join(folder, 'shared') } }).code).toBe(0)
  })
})

describe('an end before the end', () => {
  it('Ctrl-C gives what was measured so far and leaves nothing behind', async () => {
    const child = tool.start(['--json', '--runs', '400'])
    let stdout = ''
    child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    await sleep(9000)
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    const result = checked(stdout)
    expect(result.interrupted).toBe(true)
    expect(result.cold.length).toBeGreaterThan(0)
    expect(leftProcesses(tool)).toEqual([])
    expect(leftFolders(tool)).toEqual([])
  })
  it('the child ends by itself when the benchmark is killed', async () => {
    const child = tool.start(['--runs', '400'])
    await sleep(2500)
    expect(leftProcesses(tool).length).toBeGreaterThan(1)
    child.kill('SIGKILL')
    for (let i = 0; i < 100 && leftProcesses(tool).length > 0; i++) await sleep(100)
    expect(leftProcesses(tool)).toEqual([])
  })
})
