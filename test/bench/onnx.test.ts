import { createRequire } from 'node:module'
import type * as Ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { buildGraph } from '../../src/bench/onnx/graph.ts'
import { varint } from '../../src/bench/onnx/protobuf.ts'
import { fastConformerEncoder, SHAPES } from '../../src/bench/models/fastconformer.ts'
import { transducerStep } from '../../src/bench/models/transducer.ts'
import { whisperEncoder, whisperStep, WHISPER_SHAPES } from '../../src/bench/models/whisper.ts'

const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort

describe('writing ONNX', () => {
  it('numbers are written as protocol buffers do', () => {
    // From protobuf.dev/programming-guides/encoding.
    expect([...varint(150)]).toEqual([0x96, 0x01])
    expect([...varint(0)]).toEqual([0])
    expect([...varint(-2)]).toEqual([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])
  })
  it('a small graph computes what it says, on the real runtime', async () => {
    const g = buildGraph('small')
    const x = g.input('x', 'float', [1, 'n'])
    g.output('y', g.op('Add', [g.op('Mul', [x, g.scalar(3)]), g.floats(Float32Array.of(1, 2), [2])]), 'float', [1, 'n'])
    const session = await ort.InferenceSession.create(g.build())
    const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(10, 20), [1, 2]) })
    expect([...(y!.data as Float32Array)]).toEqual([31, 62])
    await session.release()
  })
})

describe('the networks have their published sizes', () => {
  // Rekesh et al. 2023 give FastConformer-L 114 M with its decoder; Radford et al. 2022 give tiny 39 M and base 74 M, encoder and decoder.
  it.each([
    ['fastconformer-s', 12.4],
    ['fastconformer-m', 26.1],
    ['fastconformer-l', 108.7],
  ] as const)('%s: %f million', (name, million) => {
    expect(fastConformerEncoder(SHAPES[name]).parameters / 1e6).toBeCloseTo(million, 0)
  })
  it.each([['whisper-tiny', 39], ['whisper-base', 74]] as const)('%s: %f million', (name, million) => {
    const parameters = whisperEncoder(WHISPER_SHAPES[name]).parameters + whisperStep(WHISPER_SHAPES[name]).parameters
    expect(Math.abs(parameters / 1e6 / million - 1)).toBeLessThan(0.05)
  })
  it('the same seed gives the same bytes', () => {
    expect(Buffer.compare(transducerStep(176).bytes, transducerStep(176).bytes)).toBe(0)
  })
  it('the encoder shrinks time eightfold and gives finite numbers that depend on the sound', async () => {
    const session = await ort.InferenceSession.create(fastConformerEncoder(SHAPES['fastconformer-s']).bytes, { intraOpNumThreads: 1 })
    const run = async (scale: number) => {
      const mel = Float32Array.from({ length: 200 * 80 }, (_, i) => scale * Math.sin(i * i))
      const { encoded } = await session.run({ mel: new ort.Tensor('float32', mel, [1, 200, 80]) })
      return encoded!
    }
    const [a, b] = [await run(1), await run(0.5)]
    expect(a.dims).toEqual([1, 25, 176])
    expect((a.data as Float32Array).every(Number.isFinite)).toBe(true)
    expect((a.data as Float32Array).some((value, i) => Math.abs(value - (b.data as Float32Array)[i]!) > 0.01)).toBe(true)
    await session.release()
  })
})
