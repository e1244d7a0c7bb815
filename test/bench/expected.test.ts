import { describe, expect, it } from 'vitest'
import { expectedFor, slowDoubt } from '../../src/bench/expected/match.ts'
import { DEVICES, PUBLISHED, SOURCES } from '../../src/bench/expected/table.ts'
import { encoderFlops } from '../../src/bench/models/flops.ts'
import type { GpuLoad, Provider, Target } from '../../src/bench/types.ts'

const gpu = (name: string): GpuLoad => ({ index: 0, name, samples: 10, samplesAtWork: 10, utilizationBefore: 0, othersBefore: [], utilization: 90, memoryMiB: null, smClockMHz: null, maxSmClockMHz: null, powerW: null, powerLimitW: null, defaultPowerLimitW: null, temperatureC: null, reasons: {} })
const on = (used: string, tier: 'cpu' | 'gpu'): Provider => ({ asked: [used], used, tier, because: null, how: null, placement: [] })
const model = (name: string, files: readonly string[] = []): { target: Target; workload: string } => ({ target: { kind: 'model', name, runtime: 'onnxruntime-node 1.30.0', threads: null, files }, workload: name })
const of = (what: { target: Target; workload: string }, provider: Provider, cpu = 'AMD Ryzen 7 9800X3D 8-Core Processor', card: string | null = null) => expectedFor({ ...what, provider, machine: { cpu } }, card === null ? null : [gpu(card)])

describe('published figures', () => {
  it('like for like they are shown as a range with source and date', () => {
    expect(of(model('/models/parakeet-tdt-0.6b-v3-onnx'), on('cuda', 'gpu'), '', 'Tesla T4')).toEqual([{ rtfx: { low: 44, high: 57.5 }, device: 'T4', precision: 'fp32', source: expect.stringContaining('onnx-asr'), date: '2026-02-27' }])
    expect(of(model('/models/parakeet-tdt-0.6b-v3-onnx', ['encoder-model.int8.onnx']), on('cpu', 'cpu'))).toMatchObject([{ rtfx: { low: 30.5, high: 31.4 }, precision: 'int8' }])
    const faster = { target: { kind: 'python', name: 'faster-whisper-large-v2', runtime: 'faster-whisper 1.1.0 in Python 3.11.2', threads: null, precision: 'float16' } as Target, workload: '/m/faster-whisper-large-v2' }
    expect(of(faster, on('cuda', 'gpu'), '', 'NVIDIA GeForce RTX 3070 Ti')[0]!.rtfx.low).toBeCloseTo(780 / 63, 6)
  })
  it.each<[string, ReturnType<typeof of>]>([
    ['another card of the same name’s beginning', of(model('/models/parakeet-tdt-0.6b-v3'), on('cuda', 'gpu'), '', 'NVIDIA T400')],
    ['a laptop’s card', of(model('/models/parakeet-tdt-0.6b-v3'), on('cuda', 'gpu'), '', 'NVIDIA GeForce RTX 5070 Ti Laptop GPU')],
    ['another model', of(model('/models/parakeet-tdt-1.1b'), on('cuda', 'gpu'), '', 'Tesla T4')],
    ['an English-only model', of(model('/models/whisper-base.en'), on('cuda', 'gpu'), '', 'Tesla T4')],
    ['another runtime', of({ ...model('/models/whisper-base'), target: { ...model('').target, runtime: 'transformers 5.0 in Python 3.11' } }, on('cuda', 'gpu'), '', 'Tesla T4')],
    ['a built-in network, whatever it is called', of({ target: { kind: 'embedded', name: 'whisper-base (random weights)', runtime: 'onnxruntime-node 1.30.0', threads: null }, workload: 'whisper-base' }, on('cpu', 'cpu'))],
    ['a precision nobody published', of(model('/models/parakeet-tdt-0.6b-v3', ['encoder-model.int8.onnx']), on('cuda', 'gpu'), '', 'Tesla T4')],
    ['no card seen', of(model('/models/parakeet-tdt-0.6b-v3'), on('cuda', 'gpu'))],
  ])('not for %s', (_, figures) => expect(figures).toEqual([]))

  it('a GPU run below a desktop CPU is certain; one above, too few runs, or one on a CPU is not said', () => {
    const known = { ...model('/models/parakeet-tdt-0.6b-v3'), provider: on('cuda', 'gpu'), machine: { cpu: '' } }
    const runs = (rtfx: number, n = 10) => Array(n).fill(1 / rtfx)
    // Incident 0 in its own figures: 57 s of speech in 44 s.
    expect(slowDoubt(known, runs(57 / 44))).toEqual([{ kind: 'slower-than-a-desktop-cpu', because: expect.stringMatching(/RTFx 1\.30\) is slower than a desktop CPU: RTFx 30\.5 was published .* Ryzen 7 9800X3D/), how: null }])
    expect(slowDoubt(known, [...runs(10), 1 / 31])).toEqual([])
    expect(slowDoubt(known, runs(1.3, 5))).toEqual([])
    expect(slowDoubt({ ...known, provider: on('cpu', 'cpu') }, runs(1.3))).toEqual([])
  })
  it('the table is one of single recordings, and every row has a source and a device', () => {
    for (const row of PUBLISHED) {
      // The leaderboards' figures of many recordings at once begin at several hundred for these models on such cards.
      expect(Math.max(...row.rtfx)).toBeLessThan(800)
      expect(Math.min(...row.rtfx)).toBeGreaterThan(1)
      expect(SOURCES[row.source].date).toMatch(/^20\d\d-\d\d-\d\d$/)
      expect(DEVICES[row.device].kind).toBe(row.provider === 'cpu' ? 'cpu' : 'gpu')
    }
  })
})

describe('arithmetic of the encoders', () => {
  // Counted independently, from the products in the exported graphs (reference clip of 57 s; Whisper per window of 30 s, without
  // the keys and values for the decoder, which are added here: 2 products of 1500 × width² for each layer).
  it.each([['fastconformer-s', 56.992, 32.3], ['fastconformer-m', 56.992, 60.4], ['fastconformer-l', 56.992, 201.6]] as const)('%s: %s s take %s GFLOP', (workload, seconds, gflop) => {
    expect(encoderFlops(workload, seconds) / 1e9).toBeCloseTo(gflop, -Math.log10(gflop * 0.02))
  })
  it.each([['whisper-tiny', 36.9, 4, 384], ['whisper-base', 87.4, 6, 512]] as const)('%s: a window takes %s GFLOP and the decoder’s part', (workload, gflop, layers, width) => {
    const cross = (layers * 2 * 2 * 1500 * width ** 2) / 1e9
    expect(encoderFlops(workload, 30) / 1e9).toBeCloseTo(gflop + cross, 0)
    expect(encoderFlops(workload, 57)).toBe(2 * encoderFlops(workload, 30))
  })
  it('long recordings are heard in pieces of a minute', () => {
    expect(encoderFlops('fastconformer-s', 120)).toBeCloseTo(2 * encoderFlops('fastconformer-s', 60), -3)
    expect(encoderFlops('fastconformer-s', 0.01)).toBe(0)
  })
})
