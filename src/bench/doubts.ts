import { LEAST_COSINE, LEAST_SPEED_UP } from './agreement.ts'
import { contention, throttledShare } from './load.ts'
import { FEWEST_RUNS, percent, THROTTLED } from './gate.ts'
import { gpuDoubts } from './gpu-load.ts'
import type { Measured } from './protocol.ts'
import { median, variation } from './stats/describe.ts'
import { missedProvider, shortName } from './providers.ts'
import { speechOf, textsOf } from './transcript.ts'
import type { Arithmetic, Doubt, DoubtKind, Provider } from './types.ts'

/** A first run this many times the median of the warm ones is worth a word; caches and lazy loading alone cost less. */
const SLOW_FIRST = 2
const NOISY = 0.15
const PRESSURE_PERCENT = 10
/** CPUs that others keep busy before pressure is put down to them. */
const OTHERS = 0.1

/** A share of the device's own matrix speed below which something else holds it up. */
const LEAST_SHARE = 0.05
/** Smaller networks take longer to launch than to run, on any GPU. */
const ENOUGH_WORK = 100e9

export interface Seen {
  readonly provider: Provider
  readonly audioWarnings: readonly string[]
  readonly silent: boolean
  /** Absent = not known. */
  readonly arithmetic?: Arithmetic | null
  readonly machine: { readonly logicalCores: number }
}

/** What should make the reader careful about the figures. Pure. */
export function doubtsOf(measured: Measured, setting: Seen): readonly Doubt[] {
  const { provider } = setting
  const { logicalCores } = setting.machine
  const walls = measured.runs.map(({ run }) => run.wallMs)
  const centre = median(walls)
  const doubts: Doubt[] = []
  const doubt = (kind: DoubtKind, because: string, how: string | null = null) => void doubts.push({ kind, because, how })
  const [first, ...more] = provider.asked
  if (missedProvider(provider)) {
    const instead = provider.used === null ? `did not run${more.length > 0 ? '; the runtime did not fall back either' : ''}` : `${provider.used} did the work`
    doubt('not-the-provider-asked-for', `${first} was asked for and ${instead}${provider.because ? `: ${provider.because}` : '.'}`, provider.how)
  }
  if (first === 'auto' && provider.because !== null) doubt('provider-fell-back', `A faster provider is installed and was not used: ${provider.because}`, provider.how)
  const { agreement } = measured
  if (agreement !== null && !agreement.finite) doubt('wrong-result', `On ${provider.used} the network gave values that are not numbers.`)
  else if (agreement !== null && agreement.cosine < LEAST_COSINE) doubt('wrong-result', `On ${provider.used} the network gave another result than on the CPU (cosine ${agreement.cosine.toFixed(4)}, at least ${LEAST_COSINE} is usual).`)
  if (agreement !== null && agreement.cpuWallMs < LEAST_SPEED_UP * centre) doubt('hardly-faster-than-cpu', `${provider.used} was only ${(agreement.cpuWallMs / centre).toFixed(1)} times as fast as the CPU of this machine.`)
  const onCpu = mostlyOnCpu(provider, centre)
  if (onCpu !== null) doubt('mostly-on-the-cpu', onCpu)
  const throttled = throttledShare(measured.load)
  if (throttled !== null && throttled >= THROTTLED) {
    const cpus = walls.length > 0 ? measured.runs.map(({ run }) => run.cpuMs ?? NaN) : []
    const ratio = centre / median(cpus)
    doubt('throttled', `A CPU quota stopped the work in ${percent(throttled)} of the scheduling periods${Number.isFinite(ratio) ? `; a run took ${ratio.toFixed(1)} times as long as the CPU time it used` : ''}.`)
  }
  const coldest = median(measured.cold.map(({ firstMs }) => firstMs))
  if (walls.length >= 3 && coldest > SLOW_FIRST * centre) {
    doubt('slow-first-run', `The first run of a process took ${coldest.toFixed(0)} ms, ${(coldest / centre).toFixed(1)} times a warm one.`)
  }
  const others = contention(measured.load, logicalCores)
  const othersCold = contention(measured.coldLoad ?? null, logicalCores)
  const spread = variation(walls)
  // Our own threads press on each other as well, so pressure alone says nothing about others.
  const alone = (measured.load?.othersCpuMs ?? 0) < OTHERS * (measured.load?.spanMs ?? 0)
  const pressure = alone || (throttled !== null && throttled >= THROTTLED) ? 0 : (measured.load?.cpuPressure ?? 0)
  if (others !== null) doubt('noisy-machine', `${others[0]!.toUpperCase()}${others.slice(1)}`)
  else if (spread > NOISY) doubt('noisy-machine', `The runs scatter by ${percent(spread)} (standard deviation over mean).`)
  else if (pressure > PRESSURE_PERCENT) doubt('noisy-machine', `Processes waited for a CPU ${pressure.toFixed(0)} % of the time (pressure stall information).`)
  else if (othersCold !== null) doubt('noisy-machine', `During the cold starts ${othersCold}`)
  if (!measured.warmUp.steady && measured.warmUp.runs.length > 0) doubt('not-steady', `After ${measured.warmUp.runs.length} runs of warm-up two runs in succession still differed by more than 5 %.`)
  if (walls.length > 0 && walls.length < FEWEST_RUNS) doubt('few-runs', `${walls.length === 1 ? 'One run is' : `${walls.length} runs are`} too few for a 95 % interval of the median; ${FEWEST_RUNS} are needed.`)
  doubts.push(...gpuDoubts(measured.gpus ?? null, provider))
  if (setting.arithmetic && provider.tier === 'gpu' && setting.arithmetic.share < LEAST_SHARE && setting.arithmetic.encoderFlops >= ENOUGH_WORK) {
    const { flopsPerSecond, peakFlopsPerSecond, share } = setting.arithmetic
    doubt('hardly-uses-the-device', `The encoder did ${(flopsPerSecond / 1e9).toFixed(0)} GFLOP/s, ${percent(share)} of the ${(peakFlopsPerSecond / 1e9).toFixed(0)} GFLOP/s that the same provider reaches in plain matrix products: it waits for something else most of the time.`)
  }
  for (const because of setting.audioWarnings) doubt('odd-audio', because)
  const speech = speechOf(measured)
  if (!setting.silent && speech !== null && speech.low === 0) doubt('no-speech-found', 'At least one run took nothing in the recording for speech.')
  const texts = textsOf(measured)
  if (!setting.silent && texts.some((text) => text.trim() === '')) doubt('empty-transcript', 'At least one run heard nothing at all.')
  else if (new Set(texts).size > 1) doubt('text-changes', 'The same recording gave different texts in different runs.')
  return doubts
}

/** Runs of the pass that looked at the placement. */
const PLACED_RUNS = 2
/** The runtime keeps the arithmetic of shapes on the CPU on purpose: many nodes, and hardly any time. */
const LITTLE_TIME = 0.1

/** One node on the device is enough for it to be used, and little enough to be of no use. */
function mostlyOnCpu({ used, tier, placement }: Provider, runMs: number): string | null {
  if (tier !== 'gpu') return null
  const all = placement.reduce((sum, { nodes }) => sum + nodes, 0)
  const onCpu = placement.find(({ provider }) => shortName(provider) === 'cpu')
  if (onCpu === undefined || onCpu.nodes <= all / 2 || (onCpu.timeMs !== null && onCpu.timeMs / PLACED_RUNS < LITTLE_TIME * runMs)) return null
  return `${onCpu.nodes} of ${all} nodes of the model ran on the CPU, and only the others on ${used}.`
}
