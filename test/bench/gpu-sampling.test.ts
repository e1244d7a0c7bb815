import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { doubtsOf } from '../../src/bench/doubts.ts'
import { gpuDoubts, summaryOf, type GpuRow } from '../../src/bench/gpu-load.ts'
import { rowOf, watchGpu } from '../../src/bench/gpu-watch.ts'
import { NOTHING } from '../../src/bench/protocol.ts'
import type { GpuLoad, Provider } from '../../src/bench/types.ts'
import { alive, compilerMissing, smiFolder, started, withSmi } from '../gpu/stub.ts'
import { describeWith } from '../support/rig.ts'
import { buildTool, checked } from './tool.ts'

/*
 * Rows as `nvidia-smi --query-gpu=… --format=csv,noheader,nounits` writes them (comma and blank, `[N/A]` for what a card does not
 * tell, the reasons as 16 hexadecimal digits). Names, limits, clocks and the idle rows are those of the genuine reports in
 * fixtures/nvidia-smi: 3090-v13.xml and tesla-t4.xml.
 */
const IDLE_3090 = '0, NVIDIA GeForce RTX 3090, 0, 7, 210, 2100, 35.15, 350.00, 350.00, 32, 0x0000000000000004'
const IDLE_T4 = '0, Tesla T4, 0, 1032, 585, 1590, 26.78, 70.00, 70.00, 40, 0x0000000000000000'
const CUDA: Provider = { asked: ['cuda'], used: 'cuda', tier: 'gpu', because: null, how: null, placement: [] }

const rows = (n: number, line: string, from = 0): readonly GpuRow[] => Array.from({ length: n }, (_, i) => rowOf(line, from + i)!)
const at = (change: Partial<GpuRow>, line = '0, Tesla T4, 95, 5200, 1590, 1590, 55.00, 70.00, 70.00, 61, 0x0000000000000000') => ({ ...rowOf(line, 100)!, ...change })
const load = (before: Partial<GpuRow>, during: Partial<GpuRow>, others: readonly string[] = []): readonly GpuLoad[] =>
  summaryOf([...Array.from({ length: 5 }, (_, i) => ({ ...rowOf(IDLE_T4, i)!, ...before })), ...Array.from({ length: 20 }, (_, i) => at({ at: 100 + i, ...during }))], 50, others)
const kinds = (gpus: readonly GpuLoad[], provider = CUDA) => gpuDoubts(gpus, provider).map(({ kind }) => kind)

describe('one line of nvidia-smi', () => {
  it('is read field by field', () => {
    expect(rowOf(IDLE_3090, 7)).toEqual({ at: 7, index: 0, name: 'NVIDIA GeForce RTX 3090', utilization: 0, memoryMiB: 7, smClock: 210, maxSmClock: 2100, power: 35.15, powerLimit: 350, defaultPowerLimit: 350, temperature: 32, reasons: 4 })
  })
  it('what a card does not tell is not known', () => {
    expect(rowOf('1, NVIDIA GB10, [N/A], [N/A], 2418, 3003, [N/A], [Not Supported], [Unknown Error], 41, [N/A]')).toMatchObject({ index: 1, utilization: null, memoryMiB: null, power: null, powerLimit: null, defaultPowerLimit: null, reasons: null })
  })
  it.each(['', 'Field "clocks_event_reasons.active" is not a valid field to query.', 'NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver.', '0, Tesla T4, 0'])('%j is none', (line) => {
    expect(rowOf(line)).toBeNull()
  })
})

describe('what held the GPU down', () => {
  it('nothing', () => expect(kinds(load({}, {}))).toEqual([]))
  it('at its own power limit at full load: that is how a card is meant to run', () => {
    expect(kinds(load({}, { reasons: 0x4, power: 69.8, smClock: 1200 }))).toEqual([])
  })
  it('the bit on a card that draws a tenth of its limit, as a genuine idle 3090 shows it', () => {
    expect(kinds(summaryOf([...rows(5, IDLE_3090), ...rows(20, IDLE_3090, 100)], 50, []))).toEqual([])
    expect(kinds(summaryOf([...rows(5, IDLE_3090), ...rows(20, IDLE_3090.replace(', 0, 7', ', 40, 7'), 100)], 50, []))).toEqual([])
  })
  it('a power limit below the card’s own', () => {
    const [doubt] = gpuDoubts(load({}, { reasons: 0x4, power: 59.6, powerLimit: 60, smClock: 900 }), CUDA)
    expect(doubt).toEqual({ kind: 'power-capped', because: 'GPU 0 (Tesla T4) was held at its power limit in 100 % of the samples at work, and that limit is set to 60 W, below the 70 W that the card comes with; its clock was 900 of 1590 MHz.', how: 'nvidia-smi -i 0 -pl 70 as root sets it back.' })
  })
  it('a limit that takes more than half of the clock', () => expect(kinds(load({}, { reasons: 0x4, power: 69.9, smClock: 600 }))).toEqual(['power-capped']))
  it.each([['software', 0x20], ['hardware', 0x40], ['hardware, with the general bit', 0x48]] as const)('heat, by %s', (_, reasons) => {
    const [doubt] = gpuDoubts(load({}, { reasons, temperature: 94, smClock: 700 }), CUDA)
    expect(doubt).toMatchObject({ kind: 'thermally-slowed', because: 'GPU 0 (Tesla T4) lowered its clocks because of its temperature in 100 % of the samples at work, at up to 94 °C; its clock was 700 of 1590 MHz.' })
  })
  it('an external power brake', () => expect(kinds(load({}, { reasons: 0x88 }))).toEqual(['power-capped']))
  it('the general slowdown bit alone also shows at every change of clocks, so it says nothing', () => expect(kinds(load({}, { reasons: 0x8 }))).toEqual([]))
  it('somebody else on the GPU before we began', () => {
    const doubts = gpuDoubts(load({ utilization: 87 }, {}, ['4711, python3']), CUDA)
    expect(doubts).toEqual([{ kind: 'gpu-busy', because: 'GPU 0 (Tesla T4) was at work already before anything was started here: 87 % of the time, with 4711 python3 on it.', how: 'nvidia-smi shows who uses it now.' }])
  })
  it('a process that only holds memory is not in the way', () => expect(kinds(load({ utilization: 0 }, {}, ['4711, python3']))).toEqual([]))
  it('nothing is said of a GPU that the work was not on', () => {
    const bad = load({ utilization: 87 }, { reasons: 0x60 })
    expect(kinds(bad, { ...CUDA, used: 'cpu', tier: 'cpu' })).toEqual([])
    // A command does not tell what it runs on; an idle GPU was not it.
    expect(kinds(load({}, { reasons: 0x60, utilization: 0 }), { ...CUDA, asked: [], used: null, tier: null })).toEqual([])
    expect(kinds(bad, { ...CUDA, asked: [], used: null, tier: null })).toEqual(['gpu-busy', 'thermally-slowed'])
  })
  it('of two GPUs the one at work counts', () => {
    const two = summaryOf([...Array.from({ length: 20 }, (_, i) => at({ at: i, index: 0, utilization: 0, reasons: 0x40 })), ...Array.from({ length: 20 }, (_, i) => at({ at: i, index: 1 }))], -1, [])
    expect(kinds(two)).toEqual([])
  })
  it('it is among the doubts of a measurement, as is a device that does hardly any arithmetic', () => {
    const seen = { provider: CUDA, audioWarnings: [], silent: false, machine: { logicalCores: 2 } }
    const arithmetic = { encoderFlops: 201e9, flopsPerSecond: 1e12, peakFlopsPerSecond: 50e12, share: 0.02 }
    expect(doubtsOf({ ...NOTHING, gpus: load({}, { reasons: 0x40 }) }, { ...seen, arithmetic }).map(({ kind }) => kind)).toEqual(['thermally-slowed', 'hardly-uses-the-device'])
    expect(doubtsOf(NOTHING, { ...seen, arithmetic: { ...arithmetic, share: 0.06 } })).toEqual([])
    // A small network takes longer to launch than to run on any GPU.
    expect(doubtsOf(NOTHING, { ...seen, arithmetic: { ...arithmetic, encoderFlops: 32e9 } })).toEqual([])
    expect(doubtsOf(NOTHING, { ...seen, provider: { ...CUDA, asked: ['cpu'], used: 'cpu', tier: 'cpu' }, arithmetic })).toEqual([])
  })
})

describeWith('nvidia-smi stand-in', compilerMissing(), () => {
  let folder = ''
  let data = ''
  beforeAll(() => {
    folder = smiFolder()
    data = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
    execFileSync('test', ['-x', join(folder, 'nvidia-smi')])
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
    rmSync(data, { recursive: true, force: true })
  })
  const file = (name: string, text: string) => {
    writeFileSync(join(data, name), text)
    return join(data, name)
  }
  const gone = async () => {
    for (let i = 0; i < 50 && started().some(alive); i++) await sleep(50)
    expect(started().filter(alive)).toEqual([])
  }
  const watched = (settings: Readonly<Record<string, string>>) =>
    withSmi(folder, settings, async () => {
      const watch = watchGpu()!
      const start = performance.now()
      await watch.before()
      const tookMs = performance.now() - start
      watch.begin()
      await sleep(400)
      return { gpus: watch.stop(), tookMs }
    })

  it('two GPUs are told apart, and who was on them before', async () => {
    const { gpus } = await watched({ SMI_MODE: 'loop', SMI_FILE: file('two.csv', `${IDLE_T4}\n${IDLE_3090.replace(/^0/, '1')}\n`), SMI_APPS: file('apps.csv', '4711, /usr/bin/python3\n') })
    expect(gpus).toMatchObject([{ index: 0, name: 'Tesla T4', utilizationBefore: 0, powerLimitW: 70, othersBefore: ['4711, /usr/bin/python3'] }, { index: 1, name: 'NVIDIA GeForce RTX 3090', utilization: 0, maxSmClockMHz: 2100 }])
    expect(gpus![0]!.samples).toBeGreaterThan(1)
    await gone()
  })
  it('a driver before 535 is asked by the older name', async () => {
    const { gpus } = await watched({ SMI_MODE: 'loop', SMI_OLD: '1', SMI_FILE: file('old.csv', `${IDLE_T4.replace(', 0, 1032', ', 90, 1032').replace(/0x0+$/, '0x0000000000000020')}\n`) })
    expect(gpus![0]!.reasons).toEqual({ sw_thermal_slowdown: 1 })
    await gone()
  })
  it('a benchmark shows what the GPU did meanwhile, and leaves none of it behind', async () => {
    const tool = await buildTool()
    try {
      const log = join(data, 'log')
      const busy = '0, Tesla T4, 95, 5200, 700, 1590, 55.00, 70.00, 70.00, 94, 0x0000000000000040'
      const { stdout, code } = tool.run(['--json', '--runs', '2', '--command', `${process.execPath} -e "setTimeout(()=>console.log(1),400)" {audio}`], {
        env: { PATH: `${folder}:${process.env['PATH']}`, SMI_MODE: 'loop', SMI_LOG: log, SMI_FILE: file('busy.csv', `${busy}\n`), SMI_APPS: file('apps2.csv', '4711, /usr/bin/python3\n') },
      })
      expect(code).toBe(0)
      const result = checked(stdout)
      expect(result.machine.gpus).toMatchObject([{ index: 0, name: 'Tesla T4', utilization: 95, utilizationBefore: 95, smClockMHz: 700, reasons: { hw_thermal_slowdown: 1 } }])
      expect(result.doubts.map(({ kind }: { kind: string }) => kind)).toEqual(expect.arrayContaining(['gpu-busy', 'thermally-slowed']))
      const pids = readFileSync(log, 'utf8').trim().split('\n').map(Number)
      expect(pids).toHaveLength(2)
      for (let i = 0; i < 50 && pids.some(alive); i++) await sleep(50)
      expect(pids.filter(alive)).toEqual([])
    } finally {
      tool.remove()
    }
  })
  it.each([['hangs', { SMI_MODE: 'hang' }], ['prints without end what is no row', { SMI_MODE: 'flood' }], ['fails', { SMI_MODE: 'say', SMI_FILE: '/dev/null', SMI_CODE: '9' }]])('one that %s holds nothing up and is ended', async (_, settings) => {
    const { gpus, tookMs } = await watched(settings)
    expect(gpus).toBeNull()
    expect(tookMs).toBeLessThan(10_000)
    await gone()
  })
})
