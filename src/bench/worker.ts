/**
 * The child process that holds the runtime. It answers one request at a time: what runs here is only what is asked for, and
 * the runtime's own words on stderr reach the parent through a pipe, with the reason of a library that does not load.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as ort from 'onnxruntime-node'
import { cosine, type Agreement } from './agreement.ts'
import { openAudio, type Opened } from './audio/load.ts'
import type { Pipeline, Sessions } from './engines/pipeline.ts'
import { transducerModels, transducerPipeline } from './engines/transducer.ts'
import { whisperModels, whisperPipeline } from './engines/whisper.ts'
import type { Answer, Calibration, Job, Loaded, Placement, Request } from './messages.ts'
import { CALIBRATION_SHAPE, calibrationModel } from './models/calibration.ts'
import { SHAPES } from './models/fastconformer.ts'
import { WHISPER_SHAPES } from './models/whisper.ts'
import { scriptKernel } from './script-kernel.ts'
import { placementOf } from './placement.ts'
import { isWhisper } from './workloads.ts'

type Runtime = typeof ort
interface Loading {
  readonly job: Job
  readonly runtime: Runtime
  readonly opened: Opened
  readonly pipeline: Pipeline
  readonly calibrate: () => Promise<Calibration>
}
let loading: Loading | null = null
let at: Extract<Answer, { kind: 'failed' }>['at'] = 'runtime'

process.on('disconnect', () => process.exit())
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
    const { output: _, ...run } = await loading.pipeline(loading.opened)
    return { kind: 'ran', run }
  }
  if (request.kind === 'compare') return { kind: 'compared', agreement: await compare(loading) }
  return { kind: 'placed', placement: await place(loading, request.folder) }
}

async function load(job: Job): Promise<Loaded> {
  at = 'runtime'
  const imported = (await import(pathToFileURL(job.runtime).href)) as Runtime & { default?: Runtime }
  const runtime = imported.default ?? imported
  at = 'audio'
  const started = performance.now()
  const opened = openAudio(job.audio)
  const models = modelsOf(job)
  const prepareMs = performance.now() - started
  at = 'session'
  const sessions = await open(runtime, models, options(job))
  const readyAtMs = Date.now()
  loading = { job, runtime, opened, pipeline: pipelineOf(job, runtime, sessions), calibrate: await calibration(job, runtime) }
  return {
    readyAtMs,
    prepareMs,
    runtimeVersion: runtime.env.versions.node ?? runtime.env.versions.common,
  }
}

interface Models {
  readonly encoder: Uint8Array
  readonly decoder: Uint8Array
}
const modelsOf = ({ workload }: Job): Models => (isWhisper(workload) ? whisperModels(WHISPER_SHAPES[workload]) : transducerModels(SHAPES[workload]))

const pipelineOf = ({ workload }: Job, runtime: Runtime, sessions: Sessions): Pipeline =>
  isWhisper(workload) ? whisperPipeline(WHISPER_SHAPES[workload], runtime, sessions) : transducerPipeline(SHAPES[workload], runtime, sessions)

const options = (job: Job): ort.InferenceSession.SessionOptions => ({
  executionProviders: [...job.providers],
  ...(job.threads === null ? {} : { intraOpNumThreads: job.threads }),
})

const open = async (runtime: Runtime, models: Models, how: ort.InferenceSession.SessionOptions): Promise<Sessions> => ({
  encoder: await runtime.InferenceSession.create(models.encoder, how),
  decoder: await runtime.InferenceSession.create(models.decoder, how),
})

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
async function compare({ job, runtime, opened, pipeline }: Loading): Promise<Agreement> {
  const { output: theirs } = await pipeline(opened)
  const onCpu: Job = { ...job, providers: ['cpu'] }
  const reference = pipelineOf(onCpu, runtime, await open(runtime, modelsOf(onCpu), options(onCpu)))
  await reference(opened)
  const { output: ours, wallMs } = await reference(opened)
  const [a, b] = [theirs ?? new Float32Array(0), ours ?? new Float32Array(0)]
  return { cosine: cosine(a, b), finite: a.every(Number.isFinite), cpuWallMs: wallMs }
}

/** A pass of its own, since profiling slows what it watches: one run to warm up, one to look at. */
async function place({ job, runtime, opened }: Loading, folder: string): Promise<readonly Placement[]> {
  const profiled = { ...options(job), enableProfiling: true, profileFilePrefix: join(folder, 'profile') }
  const sessions = await open(runtime, modelsOf(job), profiled)
  const pipeline = pipelineOf(job, runtime, sessions)
  await pipeline(opened)
  await pipeline(opened)
  sessions.encoder.endProfiling()
  sessions.decoder.endProfiling()
  return placementOf(readdirSync(folder).filter((name) => name.endsWith('.json')).sort().map((name) => readFileSync(join(folder, name), 'utf8')))
}
