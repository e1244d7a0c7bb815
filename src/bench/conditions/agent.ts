/**
 * Measures in the place where it was started: a service's own conditions, or the shell's. It answers one request at a time, one
 * JSON object a line. The engines, the yardstick and the counters are those of any other benchmark; only who asks is elsewhere.
 */
import { userInfo } from 'node:os'
import { createInterface } from 'node:readline'
import { BadAudio } from '../audio/bad-audio.ts'
import { prepareAudio, type Prepared } from '../audio/prepare.ts'
import { CannotMeasure, type Instance } from '../engine.ts'
import { NOTHING } from '../protocol.ts'
import { shortName, tierOf } from '../providers.ts'
import { watchLoad } from '../sampler.ts'
import type { Subject } from '../subject.ts'
import { subjectOf } from '../targets/index.ts'
import { WrongCall } from '../../wrong-call.ts'
import { memoryCounts } from './memory.ts'
import type { Answer, Errand, OneRun, Request } from './messages.ts'

export function agent(): void {
  const abort = new AbortController()
  let audio: Prepared | null = null
  let subject: Subject | null = null
  let instance: Instance | null = null
  const say = (answer: Answer) => void process.stdout.write(`${JSON.stringify(answer)}\n`)
  const end = () => {
    abort.abort()
    instance?.stop()
    subject?.remove?.()
    audio?.remove()
    process.exit()
  }
  // Whoever asked is gone, however it went.
  process.stdout.on('error', end)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)

  const answer = async (request: Request): Promise<Answer> => {
    if (request.kind === 'prepare') {
      const { options } = replaced(request.errand)
      audio = await prepareAudio(options.audio ?? null, options.command !== undefined, abort.signal)
      // Nothing is asked of anybody and nothing installed here: whoever asked has seen to that.
      subject = await subjectOf(options, { stdin: process.stdin, stdout: process.stderr, stderr: { write: () => true }, env: process.env, cwd: process.cwd() }, audio, abort.signal)
      return { kind: 'prepared', audio: { seconds: audio.seconds, form: audio.form }, silent: audio.silent, warnings: audio.warnings, launches: subject.plan.launches, freshEveryRun: subject.engine.freshEveryRun }
    }
    if (subject === null) throw new Error('Nothing is prepared.')
    if (request.kind === 'open') {
      instance?.stop()
      instance = null
      instance = await subject.engine.open()
      subject.opened(instance)
      return { kind: 'opened', first: await instance.run(), loadMs: instance.loadMs }
    }
    if (instance === null) throw new Error('Nothing is open.')
    if (request.kind === 'run') return { kind: 'ran', one: await watched(instance) }
    const placement = request.place && subject.plan.place ? await instance.placement() : []
    const onDevice = placement.some(({ provider }) => tierOf(shortName(provider)) === 'gpu')
    const agreement = onDevice && instance.compare ? await instance.compare() : null
    return { kind: 'told', told: { target: subject.target(), workload: subject.workload, provider: subject.provider({ ...NOTHING, placement }), agreement } }
  }

  const failed = (error: unknown): Answer => {
    const refused = error instanceof CannotMeasure && subject !== null ? subject.refused(error) : null
    const words = error instanceof Error ? error.message : String(error)
    const ours = error instanceof CannotMeasure || error instanceof BadAudio || error instanceof WrongCall
    return { kind: 'failed', error: ours ? words : `${(error as Error)?.name ?? 'Error'}: ${words}`, refused, memory: memoryCounts() }
  }

  const lines = createInterface({ input: process.stdin })
  let last: Promise<void> = Promise.resolve()
  lines.on('line', (line) => {
    last = last.then(() => answer(JSON.parse(line) as Request).catch(failed).then(say))
  })
  lines.once('close', end)
  say({ kind: 'hello', env: own(), user: name() })
}

/** One run between two passes of the yardstick, with what went on around it and around nothing else. */
async function watched(instance: Instance): Promise<OneRun> {
  const before = await instance.calibrate()
  const memory = memoryCounts()
  const sampler = watchLoad(() => instance.pids() ?? [], () => instance.ours?.() ?? [])
  const run = await instance.run()
  const load = sampler?.stop() ?? null
  const now = memoryCounts()
  const after = await instance.calibrate()
  return {
    run,
    calibration: before && after && { wallMs: (before.wallMs + after.wallMs) / 2, cpuMs: (before.cpuMs + after.cpuMs) / 2 },
    load,
    memory: { limitHits: difference(now.limitHits, memory.limitHits), killed: difference(now.killed, memory.killed) },
  }
}

const difference = (after: number | null, before: number | null) => (after === null || before === null ? null : after - before)

/** The variables come through the pipe: on a command line, or in a property of a unit, anybody could read them. */
function replaced(errand: Errand): Errand {
  if (errand.env !== null) {
    for (const key of Object.keys(process.env)) delete process.env[key]
    Object.assign(process.env, errand.env)
  }
  return errand
}

const own = () => Object.fromEntries(Object.entries(process.env).filter((each): each is [string, string] => each[1] !== undefined))

/** A user of DynamicUser= may have no entry that Node can read. */
function name(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.geteuid?.() ?? '?'}`
  }
}
