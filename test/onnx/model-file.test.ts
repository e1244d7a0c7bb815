import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import type { ModelFile, OnnxModel } from '../../src/onnx/types.ts'
import { hostHere } from '../support/diagnose.ts'
import { fixture, fromBytes, MODELS } from './read.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-model-'))
afterAll(() => rmSync(folder, { recursive: true }))
const digest = async (path: string) => (await hostHere().digest('model', path)) as unknown as ModelFile

/** Protocol buffer by hand: a field with bytes in it, or a number. */
const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))])
const field = (number: number, bytes: readonly number[]): number[] => [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes]
const int = (number: number, value: number): number[] => [...varint(number * 8), ...varint(value)]
const text = (number: number, value: string): number[] => field(number, [...Buffer.from(value)])

/** The graph of a real model behind 4 GB of weights in raw data that the disk does not hold. */
function largeModel(path: string, tensors: number): { readonly sizeBytes: number } {
  const graph = readFileSync(new URL('encoder.onnx', MODELS))
  const raw = Math.floor((4 * 1024 ** 3) / tensors / 4) * 4
  const weights = Array.from({ length: tensors }, (_, n) => {
    const told = [...int(1, raw / 4), ...int(2, 1), ...text(8, `weights${n}`), ...varint(9 * 8 + 2), ...varint(raw)]
    return Buffer.from([...varint(5 * 8 + 2), ...varint(told.length + raw), ...told])
  })
  const opened = openSync(path, 'w')
  // A field that stands twice in a message is merged by protobuf; the first graph holds nothing but the weights.
  let at = writeSync(opened, Buffer.from([...int(1, 8), ...varint(7 * 8 + 2), ...varint(weights.reduce((sum, head) => sum + head.length + raw, 0))]))
  for (const head of weights) {
    at += writeSync(opened, head, 0, head.length, at) + raw
    ftruncateSync(opened, at)
  }
  at += writeSync(opened, graph, 0, graph.length, at)
  closeSync(opened)
  return { sizeBytes: at }
}

const reader = join(folder, 'reader.mjs')
/** Reads a model in a process of its own: the answer, the most memory that was resident, and how much of the file was read. */
async function peakOf(path: string): Promise<{ readonly model: ModelFile; readonly peakBytes: number; readonly readBytes: number }> {
  if (!existsSync(reader)) {
    const bundled = join(folder, 'model-file.mjs')
    await build({ entryPoints: [fileURLToPath(new URL('../../src/onnx/model-file.ts', import.meta.url))], bundle: true, format: 'esm', platform: 'node', outfile: bundled, logLevel: 'error' })
    writeFileSync(reader, `import { open } from 'node:fs/promises'
import { modelFileOf } from './model-file.mjs'
const file = await open(process.argv[2])
let readBytes = 0
const model = await modelFileOf(async (offset, length) => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
  readBytes += bytesRead
  return buffer.subarray(0, bytesRead)
}, (await file.stat()).size)
console.log(JSON.stringify({ model, peakBytes: process.resourceUsage().maxRSS * 1024, readBytes }))`)
  }
  return JSON.parse(execFileSync(process.execPath, [reader, path], { encoding: 'utf8', maxBuffer: 64 << 20 })) as Awaited<ReturnType<typeof peakOf>>
}

describe('an ONNX model', () => {
  it('is told by what its exporter wrote', async () => {
    const model = await fixture('encoder.onnx')
    expect(model).toMatchObject({ format: 'onnx', irVersion: 8, producer: 'asr-doctor test', opsets: [{ domain: 'ai.onnx', version: 17 }], nodes: 29, externalFiles: [] })
    expect(model.inputs).toEqual([{ name: 'x', dtype: 'float', shape: ['n', 16, 't'] }])
    expect(model.outputs.map(({ name, dtype }) => [name, dtype])).toEqual([['y', 'float'], ['len0', 'int64']])
    // The weights of rigs/cuda-standin/models.py, counted by hand: 12 float arrays, 2 of int64.
    expect(model.initializers).toEqual([
      { dtype: 'float', count: 12, elements: 8 * 16 * 3 + 8 + 4 * 64 + 2 * 256 + 32 + 8 + 8 + 1 },
      { dtype: 'int64', count: 2, elements: 5 },
    ])
    expect(model.ops.find(({ op }) => op === 'Conv')).toEqual({ domain: 'ai.onnx', op: 'Conv', inputs: ['float', 'float', 'float'], outputs: ['float'], count: 1, folded: false, constant: false, shape: false })
    // Gather on the output of Shape is arithmetic on shapes; Gather in the decoder looks up words.
    expect(model.ops.find(({ op }) => op === 'Gather')!.shape).toBe(true)
    expect((await fixture('decoder.onnx')).ops.find(({ op }) => op === 'Gather')!.shape).toBe(false)
  })

  it('keeps the types of half precision and of what the quantiser made', async () => {
    expect((await fixture('encoder.fp16.onnx')).ops.find(({ op }) => op === 'Conv')!.inputs).toEqual(['float16', 'float16', 'float16'])
    const uses = (await fixture('encoder.dynamic-u8.int8.onnx')).ops
    expect(uses.find(({ op }) => op === 'MatMulInteger')).toMatchObject({ inputs: ['uint8', 'uint8', 'uint8', 'uint8'], outputs: ['int32'] })
    expect(uses.find(({ op }) => op === 'DynamicQuantizeLinear')).toMatchObject({ outputs: ['uint8', 'float', 'uint8'], count: 5 })
  })

  it('follows types into the bodies of If, with the names around them', async () => {
    const value = (name: string, type: number) => [...text(1, name), ...field(2, field(1, int(1, type)))]
    const node = (op: string, ins: string[], outs: string[], more: number[] = []) => field(1, [...ins.flatMap((name) => text(1, name)), ...outs.flatMap((name) => text(2, name)), ...text(4, op), ...more])
    const body = (op: string) => [...node(op, ['x'], ['b']), ...field(12, value('b', 0))]
    const branches = [...field(5, [...text(1, 'then_branch'), ...field(6, body('Relu'))]), ...field(5, [...text(1, 'else_branch'), ...field(6, body('Neg'))])]
    const graph = [...node('If', ['c'], ['y'], branches), ...node('Exp', ['y'], ['z']), ...field(11, value('c', 9)), ...field(11, value('x', 10)), ...field(12, value('z', 10))]
    const model = (await fromBytes(Uint8Array.from([...int(1, 8), ...field(7, graph), ...field(8, int(2, 17))]))) as OnnxModel
    expect(model.ops.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual([
      ['Relu', ['float16'], ['float16']], ['Neg', ['float16'], ['float16']], ['If', ['bool'], ['float16']], ['Exp', ['float16'], ['float16']],
    ])
  })

  it.each([
    ['in one tensor', 1],
    ['in 2000 tensors', 2000],
  ])('of 4 GB, its weights inlined %s, is read in bounded memory, weights unread', async (_, tensors) => {
    const path = join(folder, 'large.onnx')
    const { sizeBytes } = largeModel(path, tensors)
    expect(sizeBytes).toBeGreaterThan(4 * 1024 ** 3)
    // In a process of its own, where the peak is nobody else's; the same program on a small model is what Node and the reader take.
    const [small, large] = [await peakOf(fileURLToPath(new URL('encoder.onnx', MODELS))), await peakOf(path)]
    expect(large.model).toMatchObject({ format: 'onnx', nodes: 29, sizeBytes })
    expect(large.peakBytes - small.peakBytes).toBeLessThan(32 * 1024 ** 2)
    expect(large.readBytes).toBeLessThan(4096 * (tensors + 200) + 1024 ** 2)
    rmSync(path)
  })

  it('whose 4 GB of weights lie beside it is read as small as it is', async () => {
    const location = (name: string, at: number) => field(5, [...int(1, 2 ** 20), ...int(2, 1), ...text(8, name), ...field(13, [...text(1, 'location'), ...text(2, 'large.weights')]), ...field(13, [...text(1, 'offset'), ...text(2, String(at))])])
    const graph = [...field(1, [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Relu')]), ...Array.from({ length: 1000 }, (_, n) => location(`w${n}`, n * 2 ** 22)).flat()]
    const path = join(folder, 'external.onnx')
    writeFileSync(path, Uint8Array.from([...int(1, 8), ...field(7, graph)]))
    const weights = openSync(join(folder, 'large.weights'), 'w')
    ftruncateSync(weights, 1000 * 2 ** 22)
    closeSync(weights)
    const { model, readBytes } = await peakOf(path)
    expect(model).toMatchObject({ format: 'onnx', externalFiles: ['large.weights'], initializers: [{ dtype: 'float', count: 1000, elements: 1000 * 2 ** 20 }] })
    expect(readBytes).toBeLessThan(2 * 1024 ** 2)
  })

  it('keeps the names of files of weights beside it', async () => {
    const location = field(13, [...text(1, 'location'), ...text(2, 'encoder.weights')])
    const graph = [...field(1, [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Relu')]), ...field(5, [...int(1, 1e9), ...int(2, 1), ...text(8, 'w'), ...location])]
    expect(await fromBytes(Uint8Array.from([...int(1, 8), ...field(7, graph)]))).toMatchObject({ format: 'onnx', externalFiles: ['encoder.weights'] })
  })
})

describe('what is no model, or no longer one', () => {
  const whole = readFileSync(new URL('encoder.dynamic-u8.int8.onnx', MODELS))

  it('is named for what it is', async () => {
    const of = (bytes: string | Buffer) => fromBytes(Buffer.from(bytes as string, 'latin1'))
    expect(await of('')).toMatchObject({ format: 'broken', problem: 'empty' })
    expect(await of('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 652000000\n')).toMatchObject({ problem: 'lfs-pointer' })
    expect(await of('<!DOCTYPE html><html>Not found</html>')).toMatchObject({ problem: 'unknown-format' })
    expect(await of('PK\x03\x04' + 'x'.repeat(100))).toMatchObject({ problem: 'unknown-format' })
  })

  it('cut anywhere is said to be cut, and never a whole model', async () => {
    for (let at = 3; at < whole.length; at += 101) {
      const model = await fromBytes(whole.subarray(0, at))
      expect(model.format, `cut at ${at}`).toBe('broken')
      expect((model as { problem: string }).problem).toMatch(/truncated|malformed/)
    }
  })

  it('with any byte turned gives an answer and no exception', async () => {
    let seed = 7
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below
    for (let n = 0; n < 3000; n++) {
      const bytes = Buffer.from(whole)
      for (let k = 0; k <= random(4); k++) bytes[random(n % 2 ? bytes.length : 400)] = random(256)
      expect(['onnx', 'broken']).toContain((await fromBytes(bytes)).format)
    }
  })

  it('nested without end, or made of empty fields, is given up', async () => {
    let graph: number[] = []
    for (let depth = 0; depth < 60; depth++) graph = field(1, [...text(4, 'If'), ...field(5, field(6, graph))])
    expect(await fromBytes(Uint8Array.from([...int(1, 8), ...field(7, graph)]))).toMatchObject({ problem: 'excessive' })
    const empty = Buffer.alloc(80_000_000, Buffer.from([0xfa, 0x07, 0x00]))
    empty.set([8, 8])
    const started = performance.now()
    const answer = await fromBytes(empty)
    expect(['broken', 'onnx']).toContain(answer.format)
    expect(performance.now() - started).toBeLessThan(20_000)
  })

  it('is asked of the machine like any other thing', async () => {
    expect(await digest(join(folder, 'nothing.onnx'))).toBeNull()
    await expect(digest(folder)).rejects.toThrow('is not a regular file')
    writeFileSync(join(folder, 'pointer.onnx'), 'version https://git-lfs.github.com/spec/v1\n')
    expect(await digest(join(folder, 'pointer.onnx'))).toMatchObject({ problem: 'lfs-pointer' })
  })
})
