/**
 * The child process that holds the runtime. It answers one request at a time: what runs here is only what is asked for, and
 * the runtime's own words on stderr reach the parent through a pipe, with the reason of a library that does not load.
 * Called as `agent` it is the one that measures in a place of its own (conditions/agent.ts).
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as ort from 'onnxruntime-node'
import { cosine, type Agreement } from './agreement.ts'
import { openAudio, type Opened } from './audio/load.ts'
import { endMarked, GUARDED } from './marked.ts'
import type { Answer, Calibration, Job, Loaded, Peak, Placement, Request } from './messages.ts'
import { CALIBRATION_SHAPE, calibrationModel } from './models/calibration.ts'
import { peakModel, PEAK_PASSES } from './models/peak.ts'
import { networkOf, type Network, type Pipeline, type Sessions } from './network.ts'
import { placementIn } from './placement.ts'
import { scriptKernel } from './script-kernel.ts'

type Runtime = typeof ort
interface Loading {
  readonly job: Job
  readonly runtime: Runtime
  readonly opened: Opened
  readonly network: Network
  readonly pipeline: Pipeline
  readonly calibrate: () => Promise<Calibration>
}
let loading: Loading | null = null
let at: Extract<Answer, { kind: 'failed' }>['at'] = 'runtime'

if (process.argv[2] === 'agent') (await import('./conditions/agent.ts')).agent()
process.on('disconnect', () => {
  const mark = process.env[GUARDED]
  if (mark !== undefined) endMarked(mark)
  process.exit()
})
process.on('message', (request: Request) => {
  answer(request)
    .catch((error: unknown): Answer => ({ kind: 'failed', at, error: error instanceof Error ? error.message : String(error) }))
    .then((reply) => process.send?.(reply))
})

async function answer(request: Request): Promise<Answer> {
  if (request.kind === 'load') return { kind: 'loaded', loaded: await load(request.job) }
  if (request.kind === 'calibrate') return { kind: 'calibrated', calibration: await (loading?.calibrate ?? scriptKernel)() }
  if (loading === null) throw new Error('Nothing is loaded.')
  at = 'run'
  if (request.kind === 'run') {
    const { output: _, tokens: __, ...run } = await loading.pipeline(loading.opened)
    return { kind: 'ran', run }
  }
  if (request.kind === 'compare') return { kind: 'compared', agreement: await compare(loading) }
  if (request.kind === 'peak') return { kind: 'peaked', peak: await peakOf(loading, request.tier) }
  return { kind: 'placed', placement: await place(loading, request.folder) }
}

async function load(job: Job): Promise<Loaded> {
  at = 'runtime'
  const imported = (await import(pathToFileURL(job.runtime).href)) as Runtime & { default?: Runtime }
  const runtime = imported.default ?? imported
  at = 'audio'
  const started = performance.now()
  const opened = openAudio(job.audio)
  at = 'model'
  const network = await networkOf(job.network)
  const prepareMs = job.network.kind === 'model' ? 0 : performance.now() - started
  at = 'session'
  const sessions = await open(runtime, network, options(job))
  const readyAt = performance.now()
  loading = { job, runtime, opened, network, pipeline: network.pipeline(runtime, sessions), calibrate: await calibration(job, runtime) }
  return { sinceReadyMs: performance.now() - readyAt, prepareMs, runtimeVersion: runtime.env.versions.node ?? runtime.env.versions.common }
}

const options = (job: Job): ort.InferenceSession.SessionOptions => ({
  executionProviders: [...job.providers],
  ...(job.threads === null ? {} : { intraOpNumThreads: job.threads }),
})

async function open(runtime: Runtime, { graphs }: Network, how: ort.InferenceSession.SessionOptions): Promise<Sessions> {
  const sessions: Record<string, ort.InferenceSession> = {}
  for (const [part, graph] of Object.entries(graphs)) sessions[part] = await create(runtime, graph, how)
  return sessions
}

/** The two overloads of the runtime take a path and bytes apart. */
const create = ({ InferenceSession }: Runtime, graph: Uint8Array | string, how: ort.InferenceSession.SessionOptions) =>
  typeof graph === 'string' ? InferenceSession.create(graph, how) : InferenceSession.create(graph, how)

/** The yardstick runs in the same process, on the same provider, with as many threads. */
async function calibration(job: Job, { InferenceSession, Tensor }: Runtime): Promise<() => Promise<Calibration>> {
  const session = await InferenceSession.create(calibrationModel(), options(job))
  const [rows, columns] = CALIBRATION_SHAPE
  const x = new Tensor('float32', Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)), [rows, columns])
  await session.run({ x })
  return async () => {
    const cpu = process.cpuUsage()
    const wall = performance.now()
    await session.run({ x })
    const wallMs = performance.now() - wall
    const { user, system } = process.cpuUsage(cpu)
    return { wallMs, cpuMs: (user + system) / 1000 }
  }
}

/** The weights are the same everywhere, so the CPU's output is the reference for any other provider's. */
async function compare({ job, runtime, opened, network, pipeline }: Loading): Promise<Agreement> {
  const { output: theirs } = await pipeline(opened)
  const reference = network.pipeline(runtime, await open(runtime, network, options({ ...job, providers: ['cpu'] })))
  await reference(opened)
  const { output: ours, wallMs } = await reference(opened)
  const [a, b] = [theirs ?? new Float32Array(0), ours ?? new Float32Array(0)]
  return { cosine: cosine(a, b), finite: a.every(Number.isFinite), cpuWallMs: wallMs }
}

/** The best of a few passes: what this provider can do at all, in matrix products that are too large to be about anything else. */
async function peakOf({ job, runtime }: Loading, tier: 'cpu' | 'gpu'): Promise<Peak> {
  const { bytes, flops, size } = peakModel(tier)
  const session = await runtime.InferenceSession.create(bytes, options(job))
  const x = new runtime.Tensor('float32', Float32Array.of(1), [1, 1])
  let bestMs = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < PEAK_PASSES; pass++) {
    const start = performance.now()
    await session.run({ x })
    bestMs = Math.min(bestMs, performance.now() - start)
  }
  return { flopsPerSecond: flops / (bestMs / 1000), size }
}

/** A pass of its own, since profiling slows what it watches: one run to warm up, one to look at. */
async function place({ job, runtime, opened, network }: Loading, folder: string): Promise<readonly Placement[]> {
  const profiled = { ...options(job), enableProfiling: true, profileFilePrefix: join(folder, 'profile') }
  const sessions = await open(runtime, network, profiled)
  const pipeline = network.pipeline(runtime, sessions)
  await pipeline(opened)
  await pipeline(opened)
  for (const session of Object.values(sessions)) session.endProfiling()
  return placementIn(folder)
}
