import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIP_SAMPLES, clipText, clipWav, pcm16Wav } from '../../src/bench/audio/clip.ts'
import { inMemory } from '../../src/bench/audio/source.ts'
import { readWav } from '../../src/bench/audio/wav.ts'
import { boxMissing, bootBox, NODE, type Box } from '../support/box.ts'
import { describeWith } from '../support/rig.ts'
import { buildTool, checked, leftFolders, leftProcesses, type Tool } from './tool.ts'

let tool: Tool
let folder = ''
beforeAll(async () => {
  tool = await buildTool()
  folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
  writeFileSync(join(folder, 'silence.wav'), pcm16Wav(new Int16Array(16000), 16000))
  writeFileSync(join(folder, 'short.wav'), clipWav().subarray(0, 44 + 2 * 16000 * 8))
  writeFileSync(join(folder, 'short.txt'), 'Four score and seven years ago our fathers brought forth on this continent a new nation, conceived in liberty')
})
afterAll(() => {
  tool.remove()
  rmSync(folder, { recursive: true, force: true })
})

describe('the reference clip', () => {
  it('is 911,872 samples of speech at 16 kHz', () => {
    const { samples, rate, channels, warnings } = readWav(inMemory(clipWav()))
    expect([samples.length, rate, channels, warnings]).toEqual([CLIP_SAMPLES, 16000, 1, []])
    const loud = samples.filter((value) => Math.abs(value) > 0.01).length / samples.length
    expect(loud).toBeGreaterThan(0.3)
    expect(clipText().split(/\s+/)).toHaveLength(143)
  })
  it('takes little room in the package', () => {
    expect(readFileSync(new URL('../../fixtures/clips/reference.br', import.meta.url)).length).toBeLessThan(350_000)
  })
})

describe('a command of the user’s own', () => {
  it('gets the recording as a file, without a shell, and its text is rated', () => {
    writeFileSync(join(folder, 'said.txt'), 'four score $HOME; years')
    const { code, stdout } = tool.run(['--json', '--runs', '2', '--audio', join(folder, 'short.wav'), '--reference', join(folder, 'said.txt'), '--command', `/bin/echo 'four score' $HOME; {audio} years`])
    const result = checked(stdout)
    expect(code).toBe(0)
    expect(result.target).toMatchObject({ kind: 'command', name: '/bin/echo' })
    expect(result.text.heard).toBe(`four score $HOME; ${join(folder, 'short.wav')} years\n`)
    expect(result.provider).toMatchObject({ asked: [], used: null })
    expect(result.runs).toHaveLength(2)
    expect(result.runs[0].calibration.wallMs).toBeGreaterThan(0)
  })
  it('keeps every text once, and each run tells which was its own', () => {
    writeFileSync(join(folder, 'count'), '')
    const { stdout } = tool.run(['--json', '--runs', '3', '--command', `/bin/sh -c 'echo x >> ${join(folder, 'count')}; wc -l < ${join(folder, 'count')}; : {audio}'`])
    const { texts, cold, runs } = checked(stdout)
    expect(texts).toEqual(['1\n', '2\n', '3\n', '4\n'])
    expect([cold[0].text, ...runs.map(({ text }: { text: number }) => text)]).toEqual([0, 1, 2, 3])
  })
  it('a program that appends to what it wrote before fails', () => {
    writeFileSync(join(folder, 'kept'), '')
    const { code, stdout } = tool.run(['--runs', '6', '--audio', join(folder, 'short.wav'), '--command', `/bin/sh -c 'echo four score and seven years ago >> ${join(folder, 'kept')}; cat ${join(folder, 'kept')}; : {audio}'`])
    expect(stdout).toMatch(/fail: .*Every later run gave the text of the first one and more, 6 words at first and 42 in the end/)
    expect(code).toBe(1)
  })
  it('the report is printed though the baseline cannot be kept, and the exit code tells', () => {
    const { code, stdout, stderr } = tool.run(['--json', '--runs', '1', '--save-baseline', '/dev/full', '--command', '/bin/echo four score {audio}'])
    expect(checked(stdout).runs).toHaveLength(1)
    expect(stderr).toContain('The baseline could not be written to /dev/full (ENOSPC).')
    expect(code).toBe(4)
  })
  it('one first run settles nothing, those of the runs that follow do', () => {
    const first = (runs: string) => checked(tool.run(['--json', '--runs', runs, '--max-first-ms', '60000', '--command', '/bin/echo four score {audio}']).stdout).gate
    expect(first('1')).toMatchObject({ state: 'inconclusive', because: expect.stringContaining('in 2 fresh processes; 3 are needed') })
    expect(first('6')).toMatchObject({ state: 'pass', because: expect.stringContaining('The median first run of 7 fresh processes') })
  })
  it('a wrapper’s own children are the target, and not others who are in the way', () => {
    const work = 'const end=process.cpuUsage().user+400000;while(process.cpuUsage().user<end)for(let i=0;i<1e6;i++);console.log(1)'
    const { runs, machine } = checked(tool.run(['--json', '--runs', '3', '--command', `/bin/sh -c '${NODE} -e "${work}"; : {audio}'`]).stdout)
    const used = runs.reduce((sum: number, { cpuMs }: { cpuMs: number }) => sum + cpuMs, 0)
    expect(used).toBeGreaterThanOrEqual(1200)
    expect(machine.load.targetCpuMs).toBeGreaterThanOrEqual(0.95 * used)
  })
  it('works without onnxruntime-node, on the clip written out for it', () => {
    const { code, stdout } = tool.run(['--json', '--runs', '1', '--command', '/usr/bin/wc -c {audio}'], { cwd: folder, env: { XDG_DATA_HOME: join(folder, 'none') } })
    const result = checked(stdout)
    expect(result.text.heard).toMatch(new RegExp(`^${44 + 2 * CLIP_SAMPLES} /`))
    expect(existsSync(result.text.heard.trim().split(' ')[1])).toBe(false)
    expect(leftFolders(tool)).toEqual([])
    expect(code).toBe(0)
  })
  it('the CPU time of a run is that of the command and its children', () => {
    const burn = 'const end=process.cpuUsage().user+300000;while(process.cpuUsage().user<end);'
    const { stdout } = tool.run(['--json', '--runs', '1', '--command', `${NODE} -e "require('child_process').execFileSync(process.execPath,['-e','${burn}'])" {audio}`])
    const [{ cpuMs, wallMs }] = checked(stdout).runs
    expect(cpuMs).toBeGreaterThanOrEqual(300)
    expect(cpuMs).toBeLessThan(wallMs + 300)
  })
  it.each<[string, string, number, RegExp]>([
    ['an empty transcript fails whatever the speed', '/bin/true {audio}', 1, /fail: .*The transcript is empty\./],
    ['a program that is not there', '/nonexistent/whisper {audio}', 4, /There is no program \/nonexistent\/whisper/],
    ['a program that fails', '/bin/ls /nonexistent {audio}', 4, /\/bin\/ls ended with exit code 2: .*No such file/],
    ['a file that is no program', `${import.meta.dirname}/command.test.ts {audio}`, 4, /may not be executed/],
  ])('%s', (_, command, expected, message) => {
    const { code, stdout, stderr } = tool.run(['--runs', '1', '--command', command])
    expect(stdout + stderr).toMatch(message)
    expect(code).toBe(expected)
  })
  it('beside programs that take every CPU nothing fails for being slow, and who was in the way is said', () => {
    const hogs = Array.from({ length: cpus().length }, () => spawn(NODE, ['-e', 'for(;;);'], { stdio: 'ignore' }))
    const burn = "const end=process.cpuUsage().user+600000;while(process.cpuUsage().user<end);console.log('x')"
    try {
      const { code, stdout } = tool.run(['--json', '--runs', '6', '--max-rtf', '0.000001', '--command', `${NODE} -e "${burn}" {audio}`])
      const { gate, doubts } = checked(stdout)
      expect(gate).toMatchObject({ state: 'inconclusive', because: expect.stringMatching(/others were using the machine: other processes kept [\d.]+ CPUs busy/) })
      expect(doubts.map(({ kind }: { kind: string }) => kind)).toContain('noisy-machine')
      expect(code).toBe(3)
    } finally {
      for (const hog of hogs) hog.kill('SIGKILL')
    }
  })
  it('text made of silence fails, and none is right', () => {
    const heard = tool.run(['--runs', '1', '--json', '--audio', join(folder, 'silence.wav'), '--command', '/bin/echo thank you for watching {audio}'])
    expect(checked(heard.stdout).gate).toMatchObject({ state: 'fail', because: expect.stringContaining('The recording is silent, and text was made of it') })
    expect(heard.code).toBe(1)
    const none = tool.run(['--runs', '1', '--json', '--audio', join(folder, 'silence.wav'), '--command', '/bin/true {audio}'])
    expect(checked(none.stdout).gate).toBeUndefined()
    expect(checked(none.stdout).doubts.map(({ kind }: { kind: string }) => kind)).not.toContain('empty-transcript')
    expect(none.code).toBe(0)
  })
  it('Ctrl-C ends the command and all that it started', async () => {
    const marker = join(folder, 'started')
    const child = tool.start(['--json', '--command', `/bin/sh -c "sleep 300 & echo x > ${marker}; wait" {audio}`])
    let stdout = ''
    child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    for (let i = 0; i < 100 && !existsSync(marker); i++) await sleep(100)
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(checked(stdout)).toMatchObject({ interrupted: true, rtf: null })
    expect(leftProcesses(tool)).toEqual([])
  })
})

const MODEL = '/usr/share/pocketsphinx/model/en-us'
const sphinx = existsSync('/usr/bin/pocketsphinx_continuous') && existsSync(`${MODEL}/en-us`) ? null : 'apt-get install pocketsphinx pocketsphinx-en-us'
const SPHINX = `/usr/bin/pocketsphinx_continuous -hmm ${MODEL}/en-us -lm ${MODEL}/en-us.lm.bin -dict ${MODEL}/cmudict-en-us.dict -logfn /dev/null -infile {audio}`

describeWith('pocketsphinx', sphinx, () => {
  it('a real recogniser hears the clip: word error rate below 25 %, faster than speech', () => {
    const { code, stdout } = tool.run(['--json', '--runs', '1', '--max-wer', '25%', '--command', SPHINX])
    const result = checked(stdout)
    expect(result.text.wer).toBeLessThan(0.25)
    expect(result.text.wer).toBeGreaterThan(0.05)
    expect(result.rtf.median).toBeLessThan(1)
    expect(result.rtf.median).toBeGreaterThan(0.01)
    expect(result.gate).toMatchObject({ state: 'pass', decisions: [{ rule: '--max-wer' }] })
    expect(code).toBe(0)
  })
})

describeWith('systemd box and pocketsphinx', boxMissing() ?? sphinx, () => {
  let box: Box
  beforeAll(() => {
    box = bootBox('bench', '--bind', folder, '--bind', tool.folder)
  })
  afterAll(() => box.stop())

  const inService = (...properties: readonly string[]) => {
    const ran = box.run('systemd-run', '-q', '--wait', '--pipe', ...properties.flatMap((each) => ['-p', each]), NODE, tool.main, 'bench', '--json', '--runs', '2', '--audio', join(folder, 'short.wav'), '--reference', join(folder, 'short.txt'), '--command', SPHINX)
    expect(ran.stderr).toMatch(/^asr-doctor bench: /m)
    return checked(ran.stdout)
  }
  const kinds = (result: any): readonly string[] => result.doubts.map(({ kind }: { kind: string }) => kind)
  const slowness = (result: any): number => result.runs[0].wallMs / result.runs[0].cpuMs

  it('no quota: not throttled', () => {
    expect(kinds(inService())).not.toContain('throttled')
  })
  it.each([['50%', 0.5], ['19%', 0.19]] as const)('CPUQuota=%s is named, and wall over CPU time explains the factor', (quota, part) => {
    const result = inService(`CPUQuota=${quota}`)
    expect(kinds(result)).toContain('throttled')
    expect(result.machine.load.throttle.throttled / result.machine.load.throttle.periods).toBeGreaterThan(0.5)
    // Slower, and no deafer: 4 of these 19 words are heard otherwise in any case.
    expect(result.text.wer).toBeLessThan(0.25)
    expect(result.text.wer).toBeGreaterThan(0.05)
    // The quota is a part of one CPU, and this recogniser uses one: wall time is CPU time over the quota at least.
    expect(slowness(result)).toBeGreaterThan(0.8 / part)
    expect(slowness(result)).toBeLessThan(3 / part)
  })
})
