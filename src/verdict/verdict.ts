/** On the GPU or not, from the strongest evidence there is, and never beyond what it proves. */
import type { GpuVerdict } from '../types.ts'
import { atWork, byLog } from './by-log.ts'
import { byProbe, probeWords, tierOfProbe } from './by-probe.ts'
import { byProfile } from './by-profile.ts'
import { meantForCuda, opsInWords, placed, seenIn, shortened, signatureOf, slowest, type Signs } from './signs.ts'
import { otherAtWork, otherOnCpu, superseded } from './standing.ts'

export function verdictOf(signs: Signs): GpuVerdict {
  const own = byEndpoint(signs) ?? both(signs, byProfile(signs), byLog(signs))
  const probed = own === null ? byProbe(signs) : null
  const judged = own ?? probed ?? strongerOf(byLesserSigns(signs), signs)
  const speed = slowest(signs)
  const words = [judged.because, ...(signs.endpoint === undefined || judged === signs.endpoint.verdict ? [] : [signs.endpoint.verdict.because]), ...(probed === null ? probeWords(signs, judged) : []), ...(speed === null ? [] : [speedInWords(speed)]), ...(judged.onGpu === true ? [] : modelWords(signs, judged)), ...earlierWords(signs, judged)]
  // What a probe shows is worth saying even where nothing else was seen.
  return { onGpu: judged.onGpu, tier: judged.tier ?? tierOfProbe(signs), because: words.join(' ') }
}

/** T3 to T6, of the service itself at work: where that decides, or shows work on the GPU, what was written down before is no better. */
const byEndpoint = ({ endpoint }: Signs): GpuVerdict | null => (endpoint !== undefined && (endpoint.verdict.onGpu !== null || endpoint.verdict.tier === 'T5') ? endpoint.verdict : null)

/** Memory on the GPU, seen while it works, tells more than a wish or a provider that was registered. */
const strongerOf = (lesser: GpuVerdict, { endpoint }: Signs): GpuVerdict => (lesser.onGpu === null && endpoint !== undefined && endpoint.verdict.tier !== null && (lesser.tier ?? '') < endpoint.verdict.tier ? endpoint.verdict : lesser)

/** A profile is the better witness, but it bears no date, and the log may be of a later start. */
function both(signs: Signs, profile: GpuVerdict | null, log: GpuVerdict | null): GpuVerdict | null {
  const rival = profile?.onGpu === false ? otherAtWork(signs, 'onnxruntime') : profile?.onGpu === true ? otherOnCpu(signs, 'onnxruntime') : undefined
  if (profile !== null && rival !== undefined) return { onGpu: null, tier: 'T4', because: `${profile.because} ${atWork(rival)} The profile is of ONNX Runtime, and which of the two engines hears the speech, neither tells.` }
  if (profile === null || log === null || profile.onGpu === null || log.onGpu === null || profile.onGpu === log.onGpu) return profile ?? log
  return { onGpu: null, tier: 'T4', because: `${profile.because} ${log.because} Which of the two was written later is not to be told; the later holds.` }
}

function byLesserSigns(signs: Signs): GpuVerdict {
  const lines = seenIn(signs, ({ tier }) => tier !== null && tier < 'T4').filter((each) => !superseded(signs, each))
  const best = [...lines].sort((a, b) => (a.signature.tier! < b.signature.tier! ? 1 : -1))[0]
  if (best !== undefined && best.signature.tier! >= 'T2') {
    const what = best.signature.tier === 'T3' ? 'a GPU part was loaded and took memory' : 'a GPU part was registered'
    return { onGpu: null, tier: best.signature.tier, because: `The log shows that ${what} (${best.log.name}, line ${best.hit.line}); where the work is done does not follow from it.` }
  }
  if (signs.provider?.state === 'loaded') return { onGpu: null, tier: 'T2', because: `${signs.provider.evidence.saw} is loaded in the process; where the work is done does not follow from it.` }
  if (signs.provider?.state === 'tried') return { onGpu: false, tier: 'T2', because: `The process asked ONNX Runtime for a provider of its own file, and libonnxruntime_providers_cuda.so is not in its memory.` }
  if (best !== undefined || signs.asks?.asks === 'gpu') return { onGpu: null, tier: 'T0', because: 'The GPU is asked for; nothing seen says whether it is used.' }
  if (signs.asks?.asks === 'cpu') return { onGpu: null, tier: 'T0', because: 'The CPU is asked for; nothing seen says where the work is done.' }
  return { onGpu: null, tier: null, because: 'Nothing that was seen says where the work is done.' }
}

/** Where the last run says nothing, what one before it said is worth a word, and no more. */
function earlierWords({ logs }: Signs, { onGpu, tier }: GpuVerdict): readonly string[] {
  if (onGpu !== null || (tier !== null && tier >= 'T3')) return []
  const told = logs.flatMap(({ name, reading }) => (reading.earlier ?? []).filter(({ id }) => signatureOf(id)?.shows !== 'benign').map((hit) => ({ name, hit }))).at(-1)
  return told === undefined ? [] : [`An earlier run wrote: “${shortened(told.hit, signatureOf(told.hit.id)!)}” (${told.name}, line ${told.hit.line}); whether that holds for the last run, its lines do not tell.`]
}

/** RTF and RTFx both, for each is taken for the other. */
function speedInWords({ rtf, totalMs, audioS, encoderMs, partly }: NonNullable<ReturnType<typeof slowest>>): string {
  const factor = `RTF ${rtf.toFixed(2)} (RTFx ${(1 / rtf).toFixed(2)}: ${rtf < 1 ? 'faster' : 'slower'} than the audio runs)`
  // Of very many only the first and the last are kept.
  const which = partly ? 'The slowest of the transcriptions that were timed, which are not all in the log,' : 'The slowest transcription in the log'
  if (totalMs === null || audioS === null) return `${which} took ${factor}.`
  const encoder = encoderMs === null ? '' : `, ${(encoderMs / 1000).toFixed(0)} s of it in the encoder`
  return `${which} took ${(totalMs / 1000).toFixed(0)} s for ${audioS.toFixed(0)} s of audio${encoder}: ${factor}.`
}

/** What the model file foretells, where the placement itself was not seen and the model is one that is loaded. */
function modelWords(signs: Signs, { tier }: GpuVerdict): readonly string[] {
  if (tier !== null && tier >= 'T4') return []
  return placed(signs)
    .filter((each) => each.certain && meantForCuda(signs, each) && each.forecast.cpuNodes > 0)
    .slice(0, 2)
    .map(({ path, forecast }) => `${path.split('/').at(-1)} holds ${forecast.cpuNodes} nodes of ${forecast.nodes} that have no CUDA kernel in ONNX Runtime ${forecast.release} (${opsInWords(forecast)}), so they run on the CPU.`)
}
