import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { profileReader } from '../../src/profile/read.ts'
import type { ProfileReading } from '../../src/profile/types.ts'
import { verdictOf } from '../../src/verdict/verdict.ts'
import type { Signs } from '../../src/verdict/signs.ts'
import { forecastOf } from '../../src/onnx/forecast.ts'
import { fixture } from '../onnx/read.ts'
import sessionWithoutProvider from '../../checks/ep/session-without-provider.ts'
import { diagnoseHere, hostHere } from '../support/diagnose.ts'

const FOLDER = new URL('../../fixtures/profiles/', import.meta.url)
const bytes = (name: string) => readFileSync(new URL(`${name}.json`, FOLDER))

function read(of: Uint8Array, size = of.length || 1): ProfileReading {
  const reader = profileReader()
  for (let at = 0; at < of.length; at += size) reader.push(of.subarray(at, at + size))
  return reader.finish('profile')
}

/** As the check that looks at profiles judges a file of these bytes. */
async function judgedProfile(content: Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-profile-'))
  try {
    writeFileSync(join(folder, 'p.json'), content)
    return (await diagnoseHere({ kind: 'shell', files: { logs: [], profiles: [join(folder, 'p.json')], models: [] } }, [sessionWithoutProvider])).outcomes.get('ep/session-without-provider')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const verdict = (...readings: ProfileReading[]) => {
  const signs: Signs = { logs: [], models: [], profiles: readings.map((reading) => ({ asked: 'digest profile p', path: 'p', reading })), concerns: true, usesOnnx: true, onnxRuntime: null, asks: null, gpuPresent: null, provider: null, unit: null, outcomes: new Map() }
  return verdictOf(signs)
}

describe('a profile of the CPU', () => {
  it.each(['cpu-1.18.1', 'cpu-1.23.2', 'node-1.30.0'])('%s: all nodes, all runs, and the first run of each shape apart', (name) => {
    const reading = read(bytes(name))
    // The joiner has two MatMul and Add pairs, Tanh, Gemm and ArgMax; ONNX Runtime fuses them to four nodes.
    expect(reading.providers.map(({ provider, nodes }) => [provider, nodes])).toEqual([['CPUExecutionProvider', 4]])
    // rigs: five runs in Python with 4, 4, 4, 7 and 7 rows; three in Node with 4, 4 and 7.
    const runs = name.startsWith('node') ? [2, 1] : [3, 2]
    expect(reading.runs).toBe(runs[0]! + runs[1]!)
    expect(reading.shapes.map(({ shape, runs: n }) => [shape, n])).toEqual([['[{"float":[4,8]}]', runs[0]], ['[{"float":[7,8]}]', runs[1]]])
    expect(reading.memcpy).toEqual({ nodes: 0, runs: 0 })
    expect(reading.truncated).toBe(false)
    expect(verdict(reading)).toMatchObject({ onGpu: false, tier: 'T4', because: 'The profile shows 4 nodes on the CPU and none on a GPU.' })
  })

  it('adds up the time of each operator as jq does', () => {
    const events = JSON.parse(bytes('cpu-1.23.2').toString()) as { cat: string; dur: number; name: string; args: { op_name?: string } }[]
    const matmul = events.filter(({ cat, args, name }) => cat === 'Node' && args.op_name === 'MatMul' && name.endsWith('_kernel_time')).reduce((sum, { dur }) => sum + dur, 0)
    expect(read(bytes('cpu-1.23.2')).cpuOps.find(({ op }) => op === 'MatMul')!.hostUs).toBe(matmul)
  })
})

describe('a profile of CUDA with an int8 model', () => {
  it.each([['cuda-1.20.2', '1.20'], ['cuda-1.23.2', '1.23']] as const)('%s shows the nodes and copies that the forecast tells from the file', async (name, release) => {
    const reading = read(bytes(name))
    const forecast = forecastOf(await fixture('joiner.dynamic-u8.int8.onnx'), release)
    expect(reading.providers.find(({ provider }) => provider === 'CPUExecutionProvider')!.nodes).toBe(forecast.cpuNodes)
    expect(reading.memcpy.nodes).toBe(forecast.copies)
    expect([...reading.cpuOps.map(({ op }) => op)].sort()).toEqual([...new Set(forecast.onCpu.map(({ op }) => op))].sort())
  })

  it('is neither on the GPU nor on the CPU, and launch times are not called GPU time', () => {
    const told = verdict(read(bytes('cuda-1.23.2')))
    expect(told).toMatchObject({ onGpu: null, tier: 'T4' })
    expect(told.because).toBe('The profile shows 13 nodes on the GPU and 6 on the CPU, with 7 copies between them; on the CPU are DynamicQuantizeLinear ×3, MatMulInteger ×3. How much of the work each does, launch times on the host do not tell.')
    expect(told.because).not.toMatch(/\d (ms|µs|us|%)/)
  })

  it('is on the GPU where only arithmetic on shapes is left to the CPU', () => {
    const reading = read(bytes('cuda-1.23.2'))
    expect(verdict({ ...reading, cpuOps: [{ op: 'Gather', nodes: 2, runs: 10, hostUs: 20 }] })).toMatchObject({ onGpu: true, tier: 'T4' })
    expect(verdict({ ...reading, providers: reading.providers.slice(0, 1), cpuOps: [], kernelUs: 900 })).toMatchObject({ onGpu: true, tier: 'T5' })
  })
})

describe('a profile that is not whole', () => {
  const whole = bytes('cuda-1.23.2')

  it('cut anywhere gives the sums of what it holds, and says that it is cut', () => {
    for (let at = 0; at < whole.length - 3; at += 997) {
      const reading = read(whole.subarray(0, at))
      expect(reading.truncated, `cut at ${at}`).toBe(true)
      expect(reading.events).toBe(Math.max(0, whole.subarray(0, at).toString().split('\n').filter((line) => /^\{.*\},?$/.test(line)).length))
    }
  })

  it.each([1, 100, 4096])('is the same in pieces of %i bytes', (size) => {
    expect(read(whole, size)).toEqual(read(whole))
  })

  it('of nothing, of another JSON or of bytes is no exception', () => {
    expect(read(new Uint8Array(0))).toMatchObject({ events: 0, truncated: true })
    expect(read(Buffer.from('{"a":1}\n[1,2]\nnull\n"x"'))).toMatchObject({ providers: [] })
    expect(read(Buffer.from([0, 255, 10, 123, 34, 10]))).toMatchObject({ events: 0 })
  })

  it.each([
    ['of random bytes', Buffer.from([0, 255, 10, 123, 34, 10])],
    ['of another JSON', Buffer.from('{"schemaVersion":1}')],
    ['in one line', Buffer.from(JSON.stringify(JSON.parse(whole.toString())))],
    ['with other line breaks', Buffer.from(JSON.stringify(JSON.parse(whole.toString()), null, 2))],
  ])('%s is not read, and that is said', async (_, content) => {
    expect(await judgedProfile(content)).toMatchObject({ status: 'unknown', because: expect.stringMatching(/^Nothing could be read from /) })
  })

  it('as it was written is', async () => expect(await judgedProfile(whole)).toMatchObject({ status: 'not-applicable' }))

  it('is asked of the machine', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-profile-'))
    try {
      writeFileSync(join(folder, 'p.json'), whole)
      expect(await hostHere().digest('profile', join(folder, 'p.json'))).toEqual({ ...read(whole), source: join(folder, 'p.json') })
      expect(await hostHere().digest('profile', join(folder, 'none.json'))).toBeNull()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
