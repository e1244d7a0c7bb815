import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import architectureMissing from '../../checks/ep/architecture-missing.ts'
import { gpuCodeOf, type GpuCode } from '../../src/elf/gpu-code.ts'
import type { EngineLibrary } from '../../src/facts/engines.ts'
import { capabilitiesOf, capabilityByName } from '../../src/gpu/capability.ts'
import { hostHere } from '../support/diagnose.ts'
import { wheelMembers } from '../support/wheel-members.ts'
import { wheel } from '../support/wheels.ts'

const read = async (path: string) => (await hostHere({ kind: 'shell' }, 60_000).digest('gpu-code', path)) as unknown as GpuCode | null
const inWheel = (folder: string, name: RegExp): string => join(folder, readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((each) => name.test(each))!)

describe('the code for GPUs in genuine libraries', () => {
  it('CTranslate2 4.6.0: its “Common” architectures of CUDA 12.2, the last of them also as intermediate code', async () => {
    expect(await read(inWheel(wheel('ctranslate2', '4.6.0'), /libctranslate2-\w+\.so/))).toEqual({ sass: [53, 60, 61, 70, 75, 80, 86], ptx: [86] })
  }, 120_000)

  it('onnxruntime-gpu 1.26.0, read within a second and by little of its 400 MB', async () => {
    const path = inWheel(wheel('onnxruntime-gpu', '1.26.0', 'capi/libonnx'), /providers_cuda\.so$/)
    const started = performance.now()
    expect(await read(path)).toEqual({ sass: [60, 70, 75, 80, 86, 90], ptx: [90] })
    expect(performance.now() - started).toBeLessThan(1000)
  }, 600_000)

  it('torch 2.7.1: what torch.cuda.get_arch_list() answers, which is a string in libtorch_python.so', async () => {
    const site = wheelMembers('torch', '2.7.1', '^torch/(lib/libtorch_(python|cuda_linalg)\\.so|version\\.py)$')
    const flags = /\0(sm_\d+(?: (?:sm|compute)_\d+)*)\0/.exec(readFileSync(join(site, 'torch/lib/libtorch_python.so'), 'latin1'))![1]!
    expect(flags).toBe('sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90')
    const code = (await read(join(site, 'torch/lib/libtorch_cuda_linalg.so')))!
    expect(code.ptx).toEqual([])
    // This library leaves out sm_75, which runs the code of sm_70.
    expect(code.sass.map((each) => `sm_${each}`)).toEqual(flags.split(' ').filter((each) => each !== 'sm_75'))
    expect(await read(join(site, 'torch/lib/libtorch_python.so'))).toBeNull()
  }, 900_000)
})

describe('what is no such library', () => {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-gpu-code-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  it('gives null, whatever is in it', async () => {
    for (const [name, bytes] of [['empty', ''], ['text', 'x'.repeat(5000)], ['elf', `\x7fELF\x02\x01${'\xff'.repeat(5000)}`]] as const) {
      writeFileSync(join(folder, name), Buffer.from(bytes, 'latin1'))
      expect(await read(join(folder, name)), name).toBeNull()
    }
    expect(await read('/bin/true')).toBeNull()
    expect(await read(join(folder, 'nothing'))).toBeNull()
  })
  it('with any byte turned gives an answer in bounded time', async () => {
    const whole = readFileSync(inWheel(wheel('ctranslate2', '4.6.0'), /libctranslate2-\w+\.so/))
    let seed = 11
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below
    for (let n = 0; n < 200; n++) {
      const [at, value] = [n % 2 ? random(64) : 50878224 + random(4096), random(256)]
      const was = whole[at]!
      whole[at] = value
      const code = await gpuCodeOf(async (offset, length) => whole.subarray(offset, offset + length), whole.length)
      expect(code === null || Array.isArray(code.sass)).toBe(true)
      whole[at] = was
    }
  }, 60_000)
})

describe('ep/architecture-missing', () => {
  const library = (engine: EngineLibrary['engine'], version: string): EngineLibrary => ({ engine, path: `/opt/lib${engine}.so`, version, loaded: false, foundBy: 'list /opt', cudaMajor: 12, wants: [] })
  const judged = (capabilities: readonly number[], engines: readonly (readonly [EngineLibrary['engine'], GpuCode])[], strength: 'asked' | 'built' | 'none' | 'cpu' = 'asked') => {
    const verdict = architectureMissing.run({
      gpuCode: { cards: capabilities.map((capability) => ({ name: `card ${capability}`, capability, evidence: { source: 'run nvidia-smi', saw: String(capability) } })), engines: engines.map(([engine, code]) => ({ library: library(engine, '1'), asked: `digest gpu-code ${engine}`, code })), unread: 0 },
      gpuWish: { strength, majors: [], evidence: [] },
    })
    return 'status' in verdict ? verdict.status : verdict.map(({ severity, confidence }) => `${severity} ${confidence}`).join(', ') || 'passed'
  }
  const torch: GpuCode = { sass: [50, 60, 70, 80, 86, 90], ptx: [] }
  const ct2: GpuCode = { sass: [53, 60, 61, 70, 75, 80, 86], ptx: [86] }
  const ort: GpuCode = { sass: [60, 70, 75, 80, 86, 90], ptx: [90] }
  it.each<[string, readonly number[], GpuCode, 'torch' | 'ctranslate2' | 'onnxruntime', string]>([
    ['a minor between two of the list', [89], torch, 'torch', 'passed'],
    ['the same as in the list', [90], torch, 'torch', 'passed'],
    ['sm_70 serves 7.5', [75], torch, 'torch', 'passed'],
    ['a new card', [120], torch, 'torch', 'error certain'],
    ['a B200', [100], torch, 'torch', 'error certain'],
    ['a card older than the list', [37], torch, 'torch', 'error certain'],
    ['intermediate code serves a new card', [120], ct2, 'ctranslate2', 'info certain'],
    ['and a Hopper', [90], ct2, 'ctranslate2', 'info certain'],
    ['a card of the list', [86], ct2, 'ctranslate2', 'passed'],
    ['a Maxwell is older than all', [52], ort, 'onnxruntime', 'error certain'],
    ['two cards, one of them served: which is used is not known', [86, 120], torch, 'torch', 'passed'],
    ['two cards, neither served', [120, 100], torch, 'torch', 'error certain'],
  ])('%s', (_, capabilities, code, engine, expected) => expect(judged(capabilities, [[engine, code]])).toBe(expected))
  it('is less sure where another engine may do the work', () => expect(judged([120], [['torch', torch], ['ctranslate2', ct2]])).toBe('warning possible, info certain'))
  it('says nothing to who asks for the CPU, or has no engine', () => expect([judged([120], [['torch', torch]], 'cpu'), judged([120], [])]).toEqual(['not-applicable', 'not-applicable']))
  it('is no error where nothing asks for the GPU', () => expect(judged([120], [['torch', torch]], 'none')).toBe('warning certain'))
})

it('reads capabilities as nvidia-smi prints them, and by name where one name is one chip', () => {
  expect(capabilitiesOf('8.6, NVIDIA GeForce RTX 3090\n12.0, NVIDIA RTX PRO 6000 Blackwell\n')).toEqual([{ capability: 86, name: 'NVIDIA GeForce RTX 3090' }, { capability: 120, name: 'NVIDIA RTX PRO 6000 Blackwell' }])
  expect(capabilitiesOf('[N/A], NVIDIA A100\nField "compute_cap" is not a valid field to query.\n')).toEqual([])
  // developer.nvidia.com/cuda-gpus.
  const names = ['NVIDIA GeForce RTX 3090', 'NVIDIA A100-SXM4-80GB', 'NVIDIA A10G', 'NVIDIA GeForce RTX 2080', 'NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition', 'Tesla T4', 'NVIDIA H200', 'NVIDIA L4', 'NVIDIA GeForce GTX 1080 Ti', 'Tesla V100-SXM2-16GB']
  expect(names.map(capabilityByName)).toEqual([86, 80, 86, 75, 120, 75, 90, 89, 61, 70])
  expect(['Graphics Device', 'NVIDIA GeForce MX150', 'NVIDIA GeForce GTX 960M', 'NVIDIA T400'].map(capabilityByName)).toEqual([null, null, null, null])
})
