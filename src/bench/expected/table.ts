import type { Precision } from '../conditions/twin.ts'

/**
 * Published speeds of one recording after another (batch 1), as data. Figures of leaderboards that recognise many recordings at
 * once are not here: for one clip they are off by a factor of 30 to 60. RTFx = audio length ÷ processing time.
 */
export interface Published {
  /** In the path or name of the model. */
  readonly model: RegExp
  /** At the beginning of the target's runtime. */
  readonly runtime: RegExp
  readonly provider: 'cpu' | 'cuda' | 'tensorrt'
  readonly precision: Precision
  readonly device: Device
  /** One figure for each test set or language that was published. */
  readonly rtfx: readonly number[]
  readonly source: Source
}

export const DEVICES = {
  'Ryzen 7 9800X3D': { kind: 'cpu', name: /Ryzen 7 9800X3D/, desktop: true },
  'Core i7-12700K': { kind: 'cpu', name: /i7-12700K/, desktop: true },
  'GeForce RTX 5070 Ti': { kind: 'gpu', name: /RTX 5070 Ti(?! Laptop)/, desktop: false },
  'GeForce RTX 3070 Ti': { kind: 'gpu', name: /RTX 3070 Ti(?! Laptop)/, desktop: false },
  T4: { kind: 'gpu', name: /\bT4\b/, desktop: false },
} as const satisfies Record<string, { readonly kind: 'cpu' | 'gpu'; readonly name: RegExp; readonly desktop: boolean }>
export type Device = keyof typeof DEVICES

export const SOURCES = {
  'onnx-asr': { words: 'onnx-asr, docs/benchmarks.md at d4c2e39 (English and Russian test sets)', date: '2026-02-27' },
  'faster-whisper': { words: 'faster-whisper, README at 97a4785 (13 minutes of speech, beam size 5, version 1.1.0)', date: '2024-11-21' },
} as const satisfies Record<string, { readonly words: string; readonly date: string }>
export type Source = keyof typeof SOURCES

const ORT = /^onnxruntime/
const RYZEN = 'Ryzen 7 9800X3D'
const RTX = 'GeForce RTX 5070 Ti'

const onnx = (model: RegExp, provider: Published['provider'], precision: Precision, device: Device, ...rtfx: readonly number[]): Published => ({ model, runtime: ORT, provider, precision, device, rtfx, source: 'onnx-asr' })

const TDT_V3 = /parakeet-tdt-0\.6b-v3/i
const TDT_V2 = /parakeet-tdt-0\.6b-v2/i
const CTC = /parakeet-ctc-0\.6b/i
const RNNT = /parakeet-rnnt-0\.6b/i
const CANARY = /canary-1b-v2/i
const BASE = /whisper-base(?!\.en)/i
const TURBO = /whisper-large-v3-turbo/i

/** Thirteen minutes over the seconds that the table tells. */
const whisper = (model: RegExp, provider: Published['provider'], precision: Precision, device: Device, seconds: number): Published => ({ model, runtime: /^faster-whisper/, provider, precision, device, rtfx: [(13 * 60) / seconds], source: 'faster-whisper' })

export const PUBLISHED: readonly Published[] = [
  onnx(TDT_V3, 'cpu', 'fp32', RYZEN, 35.4, 33.4), onnx(TDT_V3, 'cpu', 'int8', RYZEN, 31.4, 30.5), onnx(TDT_V3, 'cuda', 'fp32', RTX, 91.4, 74.8), onnx(TDT_V3, 'cuda', 'fp32', 'T4', 57.5, 44.0),
  onnx(TDT_V3, 'tensorrt', 'fp32', RTX, 290.8, 252.2), onnx(TDT_V3, 'tensorrt', 'fp32', 'T4', 99.1, 82.7),
  onnx(TDT_V2, 'cpu', 'fp32', RYZEN, 36.8), onnx(TDT_V2, 'cpu', 'int8', RYZEN, 30.5), onnx(TDT_V2, 'cuda', 'fp32', RTX, 88.7), onnx(TDT_V2, 'cuda', 'fp32', 'T4', 57.6),
  onnx(TDT_V2, 'tensorrt', 'fp32', RTX, 298.3), onnx(TDT_V2, 'tensorrt', 'fp32', 'T4', 96.0),
  onnx(CTC, 'cpu', 'fp32', RYZEN, 43.2), onnx(CTC, 'cpu', 'int8', RYZEN, 34.8), onnx(CTC, 'cuda', 'fp32', RTX, 100.5), onnx(CTC, 'cuda', 'fp32', 'T4', 71.7),
  onnx(CTC, 'tensorrt', 'fp32', RTX, 794.2), onnx(CTC, 'tensorrt', 'fp32', 'T4', 146.5),
  onnx(RNNT, 'cpu', 'fp32', RYZEN, 33.5), onnx(RNNT, 'cpu', 'int8', RYZEN, 30.2), onnx(RNNT, 'cuda', 'fp32', RTX, 43.1), onnx(RNNT, 'cuda', 'fp32', 'T4', 40.2),
  onnx(CANARY, 'cpu', 'fp32', RYZEN, 8.3, 7.7), onnx(CANARY, 'cpu', 'int8', RYZEN, 14.9, 14.4), onnx(CANARY, 'cuda', 'fp32', RTX, 35.7, 28.7), onnx(CANARY, 'cuda', 'fp32', 'T4', 21.4, 18.7),
  onnx(BASE, 'cpu', 'fp32', RYZEN, 31.4, 23.7), onnx(BASE, 'cpu', 'int8', RYZEN, 61.8, 51.6), onnx(BASE, 'cuda', 'fp32', RTX, 108.2, 66.4), onnx(BASE, 'cuda', 'fp32', 'T4', 88.9, 57.9),
  onnx(TURBO, 'cpu', 'fp32', RYZEN, 3.9, 2.9), onnx(TURBO, 'cpu', 'int8', RYZEN, 5.4, 3.9), onnx(TURBO, 'cuda', 'fp32', RTX, 54.8, 34.9), onnx(TURBO, 'cuda', 'fp32', 'T4', 9.2, 7.5),
  onnx(TURBO, 'cuda', 'fp16', RTX, 76.0, 49.8), onnx(TURBO, 'cuda', 'fp16', 'T4', 25.9, 19.8),
  whisper(/whisper-large-v2|^large-v2$/i, 'cuda', 'fp16', 'GeForce RTX 3070 Ti', 63), whisper(/whisper-large-v2|^large-v2$/i, 'cuda', 'int8', 'GeForce RTX 3070 Ti', 59),
  whisper(/whisper-small(?!\.en)|^small$/i, 'cpu', 'fp32', 'Core i7-12700K', 157), whisper(/whisper-small(?!\.en)|^small$/i, 'cpu', 'int8', 'Core i7-12700K', 102),
]
