import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { COMPUTE_TYPES, instead, refused, type ComputeType } from '../../src/ctranslate2/compute-type.ts'
import { describeWith } from '../support/rig.ts'
import { wheel } from '../support/wheels.ts'
import { fromBytes } from './read.ts'
import { whisperModel } from './whisper-model.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-models-'))
afterAll(() => rmSync(folder, { recursive: true }))
const PYTHON = '/usr/bin/python3'
const is311 = existsSync(PYTHON) && spawnSync(PYTHON, ['-c', 'import sys; sys.exit(sys.version_info[:2] != (3, 11))']).status === 0
const missing = process.arch === 'x64' && is311 ? null : 'needs /usr/bin/python3 3.11 on x86-64 and pip: apt-get install python3 python3-pip'

/** Runs a script of this folder over genuine wheels. */
const python = (script: string, wheels: readonly string[], ...args: readonly string[]): string =>
  execFileSync(PYTHON, [fileURLToPath(new URL(script, import.meta.url)), ...args], { env: { PATH: '/usr/bin:/bin', PYTHONPATH: wheels.join(':') }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const numpy = () => wheel('numpy', '2.2.6')

describeWith('CTranslate2 4.6.0 of PyPI', missing, () => {
  const made = (type: string, quantisation: string): string => {
    const path = join(folder, `${type}-${quantisation}`)
    if (!existsSync(path)) python('ctranslate2-model.py', [wheel('ctranslate2', '4.6.0'), numpy()], path, type, quantisation)
    return path
  }

  // What docs/quantization.md says that the converter writes.
  it.each([
    ['float32', 'none', 'float32'], ['float16', 'none', 'float16'], ['float32', 'int8', 'int8_float32'], ['float16', 'int8', 'int8_float16'], ['float32', 'int8_float16', 'int8_float16'], ['float32', 'float16', 'float16'], ['float32', 'int16', 'int16'],
  ])('a model of %s, quantised as %s, is read as %s; cut anywhere it is said to be cut', async (type, quantisation, weights) => {
    const bytes = readFileSync(join(made(type, quantisation), 'model.bin'))
    expect(await fromBytes(bytes)).toEqual({ format: 'ctranslate2', sizeBytes: bytes.length, model: 'Whisper', weights })
    for (const share of [0.001, 0.1, 0.5, 0.9, 0.9999]) expect(await fromBytes(bytes.subarray(0, Math.floor(bytes.length * share))), String(share)).toMatchObject({ format: 'broken', problem: 'truncated' })
  }, 300_000)

  it('takes and refuses on the CPU what the table says', () => {
    // int16 depends on the processor.
    const types = COMPUTE_TYPES.filter((type) => type !== 'int16' && type !== 'float')
    const told = python('ctranslate2-model.py', [wheel('ctranslate2', '4.6.0'), numpy()], '--load', made('float32', 'none'), ...types).trim().split('\n')
    expect(told).toEqual(types.map((type) => `${type} ${refused(type, { capability: null, version: '4.6.0' }) ? 'refused' : 'taken'}`))
    expect(told).toContain('float16 refused')
    expect(told).toContain('int8 taken')
  }, 300_000)
})

/** The table "On GPU" of docs/quantization.md: a type that is converted to another by default is refused when it is asked for by name. */
describe('compute types by capability', () => {
  const rows: readonly (readonly [number, Readonly<Partial<Record<ComputeType, ComputeType>>>])[] = [
    [80, { int8_float32: 'int8_float32', int8_float16: 'int8_float16', int8_bfloat16: 'int8_bfloat16', int16: 'float16', float16: 'float16', bfloat16: 'bfloat16' }],
    [75, { int8_float32: 'int8_float32', int8_float16: 'int8_float16', int8_bfloat16: 'int8_float32', int16: 'float16', float16: 'float16' }],
    [70, { int8_float32: 'int8_float32', int8_float16: 'int8_float16', int16: 'float16', float16: 'float16' }],
    [62, { int8_float32: 'float32', int8_float16: 'float32', int8_bfloat16: 'float32', int16: 'float32', float16: 'float32', bfloat16: 'float32' }],
    [61, { int8_float32: 'int8_float32', int8_float16: 'int8_float32', int8_bfloat16: 'int8_float32', int16: 'float32', float16: 'float32', bfloat16: 'float32' }],
    [60, { int8_float32: 'float32', float16: 'float32', bfloat16: 'float32' }],
  ]
  it.each(rows)('%i', (capability, table) => {
    for (const [type, becomes] of Object.entries(table) as [ComputeType, ComputeType][]) {
      const device = { capability, version: '4.8.1' }
      expect(refused(type, device), type).toBe(type !== becomes)
      if (type !== becomes) expect(instead(type, device), type).toBe(becomes)
    }
  })
  // src/cuda/utils.cc at the tags v4.6.1 to v4.7.0.
  it('int8 on 12.0 in four releases', () => expect(['4.6.1', '4.6.2', '4.6.3', '4.7.0'].map((version) => refused('int8', { capability: 120, version }))).toEqual([false, true, true, false]))
})

describeWith('gguf 0.19.0 of PyPI', missing, () => {
  it.each(['F32', 'F16', 'BF16', 'Q8_0', 'Q5_0', 'Q4_0'])('%s is read, and cut anywhere it is said to be cut', async (type) => {
    const path = join(folder, `${type}.gguf`)
    python('gguf-model.py', [wheel('gguf', '0.19.0'), numpy()], path, type)
    const bytes = readFileSync(path)
    expect(await fromBytes(bytes)).toEqual({ format: 'gguf', sizeBytes: bytes.length, model: 'whisper', weights: type.toLowerCase() })
    for (const at of [20, 2000, Math.floor(bytes.length / 2), bytes.length - 40]) expect(await fromBytes(bytes.subarray(0, at)), String(at)).toMatchObject({ format: 'broken', problem: 'truncated' })
  }, 120_000)
})

const LOAD = 'import ctypes, sys; lib = ctypes.CDLL(sys.argv[1]); lib.whisper_init_from_file.restype = ctypes.c_void_p; print(lib.whisper_init_from_file(sys.argv[2].encode()) is not None)'

describeWith('whisper.cpp 1.8.5 of the wheel pywhispercpp 1.5.1', missing, () => {
  const takes = (bytes: Uint8Array): boolean => {
    const path = join(folder, 'ggml.bin')
    writeFileSync(path, bytes)
    return execFileSync(PYTHON, ['-c', LOAD, join(wheel('pywhispercpp', '1.5.1'), 'libwhisper.so.1'), path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() === 'True'
  }
  it.each([['f32', false], ['q5_0', true]])('%s: what it loads is whole, what it refuses is not', async (weights, quantised) => {
    const bytes = whisperModel(quantised)
    expect(takes(bytes)).toBe(true)
    expect(await fromBytes(bytes)).toEqual({ format: 'ggml', sizeBytes: bytes.length, model: 'whisper tiny', weights })
    // In the middle of the tensors, and between the last two of them.
    for (const cut of [bytes.subarray(0, Math.floor(bytes.length / 2)), bytes.subarray(0, bytes.lastIndexOf('decoder.blocks.0.cross_attn.out.bias') - 16)]) {
      expect(takes(cut)).toBe(false)
      expect(await fromBytes(cut)).toMatchObject({ format: 'broken', problem: 'truncated' })
    }
  }, 120_000)
})

describe('ggml files of another kind', () => {
  it('are not judged by the header of Whisper', async () => {
    // The voice detector of whisper.cpp: magic number, length of a name, name, version, sizes (whisper_vad_init_with_params).
    const detector = Buffer.concat([Buffer.from('lmgg\x0a\x00\x00\x00silero-16k', 'latin1'), Buffer.alloc(60, 5)])
    expect(await fromBytes(detector)).toMatchObject({ format: 'ggml', model: null, weights: 'unknown' })
  })
})
