import { WrongCall } from '../../wrong-call.ts'
import { MODEL_RATE } from '../audio/load.ts'
import type { Prepared } from '../audio/prepare.ts'
import { samplesOf } from '../audio/samples.ts'
import type { Subject } from '../subject.ts'
import type { BenchOptions } from '../command.ts'
import { pythonNetwork, type NetworkJob, type PythonNetwork } from '../engines/python/onnxruntime.ts'
import { whyPythonDidNot } from '../engines/refused.ts'
import { normalise, PIECE_SAMPLES, transducerModels } from '../engines/transducer.ts'
import { START, TOKENS_PER_WINDOW, whisperModels } from '../engines/whisper.ts'
import { kaldiFbank } from '../features/kaldi.ts'
import { WINDOW_SAMPLES, whisperLogMel } from '../features/whisper.ts'
import { calibrationModel } from '../models/calibration.ts'
import { MELS, SHAPES } from '../models/fastconformer.ts'
import { BLANK, STATE } from '../models/transducer.ts'
import { WHISPER_MELS, WHISPER_SHAPES } from '../models/whisper.ts'
import type { WorkloadName } from '../names.ts'
import { longName, shortName, tierOf, usedProvider } from '../providers.ts'
import { tempFolder } from '../temp-folder.ts'
import { defaultWorkload, isWhisper } from '../workloads.ts'

/** The built-in network on the onnxruntime of the user's own Python: its encoder and decoder, on features made by us. */
export function pythonTarget(python: string, options: BenchOptions, audio: Prepared, signal: AbortSignal): Subject & { remove(): void } {
  const asked = options.provider.length === 0 ? ['auto'] : options.provider.map(shortName)
  // What onnxruntime itself would take: CUDA where it is built in, then the CPU. It falls back by itself.
  const wished = asked.flatMap((name) => (name === 'auto' ? ['cuda', 'cpu'] : [name]))
  const workload = (options.workload ?? defaultWorkload(asked[0] === 'auto' ? 'cpu' : tierOf(asked[0]!))) as WorkloadName
  const { models, features, shape, decode } = networkOf(workload)
  // Before anything is written: a recording may be too short to be heard.
  const mels = features(samplesOf(audio))
  const folder = tempFolder()
  const engine = pythonNetwork(
    python,
    {
      encoder: folder.write('encoder.onnx', models.encoder), decoder: folder.write('decoder.onnx', models.decoder), calibration: folder.write('calibration.onnx', calibrationModel()),
      mels: mels.map((data, i) => folder.write(`mel${i}.f32`, data)),
      shape, decode, providers: wished.map(longName), threads: options.threads ?? null,
    },
    signal,
  )
  let last: PythonNetwork | null = null
  return {
    engine,
    plan: { launches: 3, runs: options.runs ?? null, place: true },
    workload,
    target: () => ({ kind: 'python', name: `${workload} (random weights; encoder and decoder only)`, runtime: last === null ? null : `onnxruntime ${last.version} in Python ${last.python}`, threads: options.threads ?? null }),
    // The providers that a session names are those registered with it; what ran is told by its nodes.
    provider: ({ placement }) => {
      const used = usedProvider(wished, placement)
      const first = wished[0]!
      const missed = last !== null && used !== null && used !== first && (asked[0] !== 'auto' || last.available.includes(longName(first)))
      return { asked, used, tier: used === null ? null : tierOf(used), because: missed ? whyPythonDidNot(first, { ...last!, output: last!.output(), error: null }) : null, how: null, placement }
    },
    opened: (instance) => (last = instance as PythonNetwork),
    // `auto` names no provider that could have been refused, and the CPU is there always.
    refused: ({ refusal }) => (refusal === null || asked[0] === 'auto' || asked[0] === 'cpu' ? null : { asked, used: null, tier: null, because: refusal.error, how: null, placement: [] }),
    remove: folder.remove,
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
