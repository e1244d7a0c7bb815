import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WrongCall } from '../../wrong-call.ts'
import { MODEL_RATE, openAudio } from '../audio/load.ts'
import type { Prepared } from '../audio/prepare.ts'
import type { Subject } from '../subject.ts'
import type { BenchOptions } from '../command.ts'
import { pythonNetwork, type NetworkJob, type PythonNetwork } from '../engines/python/onnxruntime.ts'
import { normalise, PIECE_SAMPLES, transducerModels } from '../engines/transducer.ts'
import { START, TOKENS_PER_WINDOW, whisperModels } from '../engines/whisper.ts'
import { kaldiFbank } from '../features/kaldi.ts'
import { WINDOW_SAMPLES, whisperLogMel } from '../features/whisper.ts'
import { calibrationModel } from '../models/calibration.ts'
import { MELS, SHAPES } from '../models/fastconformer.ts'
import { BLANK, STATE } from '../models/transducer.ts'
import { WHISPER_MELS, WHISPER_SHAPES } from '../models/whisper.ts'
import type { WorkloadName } from '../names.ts'
import { longName, shortName, tierOf, whyNotPython } from '../providers.ts'
import type { Provider } from '../types.ts'
import { defaultWorkload, isWhisper } from '../workloads.ts'

/** The built-in network on the onnxruntime of the user's own Python: its encoder and decoder, on features made by us. */
export function pythonTarget(python: string, options: BenchOptions, audio: Prepared, signal: AbortSignal): Subject & { remove(): void } {
  const asked = options.provider.length === 0 ? ['auto'] : options.provider.map(shortName)
  // What onnxruntime itself would take: CUDA where it is built in, then the CPU. It falls back by itself.
  const wished = asked.flatMap((name) => (name === 'auto' ? ['cuda', 'cpu'] : [name]))
  const workload = (options.workload ?? defaultWorkload(asked[0] === 'auto' ? 'cpu' : tierOf(asked[0]!))) as WorkloadName
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-bench-'))
  const file = (name: string, data: Uint8Array) => {
    const path = join(folder, name)
    writeFileSync(path, data)
    return path
  }
  const { models, features, shape, decode } = networkOf(workload)
  const engine = pythonNetwork(
    python,
    {
      encoder: file('encoder.onnx', models.encoder), decoder: file('decoder.onnx', models.decoder), calibration: file('calibration.onnx', calibrationModel()),
      mels: featuresOf(audio, features).map((data, i) => file(`mel${i}.f32`, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))),
      shape, decode, providers: wished.map(longName), threads: options.threads ?? null,
    },
    signal,
  )
  let last: PythonNetwork | null = null
  const provider = (): Provider => {
    const used = last === null ? null : shortName(last.used[0] ?? 'cpu')
    const first = wished[0]!
    const missed = last !== null && used !== first && (asked[0] !== 'auto' || last.available.includes(longName(first)))
    return { asked, used, tier: used === null ? null : tierOf(used), because: missed ? whyNotPython(first, last!) : null, how: null, placement: [] }
  }
  return {
    engine,
    plan: { launches: 3, runs: options.runs ?? null, place: false },
    workload,
    target: () => ({ kind: 'python', name: `${workload} (random weights; encoder and decoder only)`, runtime: last === null ? null : `onnxruntime ${last.version} in Python ${last.python}`, threads: options.threads ?? null }),
    provider,
    opened: (instance) => (last = instance as PythonNetwork),
    refused: ({ refusal }) => (refusal === null || wished[0] === 'cpu' ? null : { asked, used: null, tier: null, because: whyNotPython(wished[0]!, { available: [longName(wished[0]!)], version: '', output: () => `${refusal.output}\n${refusal.error}` }), how: null, placement: [] }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

type Features = (samples: Float32Array) => readonly Float32Array[]

/** The graphs of a workload, what they hear of a recording, and how they are stepped. */
function networkOf(workload: WorkloadName): Pick<NetworkJob, 'shape' | 'decode'> & { readonly models: { readonly encoder: Uint8Array; readonly decoder: Uint8Array }; readonly features: Features } {
  if (!isWhisper(workload)) return { models: transducerModels(SHAPES[workload]), features: pieces, shape: [1, -1, MELS], decode: { blank: BLANK, state: STATE } }
  const { layers, heads, width } = WHISPER_SHAPES[workload]
  return { models: whisperModels(WHISPER_SHAPES[workload]), features: windows, shape: [1, WHISPER_MELS, -1], decode: { first: START, steps: TOKENS_PER_WINDOW, layers, heads, size: width / heads } }
}

function pieces(samples: Float32Array): readonly Float32Array[] {
  const found: Float32Array[] = []
  for (let at = 0; at < samples.length; at += PIECE_SAMPLES) {
    const { data, frames } = kaldiFbank(samples.subarray(at, at + PIECE_SAMPLES))
    normalise(data, MELS)
    if (frames > 0) found.push(data)
  }
  if (found.length === 0) throw new WrongCall(`The recording is too short: a frame takes ${(400 / MODEL_RATE) * 1000} ms.`)
  return found
}

/** Windows of 30 s, the last one filled up with silence, as Whisper hears them. */
export function windows(samples: Float32Array, mels: 80 | 128 = WHISPER_MELS): readonly Float32Array[] {
  return Array.from({ length: Math.ceil(samples.length / WINDOW_SAMPLES) }, (_, i) => {
    const window = new Float32Array(WINDOW_SAMPLES)
    window.set(samples.subarray(i * WINDOW_SAMPLES, (i + 1) * WINDOW_SAMPLES))
    return whisperLogMel(window, mels).data
  })
}

function featuresOf(audio: Prepared, features: Features): readonly Float32Array[] {
  const opened = openAudio(audio.path)
  try {
    return features(opened.decode().samples)
  } finally {
    opened.close()
  }
}
