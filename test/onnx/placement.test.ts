import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { forecastOf, quantisationOf } from '../../src/onnx/forecast.ts'
import { placementOf, releaseOf } from '../../src/onnx/kernels.ts'
import type { OpUse } from '../../src/onnx/types.ts'
import { fixture, MODELS } from './read.ts'

/**
 * What ONNX Runtime itself assigned: its genuine onnxruntime-gpu wheels, loading these models with the CUDA provider over
 * stand-in CUDA libraries (test/rigs/cuda-standin). Placement is decided before the GPU does any work.
 */
const PLACEMENTS = JSON.parse(readFileSync(new URL('placements.json', MODELS), 'utf8')) as Record<string, Record<string, { nodes: number; cpu: Record<string, number>; copies: number }>>
const models = readdirSync(MODELS).filter((file) => file.endsWith('.onnx'))

/** The CPU's ArgMax takes no float16, so that ONNX Runtime puts a Cast of its own in front. */
const PUT_IN: Record<string, Record<string, number>> = { 'joiner.fp16.onnx 1.18.1': { Cast: 1 }, 'joiner.fp16.onnx 1.20.2': { Cast: 1 } }

describe('the forecast from bytes', () => {
  const cases = Object.entries(PLACEMENTS).flatMap(([model, runs]) => Object.entries(runs).filter(([run]) => run.endsWith(' off')).map(([run, real]) => [model, run.split(' ')[0]!, real] as const))

  it.each(cases)('%s equals what ONNX Runtime %s assigns, node for node and copy for copy', async (file, version, real) => {
    const model = await fixture(file)
    const { release } = releaseOf(version)
    const forecast = forecastOf(model, release)
    const opset = model.opsets.find(({ domain }) => domain === 'ai.onnx')!.version
    const count = (uses: readonly OpUse[]) => uses.reduce((sum, use) => sum + use.count, 0)
    // On the CPU and no fault: arithmetic on shapes, and constants that are computed anew for want of a kernel.
    const shapes = model.ops.filter(({ shape }) => shape)
    const constants = model.ops.filter((use) => use.constant && placementOf(use, opset, release) === 'cpu')
    const expected = { ...real.cpu }
    for (const { op, count: n } of constants) expected[op] = (expected[op] ?? 0) - n
    for (const [op, n] of Object.entries(PUT_IN[`${file} ${version}`] ?? {})) expected[op] = (expected[op] ?? 0) - n
    for (const { op, count: n } of shapes) if (op in real.cpu) expected[op] = expected[op]! - n
    const told: Record<string, number> = {}
    for (const { op, count: n } of forecast.onCpu) told[op] = (told[op] ?? 0) + n
    expect(told).toEqual(Object.fromEntries(Object.entries(expected).filter(([, n]) => n !== 0)))
    expect(forecast.copies).toBe(real.copies - count(constants))
    // Without optimisation, constants that are folded otherwise are nodes as well.
    const folded = model.ops.filter((use) => use.folded && use.op !== 'Constant')
    const put = Object.values(PUT_IN[`${file} ${version}`] ?? {}).reduce((sum, n) => sum + n, 0)
    // A DequantizeLinear with several readers is doubled (EnsureUniqueDQForNodeUnit).
    if (quantisationOf(model) === 'qdq') expect(forecast.nodes).toBeLessThanOrEqual(real.nodes)
    else expect(forecast.nodes + count(folded) + put).toBe(real.nodes)
  })

  it('covers thirty graphs and four releases; the one without a placement has none anywhere', () => {
    expect(models).toHaveLength(30)
    // ConvInteger takes uint8 weights only, so that this model loads nowhere (fixtures/logs/onnxruntime-1.23.2-not-implemented.txt).
    expect(models.filter((file) => !(file in PLACEMENTS))).toEqual(['encoder.dynamic-i8.int8.onnx'])
    for (const runs of Object.values(PLACEMENTS)) expect(Object.keys(runs)).toHaveLength(8)
  })

  it.each(models.filter((file) => !/int8|int4|fp16/.test(file)))('%s has no node on the CPU from 1.20.2 on', async (file) => {
    const model = await fixture(file)
    expect(quantisationOf(model)).toBe('none')
    expect(forecastOf(model, '1.23').onCpu).toEqual([])
  })

  it('finds no fault in QDQ alone, nor in weights of 4 bits', async () => {
    for (const name of ['encoder', 'joiner', 'decoder']) {
      for (const kind of ['static-qdq-int8.int8', 'static-qdq-uint8.int8', 'int4']) {
        const model = await fixture(`${name}.${kind}.onnx`)
        expect(forecastOf(model, '1.23').cpuNodes, `${name}.${kind}`).toBe(0)
        expect(quantisationOf(model)).toBe(kind === 'int4' ? 'weight-only' : 'qdq')
      }
    }
  })

  it('names the kind of quantisation', async () => {
    expect(quantisationOf(await fixture('encoder.dynamic-u8.int8.onnx'))).toBe('dynamic')
    expect(quantisationOf(await fixture('joiner.static-qoperator-int8.int8.onnx'))).toBe('qoperator')
  })
})

describe('which release of the table holds', () => {
  it('is the newest that is not newer', () => {
    expect(releaseOf('1.20.2')).toEqual({ release: '1.20', exact: true })
    expect(releaseOf('1.30.0')).toEqual({ release: '1.24', exact: false })
    expect(releaseOf('1.14.1')).toEqual({ release: '1.17', exact: false })
    expect(releaseOf(null)).toEqual({ release: '1.24', exact: false })
  })
})
