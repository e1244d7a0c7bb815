/**
 * What the verdict makes of single lines beyond what their signatures say of themselves (src/log/signatures.ts), in one table.
 */
import type { Symptom } from './hypotheses.ts'

export interface Reading {
  /** The engine says in it that the work is done on the CPU. */
  readonly says?: 'cpu'
  /** Why it says so without a word of failure: the CPU was asked for. */
  readonly asked?: true
  /** The dynamic loader failed. That holds for the whole process, until the file is in its memory after all. */
  readonly unloaded?: true
  /** One session was made again or went on without the GPU; others of the process may have it. */
  readonly oneSession?: true
  /** It counts nodes by provider, whatever else it shows. */
  readonly counts?: true
  /** What a user notices of it. */
  readonly symptom?: Symptom
}

export const READINGS: Readonly<Record<string, Reading>> = {
  'ort-provider-unloadable': { unloaded: true, symptom: 'on-cpu' },
  'ort-node-append-failed': { unloaded: true },
  'ort-cuda-not-created': { oneSession: true, symptom: 'on-cpu' },
  'ort-falling-back': { says: 'cpu', oneSession: true },
  'ort-provider-not-available': { says: 'cpu' },
  'ort-node-removed': { says: 'cpu' },
  'ort-rs-failed': { oneSession: true },
  'ort-rs-none': { says: 'cpu', oneSession: true },
  'ort-all-on-cuda': { counts: true },
  'ort-some-on-cuda': { counts: true },
  'ort-all-on-cpu': { counts: true },
  'ort-some-on-cpu': { counts: true },
  'ort-on-other': { counts: true },
  'ort-fallback-mode': { symptom: 'slow' },
  'ct2-library-missing': { unloaded: true, symptom: 'on-cpu' },
  'ct2-device-cpu': { says: 'cpu' },
  'sherpa-fallback': { says: 'cpu' },
  'ggml-no-gpu': { says: 'cpu' },
  'ggml-told-cpu': { says: 'cpu', asked: true },
  'cpu-retry': { says: 'cpu' },
  'torch-cpu-wheel': { says: 'cpu', symptom: 'on-cpu' },
  'torch-no-driver': { says: 'cpu', symptom: 'on-cpu' },
  'torch-no-gpus': { says: 'cpu', symptom: 'on-cpu' },
  'cuda-driver-insufficient': { symptom: 'on-cpu' },
  'accelerate-offloaded': { symptom: 'slow' },
  'zero-tokens': { symptom: 'empty-text' },
  'systemd-main-exited': { symptom: 'dies' },
  'exit-code': { symptom: 'dies' },
  'systemd-oom': { symptom: 'dies' },
  'kernel-oom': { symptom: 'dies' },
  'systemd-repeated': { symptom: 'dies' },
  'pulse-refused': { symptom: 'no-microphone' },
  'alsa-unknown-pcm': { symptom: 'no-microphone' },
}

export const readingOf = ({ id }: { readonly id: string }): Reading => READINGS[id] ?? {}

/** The engine that prints a line, by the first word of its signature; null = any may. */
const ENGINES: readonly (readonly [RegExp, RegExp, 'onnxruntime' | 'ctranslate2' | 'whisper.cpp' | 'sherpa-onnx' | 'torch'])[] = [
  [/^ort-/, /\/(?:lib)?onnxruntime/, 'onnxruntime'],
  [/^(?:ct2|fw)-/, /\/(?:lib)?ctranslate2/, 'ctranslate2'],
  [/^ggml-/, /\/lib(?:whisper|ggml)\b|pywhispercpp|\/whisper-(?:cli|server)\b/, 'whisper.cpp'],
  [/^sherpa-/, /\/(?:lib)?sherpa[-_]onnx/, 'sherpa-onnx'],
  [/^(?:torch|openai-whisper|nemo|accelerate)-/, /\/(?:lib)?torch(?:_cpu|_cuda)?\b/, 'torch'],
]
export type LineEngine = (typeof ENGINES)[number][2]

export const engineOf = ({ id }: { readonly id: string }): LineEngine | null => ENGINES.find(([line]) => line.test(id))?.[2] ?? null
export const enginesAt = (paths: readonly string[]): readonly LineEngine[] => ENGINES.filter(([, file]) => paths.some((path) => file.test(path))).map(([, , engine]) => engine)
