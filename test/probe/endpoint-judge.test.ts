import { describe, expect, it } from 'vitest'
import { answersOf } from '../../src/probe/endpoint-answers.ts'
import { judgedEndpoint } from '../../src/probe/endpoint-judge.ts'
import type { EndpointReading, EndpointRequest } from '../../src/probe/endpoint.ts'
import { pmonOf, type PmonLine } from '../../src/probe/pmon.ts'
import { belongsTo, runningOf, unitPathIn } from '../../src/host/service-processes.ts'
import { inodesOf } from '../../src/host/listeners.ts'

/*
 * Lines as nvidia-smi itself writes them: headers and rows of `pmon` by drivers of 2016 to 2026, with the columns of their time, the
 * blanks at the end and names cut at 15 characters, as they stand in public reports of it.
 */
const OLD = ['# gpu        pid  type    sm   mem   enc   dec   command', '# Idx          #   C/G     %     %     %     %   name']
const NEW = ['# gpu         pid   type     sm    mem    enc    dec    jpg    ofa     fb   ccpm    command ', '# Idx           #    C/G      %      %      %      %      %      %     MB     MB    name ']
const NOBODY = '    0          -     -      -      -      -      -      -      -      -      -    -              '
const row = (pid: number, sm: string, { gpu = 0, type = 'C', fb = 2948, name = 'python3' } = {}) => `    ${gpu}    ${String(pid).padStart(7)}     ${type}    ${sm.padStart(3)}     ${sm === '-' ? '-' : '5'}      -      -      -      -   ${fb}      0    ${name}        `

describe('nvidia-smi pmon', () => {
  const read = (...lines: string[]) => pmonOf(lines.map((line) => [7, line]))
  it('is read by its header, with the columns of any driver', () => {
    expect(read(...OLD, '    0      14835     C    45    15     0     0   python         ')).toEqual([{ atMs: 7, gpu: 0, pid: 14835, type: 'C', sm: 45, memoryMiB: null, name: 'python' }])
    expect(read(...NEW, '    0    2094147     C     92     52      -      -      -      -  90480      0    sglang::schedul')).toEqual([{ atMs: 7, gpu: 0, pid: 2094147, type: 'C', sm: 92, memoryMiB: 90480, name: 'sglang::schedul' }])
    expect(read('# gpu         pid   type     fb   ccpm    command ', '# Idx           #    C/G     MB     MB    name ', '    0       1750     C    386      0    python')).toMatchObject([{ pid: 1750, sm: null, memoryMiB: 386 }])
  })
  it('who has no sample has no number, and a GPU without processes is a row of its own', () => {
    expect(read(...NEW, '    2     377306     C      -      -      -      -      -      -    550      0    python3        ', NOBODY)).toMatchObject([{ gpu: 2, pid: 377306, sm: null, memoryMiB: 550 }, { gpu: 0, pid: null, sm: null, name: '-' }])
  })
  it.each(['', 'Not supported on the device(s)', 'Failed to process command line.', 'NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver.', '    0       1750     C    386'])('%j without a header is no row', (line) => expect(read(line)).toEqual([]))
})

const WORDS = 'Four score and seven years ago our fathers brought forth on this continent a new nation, conceived in liberty,'
const texts = (n: number, wallMs: number, said = WORDS): readonly EndpointRequest[] => Array.from({ length: n }, (_, at) => ({ startMs: at * wallMs, wallMs, end: 'text', status: 200, said }))
/** Rounds of a second, two of them before the first request. */
const rounds = (before: readonly string[], during: readonly string[], last = during): readonly PmonLine[] => [...NEW.map((line): PmonLine => [-1300, line]), ...[before, before, during, during, during, last].flatMap((lines, at) => lines.map((line): PmonLine => [-1250 + at * 1000, line]))]
const CPU = (before: number, cpus: number, waiting = 0) => ({ before: { wallMs: 1000, cpuMs: 1000 * before, waitMs: 0 }, first: { wallMs: 400, cpuMs: 400 * cpus, waitMs: 400 * waiting }, warm: { wallMs: 3200, cpuMs: 3200 * cpus, waitMs: 3200 * waiting } })
const NODES = ['/dev/nvidia-uvm', '/dev/nvidia0', '/dev/nvidiactl']
const reading = (more: Partial<EndpointReading> = {}): EndpointReading => ({ model: 'whisper-1', audioS: 8.2, words: WORDS, here: true, listeners: [{ pid: 77, name: 'python3' }], requests: texts(9, 400), processes: [{ pid: 77, name: 'python3', devices: NODES }], cpu: CPU(0, 0.9), samePids: true, pmon: rounds([row(77, '-')], [row(77, '38')]), gpus: null, ...more })
const judged = (more: Partial<EndpointReading> = {}, quota: number | null = null, driver: boolean | null = true) => judgedEndpoint(reading(more), quota, driver)

describe('work of the service’s own process on the GPU', () => {
  it('with the right text at the wanted speed: T6', () => {
    expect(judged()).toMatchObject({ onGpu: true, tier: 'T6', because: 'Asked at its endpoint, 8.2 s of speech took it 0.40 s the first time and 0.40 s then (the middle one of 8): RTF 0.05 (RTFx 20.50: faster than the audio runs). The text is what is said (word error rate 0 %). nvidia-smi pmon saw its process 77 (python3) compute on GPU 0, up to 38 % of the time, and not before. Meanwhile its processes used 0.9 CPUs more than before.' })
  })
  it('of a worker that came later, on a GPU where nobody was: as well', () => {
    expect(judged({ processes: [{ pid: 70, name: 'gunicorn', devices: [] }, { pid: 77, name: 'python3', devices: NODES }], pmon: rounds([NOBODY], [row(77, '38')]) })).toMatchObject({ onGpu: true, tier: 'T6' })
  })
  it('too slow, or another text: T5, and not T6', () => {
    expect(judged({ requests: texts(3, 4000) })).toMatchObject({ onGpu: true, tier: 'T5' })
    expect(judged({ requests: texts(9, 400, 'vier und achtzig Jahre sind vergangen') })).toMatchObject({ onGpu: true, tier: 'T5', because: expect.stringContaining('The text is not what is said') })
    expect(judged({ requests: texts(9, 400, ' ') })).toMatchObject({ onGpu: true, tier: 'T5', because: expect.stringContaining('The text is empty in each of them.') })
  })
  it('before the first request too: it may have been for others', () => {
    expect(judged({ pmon: rounds([row(77, '41')], [row(77, '38')]) })).toMatchObject({ onGpu: null, tier: 'T3', because: expect.stringContaining('and before the first request too') })
  })
  it('without a look at what was before', () => {
    expect(judged({ pmon: rounds([], [row(77, '38')]) })).toMatchObject({ onGpu: null, tier: 'T3' })
  })
  it('little of it, with the processors at work: a part of the work, and no more is said', () => {
    expect(judged({ cpu: CPU(0, 3.8), pmon: rounds([row(77, '-')], [row(77, '22')]) })).toMatchObject({ onGpu: null, tier: 'T5', because: expect.stringContaining('3.8 CPUs more than before. So a part of the work is done on the GPU') })
    expect(judged({ cpu: CPU(0, 0.9), pmon: rounds([row(77, '-')], [row(77, '3')]) })).toMatchObject({ onGpu: null, tier: 'T5' })
    // Half of one CPU is all that this unit may have.
    expect(judged({ cpu: CPU(0, 0.5), pmon: rounds([row(77, '-')], [row(77, '3')]) }, 0.5)).toMatchObject({ onGpu: null, tier: 'T5' })
  })
  it('a clock held down by heat is named', () => {
    const gpu = { index: 0, name: 'Tesla T4', utilizationBefore: 0, utilization: 90, memoryMiB: 5200, smClockMHz: 700, maxSmClockMHz: 1590, reasons: { hw_thermal_slowdown: 1, sw_power_cap: 1 } }
    expect(judged({ gpus: [gpu] }).because).toMatch(/Its clock was held down by heat, at 700 of 1590 MHz\.$/)
    expect(judged({ gpus: [{ ...gpu, reasons: { sw_power_cap: 1 } }] }).because).not.toContain('held down')
  })
})

describe('memory on the GPU alone', () => {
  it('is T3, where the sampler counts nobody', () => {
    expect(judged({ pmon: rounds([row(77, '-')], [row(77, '-')]) })).toMatchObject({ onGpu: null, tier: 'T3', because: expect.stringContaining('holds 2948 MiB on GPU 0; nvidia-smi pmon saw no work of it there, and may count none on this GPU') })
  })
  it('with the processors at work and a sampler that counts: the work is not done there', () => {
    expect(judged({ cpu: CPU(0, 1.9), pmon: rounds([row(77, '0')], [row(77, '0')]) })).toMatchObject({ onGpu: false, tier: 'T5', because: expect.stringContaining('It holds 2948 MiB on GPU 0, and nvidia-smi pmon saw it compute nothing there through 4 s of work. Meanwhile its processes used 1.9 CPUs more than before.') })
    // Another program has its number all the time, before as well.
    const game = row(99, '71', { name: 'train.py' })
    expect(judged({ cpu: CPU(0, 1.9), pmon: rounds([row(77, '-'), game], [row(77, '-'), game]) })).toMatchObject({ onGpu: false, tier: 'T5' })
  })
  it('with idle processors nothing is known', () => {
    expect(judged({ cpu: CPU(0, 0.2), pmon: rounds([row(77, '0')], [row(77, '0')]) })).toMatchObject({ onGpu: null, tier: 'T3' })
    // They were at work before as well.
    expect(judged({ cpu: CPU(1.9, 1.9), pmon: rounds([row(77, '0')], [row(77, '0')]) })).toMatchObject({ onGpu: null, tier: 'T3' })
  })
  it('a number of somebody on another GPU proves nothing of this one, nor does one behind MPS', () => {
    const elsewhere = row(99, '71', { gpu: 1 })
    expect(judged({ cpu: CPU(0, 1.9), pmon: rounds([row(77, '-'), elsewhere], [row(77, '-'), elsewhere]) })).toMatchObject({ onGpu: null, tier: 'T3' })
    const mps = row(50, '0', { name: 'nvidia-cuda-mps' })
    expect(judged({ cpu: CPU(0, 1.9), pmon: rounds([row(77, '0'), mps], [row(77, '0'), mps]) })).toMatchObject({ onGpu: null, tier: 'T3' })
  })
})

describe('another process on the GPU', () => {
  const none = { processes: [{ pid: 77, name: 'whisper-server', devices: [] }] }
  it('does not count for the service', () => {
    const other = row(99, '88', { name: 'train.py' })
    expect(judged({ ...none, cpu: CPU(0, 1.9), pmon: rounds([other], [other]) })).toMatchObject({ onGpu: false, tier: 'T3', because: expect.stringContaining('None of its processes had the device of a GPU open while it worked for 4 s. Meanwhile its processes used 1.9 CPUs more than before.') })
  })
  it('that came to work just then may be the one that the service asks: nothing is said of the service, and it is named', () => {
    expect(judged({ ...none, cpu: CPU(0, 1.9), pmon: rounds([row(99, '-', { name: 'tritonserver' })], [row(99, '88', { name: 'tritonserver' })]) })).toMatchObject({ onGpu: null, because: expect.stringContaining('Another process computed meanwhile and not before: 99 (tritonserver). If the service hands its work to it, name that one with --pid.') })
  })
  it('a screen that is drawn on is none', () => {
    const xorg = (sm: string) => row(12, sm, { type: 'G', name: 'Xorg' })
    expect(judged({ ...none, cpu: CPU(0, 1.9), pmon: rounds([xorg('-')], [xorg('4')]) })).toMatchObject({ onGpu: false, tier: 'T3' })
  })
})

describe('no GPU at all', () => {
  const cpuOnly: Partial<EndpointReading> = { processes: [{ pid: 77, name: 'whisper-server', devices: [] }], pmon: null, cpu: CPU(0, 1.9) }
  it('no device open and the processors at work: on the CPU, where the sampler sees nobody else compute, or no driver is there', () => {
    expect(judged(cpuOnly, null, false)).toMatchObject({ onGpu: false, tier: 'T3' })
    expect(judged({ ...cpuOnly, cpu: CPU(0, 0.5) }, 0.5, false)).toMatchObject({ onGpu: false, tier: 'T3' })
    expect(judged({ ...cpuOnly, pmon: rounds([NOBODY], [NOBODY]) })).toMatchObject({ onGpu: false, tier: 'T3' })
  })
  it('and neither: it may be a gateway that is busy while it waits for another, so nothing is said', () => {
    for (const driver of [true, null]) expect(judged(cpuOnly, null, driver)).toMatchObject({ onGpu: null, tier: null, because: expect.stringContaining('Whether another process computes for it on a GPU was not seen, for there is no nvidia-smi.') })
    expect(judged({ ...cpuOnly, samePids: false })).toMatchObject({ onGpu: null, because: expect.stringContaining('run the check on the host') })
  })
  it('a machine full of others, where it stands ready and waits: on the CPU as well', () => {
    expect(judged({ ...cpuOnly, cpu: CPU(0, 0.3, 0.6) }, null, false)).toMatchObject({ onGpu: false, tier: 'T3', because: expect.stringContaining('used 0.3 CPUs more than before and stood waiting for 0.6 more, which others had.') })
  })
  it('processors that do little: somebody else may do it', () => {
    expect(judged({ ...cpuOnly, cpu: CPU(0, 0.1), listeners: [{ pid: 5, name: 'nginx' }] })).toEqual({ onGpu: null, tier: null, because: expect.stringContaining('None of its processes had the device of a GPU open, and they used 0.1 CPUs more than before, which does not show that the work was done by them; its port is held by nginx (5).'), place: expect.stringMatching(/^None of/) })
  })
  it('processors that were as busy before prove nothing', () => expect(judged({ ...cpuOnly, cpu: CPU(1.9, 1.9) })).toMatchObject({ onGpu: null, tier: null }))
  it('work that is over at once proves nothing', () => expect(judged({ ...cpuOnly, requests: texts(3, 100) })).toMatchObject({ onGpu: null, tier: null }))
  it('the device of another maker is one too', () => expect(judged({ ...cpuOnly, processes: [{ pid: 77, name: 'whisper-server', devices: ['/dev/dri/renderD128'] }] })).toMatchObject({ onGpu: null, tier: null, because: expect.stringContaining('It has /dev/dri/renderD128 open; whether it computes there was not seen, for there is no nvidia-smi.') }))
  it('devices that may not be seen', () => expect(judged({ ...cpuOnly, processes: [{ pid: 77, name: 'whisper-server', devices: null }] })).toMatchObject({ onGpu: null, tier: null, because: expect.stringContaining('run the same command as root') }))
})

describe('what cannot be seen', () => {
  it('in a pid namespace, where a number means another process', () => {
    expect(judged({ samePids: false })).toMatchObject({ onGpu: null, tier: null, because: expect.stringContaining('process ids of a container are not those that nvidia-smi counts, so run the check on the host') })
  })
  it('another machine', () => expect(judged({ here: false, processes: null, pmon: null, listeners: null, cpu: null })).toMatchObject({ onGpu: null, tier: null, because: expect.stringMatching(/Its address is on another machine, whose GPU cannot be seen from here\.$/) }))
  it('no process', () => expect(judged({ processes: null, cpu: null, listeners: [{ pid: 5, name: 'docker-proxy' }] })).toMatchObject({ onGpu: null, tier: null, because: expect.stringContaining('could not be told; its port is held by docker-proxy (5), so neither is what it works on: name it with --unit or --pid.') }))
  it('no text', () => expect(judged({ requests: [{ startMs: 0, wallMs: 3, end: 'status', status: 500, said: '' }] })).toEqual({ onGpu: null, tier: null, because: 'Its endpoint gave no text, so nothing was seen at work.', place: 'Its endpoint gave no text, so nothing was seen at work.' }))
  it('a driver that does not answer is quoted', () => {
    expect(judged({ pmon: [[-5, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."]] }).because).toContain("(nvidia-smi pmon: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver)")
  })
})

describe('the answers by themselves', () => {
  it('the first is kept apart', () => {
    expect(answersOf(reading({ requests: [{ startMs: 0, wallMs: 8200, end: 'text', status: 200, said: WORDS }, ...texts(3, 410)] }))).toMatchObject({ texts: 4, firstMs: 8200, warmMs: 410, rtf: 0.05, errorRate: 0 })
    // PocketSphinx 5prealpha made this of it: 3 of 19 words are others, one came in between.
    expect(answersOf(reading({ requests: texts(1, 4100, 'poor school are in seven years ago our fathers brought forth on this continent a new nation conceived in liberty') }))).toMatchObject({ warmMs: null, rtf: 0.5, errorRate: 4 / 19 })
  })
})

describe('procfs', () => {
  it('CPU time is with that of children waited for; a name may hold anything', () => {
    expect(runningOf('77 (a) b (c) S 5 77 77 0 -1 4194304 100 200 0 0 150 25 300 5 20 0 4 0 12345 1000 50')).toEqual({ pid: 77, parent: 5, name: 'a) b (c', cpuMs: 4800 })
    expect(runningOf('')).toBeNull()
  })
  it('a unit’s control group is its own and what is below it', () => {
    const of = unitPathIn('0::/system.slice/asr.service/init\n', 'asr.service')!
    expect(of).toBe('/system.slice/asr.service')
    expect(['0::/system.slice/asr.service', '0::/system.slice/asr.service/worker', '0::/system.slice/asr.service2', '0::/system.slice/other.service'].map((text) => belongsTo(text, of))).toEqual([true, true, false, false])
    expect(unitPathIn('4:name=systemd:/user.slice/user-1000.slice/user@1000.service/app.slice/asr.service\n0::/\n', 'asr.service')).toMatch(/asr\.service$/)
    expect(unitPathIn('0::/user.slice/session-3.scope\n', 'asr.service')).toBeNull()
  })
  it('who listens on a port, by /proc/net/tcp', () => {
    const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1500        0 31337 1 0000000000000000 100 0 0 10 0
   1: 0100007F:2328 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1500        0 31338 1 0000000000000000 20 4 30 10 -1
`
    expect([inodesOf(tcp, 9000), inodesOf(tcp, 9001)]).toEqual([['31337'], []])
  })
})
