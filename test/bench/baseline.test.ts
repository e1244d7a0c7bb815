import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { changedSince, knownOf, machineFactor, parseBaseline, unlike, useless } from '../../src/bench/baseline.ts'
import { contentOf, modelFiles } from '../../src/bench/content.ts'
import type { GpuLoad, Result } from '../../src/bench/types.ts'

const gpu = (name: string, utilization: number, index = 0) => ({ index, name, utilization }) as GpuLoad
/** As an older version kept it: without a digest of the content, a driver or a GPU. */
const base = { tool: { version: '1.0.0' }, target: { kind: 'embedded', threads: null, runtime: 'onnxruntime-node 1.30.0' }, workload: 'w', audio: { seconds: 57 }, provider: { used: 'cpu', tier: 'cpu' }, machine: { cpu: 'A', logicalCores: 2, arch: 'x64', node: 'v20.0.0' } } as unknown as Result
const onCuda = (...gpus: readonly GpuLoad[]): Result => ({ ...base, provider: { ...base.provider, used: 'cuda', tier: 'gpu' }, machine: { ...base.machine, gpus } })
const differs = (now: Result, before: Result, crossMachine = false) => unlike(knownOf(now), knownOf(before), crossMachine)

describe('a stored measurement', () => {
  it.each<[string, string, RegExp]>([
    ['no JSON', '{', /is not JSON/],
    ['another JSON', '{"a":1}', /is not a measurement/],
    ['null', 'null', /is not a measurement/],
    ['a newer one', '{"tool":{"name":"asr-doctor"},"runs":[],"schemaVersion":2}', /schema version 2/],
    ['one without times', '{"tool":{"name":"asr-doctor"},"runs":[{}],"schemaVersion":1}', /no wall time/],
    ['one without its parts', '{"tool":{"name":"asr-doctor"},"runs":[],"schemaVersion":1}', /lacks a part/],
  ])('%s', (_, text, message) => {
    expect(parseBaseline(text)).toMatch(message)
  })
  it('what differs is named', () => {
    expect(differs(base, base)).toBeNull()
    expect(differs({ ...base, workload: 'v', target: { ...base.target, threads: 4 } }, base)).toBe('the workload is v and was w, the number of threads is 4 and was not set')
  })
  it('another GPU behind the same CPU is another machine, unless the work was on the CPU', () => {
    expect(differs(onCuda(gpu('NVIDIA A100-SXM4-80GB', 90)), onCuda(gpu('Tesla T4', 95)))).toBe('the GPU is NVIDIA A100-SXM4-80GB and was Tesla T4')
    expect(differs(onCuda(gpu('NVIDIA A100-SXM4-80GB', 90)), onCuda(gpu('Tesla T4', 95)), true)).toBeNull()
    expect(differs({ ...base, machine: { ...base.machine, gpus: [gpu('Tesla T4', 60)] } }, { ...base, machine: { ...base.machine, gpus: [gpu('NVIDIA L4', 60)] } })).toBeNull()
    // Of several the one at work counts, in whatever order they are listed.
    expect(differs(onCuda(gpu('Tesla T4', 0), gpu('NVIDIA L4', 90, 1)), onCuda(gpu('NVIDIA L4', 80)))).toBeNull()
  })
  it('of a command it is known only where a GPU was at work both times', () => {
    const command = (...gpus: readonly GpuLoad[]): Result => ({ ...onCuda(...gpus), provider: { ...base.provider, used: null, tier: null } })
    expect(differs(command(gpu('Tesla T4', 90)), command(gpu('NVIDIA L4', 90)))).toBe('the GPU is Tesla T4 and was NVIDIA L4')
    expect(differs(command(gpu('Tesla T4', 3)), command(gpu('NVIDIA L4', 90)))).toBeNull()
  })
  it('another recording of the same length is other work; a baseline that does not tell is read all the same', () => {
    const recorded = (content: string): Result => ({ ...base, audio: { ...base.audio, content } })
    expect(differs(recorded('a'), recorded('b'))).toBe('the recording is a and was b')
    expect(differs(recorded('a'), base)).toBeNull()
    expect(differs(onCuda(gpu('Tesla T4', 90)), onCuda())).toBeNull()
  })
  it('runtime, driver, model, Node.js and our own version may differ, and it is said', () => {
    const now = { ...base, target: { ...base.target, runtime: 'onnxruntime-node 1.31.0', content: 'ab' }, machine: { ...base.machine, gpuDriver: '550.54.14' } }
    const before = { ...base, target: { ...base.target, content: 'cd' }, machine: { ...base.machine, gpuDriver: '535.183.01' } }
    expect(differs(now, before)).toBeNull()
    expect(changedSince(now, before)).toBe('Not as in the baseline: the runtime is onnxruntime-node 1.31.0 and was onnxruntime-node 1.30.0, the GPU driver is 550.54.14 and was 535.183.01, the model, by its files, is ab and was cd.')
    expect([changedSince(base, base), changedSince(now, { ...base, target: now.target })]).toEqual([null, null])
  })
  it('one that can never be compared with is known before anything is measured', () => {
    const run = (wallMs: number | null) => ({ wallMs: 100, calibration: wallMs === null ? null : { wallMs, cpuMs: wallMs } }) as Result['runs'][number]
    const of = (count: number, wallMs: number | null) => ({ provider: base.provider, runs: Array.from({ length: count }, () => run(wallMs)) })
    expect([useless(of(6, 10), 6), useless(of(1, 10), 6), useless(of(6, null), 6)]).toEqual([null, 'it holds one run, and a comparison needs 6', expect.stringContaining('no yardstick')])
    expect([machineFactor(of(6, 15), of(6, 10)), machineFactor(of(6, 15), null), machineFactor(of(6, null), of(6, 10)), machineFactor(of(6, 15), { ...of(6, 10), provider: { ...base.provider, used: 'cuda' } })]).toEqual([{ machineFactor: 1.5 }, {}, {}, {}])
  })
})

describe('the content of files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string, text: string | Buffer) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  it('a byte at the beginning, in the middle or at the end, and the length, tell two files apart', () => {
    const bytes = (at: number | null, length = 1_000_000) => {
      const data = Buffer.alloc(length, 7)
      if (at !== null) data[at] = 8
      return data
    }
    const digests = [bytes(null), bytes(0), bytes(500_000), bytes(999_999), bytes(null, 1_000_001)].map((data) => contentOf([file('a.bin', data)]))
    expect(new Set(digests).size).toBe(5)
    expect(contentOf([file('b.bin', bytes(0))])).toBe(digests[1])
  })
  it('a file of a terabyte takes no longer; what cannot be read, or is no file, has none', () => {
    truncateSync(file('huge.bin', ''), 2 ** 40)
    expect(contentOf([join(folder, 'huge.bin')])).toMatch(/^[0-9a-f]{16}$/)
    expect([contentOf([]), contentOf([join(folder, 'none')]), contentOf([folder]), contentOf(['/dev/zero'])]).toEqual([null, null, null, null])
  })
  it('a model is its graphs and the weights beside each; a notice in the folder is not', () => {
    mkdirSync(join(folder, 'm/onnx'), { recursive: true })
    for (const name of ['encoder.onnx', 'encoder.onnx_data', 'decoder.onnx', 'decoder.int8.onnx', 'README.md', 'model.bin', 'onnx/a.onnx', 'onnx/a.onnx.data']) writeFileSync(join(folder, 'm', name), name)
    symlinkSync('encoder.onnx', join(folder, 'm/link.onnx'))
    const names = (...args: Parameters<typeof modelFiles>) => modelFiles(...args).map((path) => path.slice(folder.length + 3))
    expect(names(join(folder, 'm'), ['encoder.onnx', 'onnx/a.onnx'])).toEqual(['encoder.onnx', 'encoder.onnx_data', 'onnx/a.onnx', 'onnx/a.onnx.data'])
    expect(names(join(folder, 'm'))).toEqual(['decoder.int8.onnx', 'decoder.onnx', 'encoder.onnx', 'encoder.onnx_data', 'link.onnx', 'model.bin'])
    expect(names(join(folder, 'm/encoder.onnx'))).toEqual(['encoder.onnx', 'encoder.onnx_data'])
    expect(modelFiles(join(folder, 'none'))).toEqual([])
  })
})
