/** Which lines still hold: one may be of a start before, of another engine, or refuted by what is in memory now. */
import { engineOf, enginesAt, readingOf, type LineEngine } from './readings.ts'
import { seenIn, type Seen, type Signs } from './signs.ts'
import type { Signature } from '../log/types.ts'

/** What a line is held against. Only the logs are there for sure. */
export type Ground = Pick<Signs, 'logs'> & Partial<Pick<Signs, 'provider' | 'cublas' | 'engineFiles' | 'probe' | 'asks'>>

const works = ({ shows, tier }: Signature): boolean => shows === 'gpu' && tier !== null && tier >= 'T2'
const behind = (one: Seen, other: Seen): boolean => one.log === other.log && one.hit.line > other.hit.line

/** Both are of one engine, and of one process as far as they say whose they are. What any program may print is held against all of them. */
export function together(one: Seen, other: Seen): boolean {
  const [a, b] = [engineOf(one.signature), engineOf(other.signature)]
  return (a === null || b === null || a === b) && (one.hit.pid === undefined || other.hit.pid === undefined || one.hit.pid === other.hit.pid)
}

/** A line by which another engine of the same program has the GPU: then it is not told which of the two hears the speech. */
export const otherAtWork = (signs: Ground, engine: LineEngine | null): Seen | undefined =>
  engine === null ? undefined : seenIn(signs, works).find((each) => engineOf(each.signature) !== null && engineOf(each.signature) !== engine && !superseded(signs, each))

/** A line by which another engine is on the CPU. Torch does not speak for engines that have their own way to the GPU. */
export const otherOnCpu = (signs: Ground, engine: LineEngine): Seen | undefined =>
  standing(signs, (signature) => readingOf(signature).says === 'cpu').find((each) => engineOf(each.signature) !== null && engineOf(each.signature) !== engine && !foreign(signs, each))

/**
 * Lines of failure that still hold: nothing behind them in the same log shows the GPU part of the same engine and process at work, and what could not be loaded is
 * not in memory now. A service that was mended and started again has mended lines behind broken ones; one that loads its
 * libraries itself after a first failure (preload_dlls) writes no line at all.
 */
export function standing(signs: Ground, wanted: (signature: Signature) => boolean): readonly Seen[] {
  const working = seenIn(signs, works)
  return seenIn(signs, wanted).filter((seen) => !working.some((each) => behind(each, seen) && together(each, seen)) && !loadedAfterAll(signs, seen) && !besideTheModel(seen) && !otherProvider(seen))
}

/** onnxruntime-node names the provider that it does not have; one for other than NVIDIA's GPUs is no loss. */
const otherProvider = ({ signature, hit }: Seen): boolean => signature.id === 'ort-node-removed' && !/provider "(?:cuda|tensorrt)"/i.test(hit.text)

/** What the line says could not be loaded is in the memory of the process. The lines of a probe are not the process's own. */
function loadedAfterAll(signs: Ground, seen: Seen): boolean {
  if (seen.log.asked === signs.probe?.asked) return false
  const { id } = seen.signature
  if (id === 'ct2-library-missing') return (signs.cublas ?? null) !== null && /libcublas/.test(seen.hit.text)
  if (signs.provider?.state !== 'loaded') return false
  // “Failed to create” has the reason of the line before it, and another one where the file was loaded and CUDA did not start.
  const reason = id !== 'ort-cuda-not-created' ? seen : seenIn({ logs: [seen.log] }, (each) => readingOf(each).unloaded === true || each.id === 'ort-cuda-failure' || each.id === 'ort-ep-error-retry').filter(({ hit }) => hit.line <= seen.hit.line).at(-1)
  return reason !== undefined && engineOf(reason.signature) === 'onnxruntime' && readingOf(reason.signature).unloaded === true
}

/**
 * whisper.cpp tells for each of its models whether it found a GPU, and keeps the model for voice detection on the CPU by itself
 * (whisper_vad_init_with_params). Only a speech model tells before what was asked of it (“use gpu =”).
 */
function besideTheModel(seen: Seen): boolean {
  if (seen.signature.id !== 'ggml-no-gpu') return false
  const before = seenIn({ logs: [seen.log] }, ({ id }) => id === 'ggml-cuda-backend' || id === 'ggml-gpu-backend' || id === 'ggml-use-gpu' || id === 'ggml-told-cpu').filter(({ hit }) => hit.line < seen.hit.line)
  // Where it was told not to look for one, it says the same.
  return before.length > 0 && before.reduce((a, b) => (b.hit.line >= a.hit.line ? b : a)).signature.id !== 'ggml-use-gpu'
}

/** Later on its engine's GPU part could not be loaded: that is of a later start, and this of an earlier. */
export const superseded = (signs: Pick<Signs, 'logs'>, seen: Seen): boolean =>
  engineOf(seen.signature) !== null &&
  seenIn(signs, (each) => readingOf(each).unloaded === true && engineOf(each) === engineOf(seen.signature)).some((each) => (behind(each, seen) && together(each, seen)) || (each.log !== seen.log && dated(each) && dated(seen) && each.hit.atMs! > seen.hit.atMs!))

/** Since the epoch, and not since some midnight. */
export const dated = ({ hit }: Seen): boolean => hit.atMs !== null && hit.atMs > 1e11

/** It speaks of torch, and the speech is the work of another engine, which has its own way to the GPU. */
export function foreign(signs: Ground, seen: Seen): boolean {
  if (engineOf(seen.signature) !== 'torch') return false
  const others = [...enginesAt(signs.engineFiles ?? []), ...seenIn(signs, () => true).map(({ signature }) => engineOf(signature))]
  return others.some((engine) => engine === 'ctranslate2' || engine === 'whisper.cpp' || engine === 'sherpa-onnx')
}

/** The GPU part is known not to be there, so that everything runs on the CPU and nothing is split between the two. */
export const withoutGpuPart = (signs: Ground): boolean =>
  signs.provider?.state === 'tried' || standing(signs, ({ confirms }) => confirms.includes('provider-not-loaded') || confirms.includes('cpu-only-runtime')).some((seen) => !foreign(signs, seen))
