import type { Env } from '../../types.ts'
import { CannotMeasure } from '../engine.ts'
import type { Measured } from '../protocol.ts'
import type { Factor, FactorName, Ratio } from '../types.ts'
import { FACTOR_KEYS, type Carried } from './carried.ts'
import { isSide, type Outcome, type Place, type Side } from './pair.ts'
import { ratioOf, ratioWords, tellsApart } from './ratio.ts'
import { placeOf, type Service } from './service.ts'
import { differing, swapped } from './swap.ts'
import { precisionOf, twinOf, type Precision } from './twin.ts'

/** Measures two places beside each other; fewer come back when it was interrupted. */
export type Turn = (first: Place, second: Place | null, launches: number | null, undecided: (so: Measured, side: Pick<Side, 'told' | 'audio'>) => boolean) => Promise<readonly Outcome[]>

interface Asked {
  readonly service: Service | null
  readonly shell: Place
  /** The service and the shell as they were measured. */
  readonly pair: readonly [Side, Side] | null
  readonly turn: Turn
  readonly undecided: (so: Measured, side: Pick<Side, 'told' | 'audio'>) => boolean
}

/** One thing at a time, from the service's place and from the shell's. `main`: the call as it stands, where nothing else measured it. */
export async function factorsOf(asked: Asked): Promise<{ readonly factors: readonly Factor[]; readonly main: Side | null }> {
  const factors: Factor[] = []
  let main: Side | null = null
  for (const name of asked.shell.options.vary ?? []) {
    const of = name === 'provider' ? await provider(asked) : name === 'precision' ? await precision(asked) : await condition(name, asked)
    factors.push(...of.factors)
    main ??= of.main
  }
  return { factors, main }
}

interface Found {
  readonly factors: readonly Factor[]
  readonly main: Side | null
}

const nothing = (name: FactorName, from: Factor['from'], because: string): Factor => ({ name, from, ratio: null, measurable: null, because })

// ── the service's settings ─────────────────────────────────────────────────────────────────────────────────

async function condition(name: 'env' | 'quota' | 'memory', { service, shell, pair, turn }: Asked): Promise<Found> {
  if (service === null || pair === null) return { factors: [], main: null }
  const { options } = shell
  const whole = placeOf(service, service.carried, options)
  const [envThere, envHere] = [pair[0].hello.env, pair[1].hello.env]
  const named = differing(envThere, envHere)
  const keys: readonly string[] = name === 'env' ? [] : FACTOR_KEYS[name]
  const own = service.carried.filter(({ key }) => keys.includes(key))
  const set = name === 'env' ? named : own.map(({ key, value }) => `${key}=${value}`)
  if (set.length === 0) {
    return { factors: [nothing(name, 'service', name === 'env' ? `The variables of ${service.name} and of this shell do not differ.` : `${service.name} sets no ${name === 'quota' ? 'CPUQuota=' : 'memory limit'} of its own, so there is nothing to change.`)], main: null }
  }
  const without = name === 'env' ? placeOf(service, service.carried, options, swapped(envThere, envHere)) : placeOf(service, service.carried.filter(({ key }) => !keys.includes(key)), options)
  const onto: Place = name === 'env' ? { ...shell, env: swapped(envHere, envThere) } : limited(service, own, shell, envHere)
  const what = name === 'env' ? `the variables (${some(named)})` : set.join(', ')
  const taken = await turn(whole, without, 1, () => false)
  const given = taken.length < 2 ? [] : await turn(onto, shell, 1, () => false)
  return {
    factors: [
      factorOf(name, 'service', taken, (ratio) => `With ${what} as in ${service.name} a run took ${ratioWords(ratio)} as long as in the same place with ${name === 'env' ? 'those of this shell' : 'none'}`),
      factorOf(name, 'shell', given, (ratio) => `With ${what} of ${service.name} put upon this shell a run took ${ratioWords(ratio)} as long as without`),
    ],
    main: null,
  }
}

/** This shell's own place under a service manager, with nothing of the service's but these settings. */
function limited(service: Service, own: readonly Carried[], shell: Place, env: Env): Place {
  const cwd = shell.launch.kind === 'shell' ? shell.launch.cwd : '/'
  return { name: 'this shell', launch: { kind: 'unit', manager: service.manager, slice: null, settings: [{ key: 'WorkingDirectory', value: cwd }, ...own] }, env, options: shell.options }
}

const some = (names: readonly string[]): string => (names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', '))

// ── the call itself ────────────────────────────────────────────────────────────────────────────────────────

async function provider({ shell, turn, undecided, pair }: Asked): Promise<Found> {
  const { options } = shell
  if (options.provider[0] === 'cpu') return { factors: [nothing('provider', 'call', 'The CPU itself was asked for, so there is no other provider to compare it with.')], main: null }
  // First as it stands: that tells what it runs on, and which of the built-in networks it takes for that.
  const alone = pair === null ? (await turn(shell, null, null, undecided))[0] : pair[1]
  if (alone === undefined || !isSide(alone)) return { factors: [nothing('provider', 'call', alone === undefined ? 'It was interrupted before that.' : `It could not be measured: ${alone.failed.message}`)], main: null }
  const main = pair === null ? alone : null
  const { used, tier, because } = alone.told.provider
  if (alone.measured.interrupted) return { factors: [nothing('provider', 'call', 'It was interrupted before that.')], main }
  if (used === null || tier === 'cpu') {
    return { factors: [nothing('provider', 'call', used === null ? 'What it ran on is not known, so nothing can be set beside the CPU.' : `It ran on the CPU${because ? `: ${because}` : ', and no other provider is there to compare it with.'}`)], main }
  }
  // With no name the CPU would get a smaller network than the device.
  const fixed = options.model === undefined ? { workload: alone.told.workload } : {}
  const [processor, device] = await turn({ ...shell, options: { ...options, ...fixed, provider: ['cpu'] } }, { ...shell, options: { ...options, ...fixed } }, 1, () => false)
  return { factors: [factorOf('provider', 'call', [processor, device].filter((each) => each !== undefined), (ratio) => `On the CPU a run took ${ratioWords(ratio)} as long as on ${used}`)], main }
}

async function precision({ shell, turn, undecided }: Asked): Promise<Found> {
  const model = shell.options.model!
  let twin
  try {
    twin = twinOf(model)
  } catch (error) {
    throw new CannotMeasure(`--model ${model} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
  if (twin === null) return { factors: [nothing('precision', 'call', `There is no file of another precision beside ${model} (such as .int8.onnx or .fp16.onnx).`)], main: null }
  try {
    const outcomes = await turn(shell, { ...shell, options: { ...shell.options, model: twin.path } }, null, undecided)
    const [own] = outcomes
    return {
      factors: [factorOf('precision', 'call', outcomes, (ratio) => `In ${own !== undefined && isSide(own) ? precisionRan(own, model) : precisionOf(model)} a run took ${ratioWords(ratio)} as long as in ${twin.precision}`)],
      main: own !== undefined && isSide(own) ? own : null,
    }
  } finally {
    twin.remove()
  }
}

/** What ran of a folder, by the names of its files. */
const precisionRan = ({ told: { target } }: Side, model: string): Precision => precisionOf(target.files?.[0] ?? model)

function factorOf(name: FactorName, from: Factor['from'], outcomes: readonly Outcome[], words: (ratio: Ratio) => string): Factor {
  const failed = outcomes.find((outcome) => !isSide(outcome))
  if (failed !== undefined && !isSide(failed)) return nothing(name, from, `It could not be measured: ${failed.failed.message}`)
  const [a, b] = outcomes as readonly Side[]
  const ratio = a === undefined || b === undefined ? null : ratioOf(a, b)
  if (ratio === null) return nothing(name, from, 'It was interrupted before that.')
  const measurable = tellsApart(ratio)
  return { name, from, ratio, measurable, because: `${words(ratio)}${measurable === false ? ': that explains nothing measurable' : ''}.` }
}
