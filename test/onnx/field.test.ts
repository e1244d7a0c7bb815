import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { forecastOf, quantisationOf } from '../../src/onnx/forecast.ts'
import { placementOf, releaseOf } from '../../src/onnx/kernels.ts'
import type { OnnxModel, OpUse } from '../../src/onnx/types.ts'
import { fromBytes, MODELS } from './read.ts'

/**
 * Graphs as the field makes them: torch.onnx with both of its exporters, Optimum, ONNX Script, ONNX Runtime's quantiser, and
 * published models that wheels carry (test/rigs/field-exports). Beside them stands where genuine onnxruntime-gpu wheels put
 * their nodes (test/rigs/cuda-standin), optimisation off.
 */
const FIELD = new URL('field/', MODELS)
const PLACEMENTS = JSON.parse(readFileSync(new URL('placements.json', FIELD), 'utf8')) as Record<string, Record<string, { nodes: number; cpu: Record<string, number>; copies: number }>>
const models = readdirSync(FIELD).filter((file) => file.endsWith('.onnx.gz')).map((file) => file.slice(0, -3))

const loaded = new Map<string, Promise<OnnxModel>>()
const load = (name: string): Promise<OnnxModel> => {
  if (!loaded.has(name)) loaded.set(name, fromBytes(gunzipSync(readFileSync(new URL(`${name}.gz`, FIELD)))) as Promise<OnnxModel>)
  return loaded.get(name)!
}
const perOp = (uses: readonly OpUse[]): Record<string, number> => {
  const sums: Record<string, number> = {}
  for (const { op, count } of uses) sums[op] = (sums[op] ?? 0) + count
  return sums
}
/** Operators that ONNX Runtime never keeps on the CPU for the sake of a shape. */
const WORK = /^(Mat|Conv|Gemm|Dynamic|QLinear|Quantize|Attention|LSTM|GRU|Softmax|Layer|Batch|STFT|Sin|Cos|Sigmoid|Tanh|Relu|Erf|Resize)/

describe('graphs of the field', () => {
  it('are many, of many exporters, and each has a placement by each release', async () => {
    expect(models.length).toBeGreaterThanOrEqual(30)
    expect(Object.keys(PLACEMENTS)).toEqual(models)
    for (const runs of Object.values(PLACEMENTS)) expect(Object.keys(runs)).toEqual(['1.18.1 off', '1.20.2 off', '1.22.0 off', '1.23.2 off', '1.24.1 off', '1.30.0 off'])
    const producers = new Set(await Promise.all(models.map(async (name) => (await load(name)).producer)))
    expect([...producers].sort()).toEqual(['OnnxScript', 'onnx.quantize', 'optimum-onnx', 'pytorch'])
  })

  const cases = Object.entries(PLACEMENTS).flatMap(([model, runs]) => Object.entries(runs).map(([run, real]) => [model, run.split(' ')[0]!, real] as const))

  it.each(cases)('%s: the forecast names what ONNX Runtime %s leaves to the CPU, and nothing else', async (file, version, real) => {
    const model = await load(file)
    const { release } = releaseOf(version)
    const forecast = forecastOf(model, release)
    const opset = model.opsets.find(({ domain }) => domain === 'ai.onnx')!.version
    const told = perOp(forecast.onCpu)
    // On the CPU and no fault: arithmetic on shapes, and constants that are computed anew for want of a kernel.
    const benign = perOp(model.ops.filter((use) => use.shape || (use.constant && placementOf(use, opset, release) === 'cpu')))
    for (const op of new Set([...Object.keys(told), ...Object.keys(real.cpu)])) {
      const rest = (real.cpu[op] ?? 0) - (told[op] ?? 0)
      expect(rest, `${op} foretold but not left to the CPU`).toBeGreaterThanOrEqual(0)
      expect(rest, `${op} left to the CPU and not foretold`).toBeLessThanOrEqual(benign[op] ?? 0)
    }
    expect(Object.keys(perOp(model.ops.filter(({ shape }) => shape))).filter((op) => WORK.test(op))).toEqual([])
    // At least as many: shapes that are handed to the GPU are copies as well, and benign.
    expect(forecast.copies).toBeLessThanOrEqual(real.copies)
    if (Object.keys(benign).length === 0) expect(forecast.copies).toBe(real.copies)
    expect(forecast.foreign).toEqual([])
  })

  it.each(models.filter((name) => !/int8|int4|fp16|onnx-asr/.test(name)))('%s, in float, is clean', async (name) => {
    const model = await load(name)
    expect(quantisationOf(model)).toBe('none')
    for (const release of ['1.18', '1.20', '1.22', '1.23', '1.24'] as const) expect(forecastOf(model, release).onCpu, release).toEqual([])
  })

  it('quantised, each kind is known by its operators, and only dynamic and QOperator leave the GPU', async () => {
    for (const name of models.filter((each) => /int8|int4/.test(each))) {
      const model = await load(name)
      const kind = quantisationOf(model)
      expect(kind, name).toBe(/dynamic/.test(name) ? 'dynamic' : /qdq/.test(name) ? 'qdq' : /int4/.test(name) ? 'weight-only' : 'qoperator')
      expect(forecastOf(model, '1.23').cpuNodes > 0, name).toBe(kind === 'dynamic' || kind === 'qoperator')
    }
  })

  it('front ends with a Fourier transform in them need the CPU for it', async () => {
    for (const name of ['onnx-asr-kaldi.onnx', 'onnx-asr-nemo128.onnx', 'onnx-asr-gigaam-v3.onnx']) expect(perOp(forecastOf(await load(name), '1.23').onCpu), name).toEqual({ STFT: 1 })
    expect(forecastOf(await load('onnx-asr-whisper80-conv.onnx'), '1.23').onCpu).toEqual([])
  })
})
