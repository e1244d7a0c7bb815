import type { WorkloadName } from '../names.ts'
import { PIECE_SAMPLES } from '../engines/transducer.ts'
import { MELS, SHAPES, type FastConformerShape } from './fastconformer.ts'
import { WHISPER_FRAMES, WHISPER_MELS, WHISPER_SHAPES, WHISPER_STATES, type WhisperShape } from './whisper.ts'
import { isWhisper } from '../workloads.ts'

const RATE = 16_000
/** Kaldi frames: 25 ms every 10 ms, and none that would reach beyond the end. */
const [WINDOW, HOP] = [400, 160]
const KERNEL = 9

/**
 * Arithmetic of the encoder for one recording, by the shapes of its layers: two operations for each multiplication and addition of
 * a matrix product or convolution. What is cheap beside them (norms, activations, softmax) is left out.
 */
export function encoderFlops(workload: WorkloadName, seconds: number): number {
  const samples = Math.round(seconds * RATE)
  if (isWhisper(workload)) return Math.ceil(seconds / 30) * whisperWindow(WHISPER_SHAPES[workload])
  let sum = 0
  for (let at = 0; at < samples; at += PIECE_SAMPLES) {
    const piece = Math.min(PIECE_SAMPLES, samples - at)
    if (piece >= WINDOW) sum += fastConformer(SHAPES[workload], 1 + Math.floor((piece - WINDOW) / HOP))
  }
  return sum
}

function fastConformer({ width, layers, subsamplingChannels: channels }: FastConformerShape, frames: number): number {
  const half = (n: number) => Math.ceil(n / 2)
  const [f2, f4, f8] = [half(frames), half(half(frames)), half(half(half(frames)))]
  const [m2, m4, m8] = [half(MELS), half(half(MELS)), half(half(half(MELS)))]
  const depthwise = (f: number, m: number) => 2 * f * m * channels * 9
  const pointwise = (f: number, m: number) => 2 * f * m * channels ** 2
  const subsampling = depthwise(f2, m2) + depthwise(f4, m4) + pointwise(f4, m4) + depthwise(f8, m8) + pointwise(f8, m8) + 2 * f8 * m8 * channels * width
  const positions = 2 * f8 - 1
  const feedForward = 2 * 2 * (2 * f8 * width * 4 * width)
  const attention = 4 * (2 * f8 * width ** 2) + 2 * positions * width ** 2 + 2 * f8 * f8 * width + 2 * f8 * positions * width + 2 * f8 * f8 * width
  const convolution = 2 * f8 * width * 2 * width + 2 * f8 * width * KERNEL + 2 * f8 * width ** 2
  return subsampling + layers * (feedForward + attention + convolution)
}

/** One window of 30 s, with the keys and values that the decoder's layers take from it. */
function whisperWindow({ width, layers }: WhisperShape): number {
  const t = WHISPER_STATES
  const convolutions = 2 * WHISPER_FRAMES * width * WHISPER_MELS * 3 + 2 * t * width * width * 3
  const layer = 4 * (2 * t * width ** 2) + 2 * (2 * t * t * width) + 2 * (2 * t * width * 4 * width)
  return convolutions + layers * layer + layers * 2 * (2 * t * width ** 2)
}
