import type { EngineProbe, ProbedEngine, ProbeReading, TriedModel, TriedSession, WatchedGpu } from './types.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Fields = Readonly<Record<string, Json>>

const ENGINES: readonly ProbedEngine[] = ['onnxruntime', 'ctranslate2', 'torch', 'sherpa-onnx', 'whisper.cpp']

const isFields = (value: Json | undefined): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null)
const number = (value: Json | undefined): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
const rows = (value: Json | undefined): readonly Fields[] => (Array.isArray(value) ? (value as readonly Json[]).filter(isFields).slice(0, 64) : [])
const texts = (value: Json | undefined): readonly string[] => (Array.isArray(value) ? (value as readonly Json[]).flatMap((each) => text(each) ?? []).slice(0, 64) : [])

/** What the script answered. The interpreter is the service's own and may answer what it likes: null = that is no answer. */
export function probeOf(value: Json): ProbeReading | null {
  if (!isFields(value) || text(value['python']) === null || !Array.isArray(value['engines'])) return null
  return { python: text(value['python'])!, spared: text(value['spared']), noNvml: text(value['noNvml']), driver: text(value['driver']), engines: rows(value['engines']).flatMap((each) => engineOf(each) ?? []) }
}

function engineOf(of: Fields): EngineProbe | null {
  const engine = ENGINES.find((each) => each === of['engine'])
  if (engine === undefined) return null
  const has = (name: string) => of[name] !== undefined
  return {
    engine,
    version: text(of['version']),
    end: text(of['end']) ?? 'late',
    step: text(of['step']) ?? '',
    error: text(of['error']),
    said: texts(of['said']),
    gpus: rows(of['gpus']).map(gpuOf),
    ...(has('available') ? { available: texts(of['available']) } : {}),
    ...(has('sessions') ? { sessions: rows(of['sessions']).map(sessionOf) } : {}),
    ...(has('devices') ? { devices: number(of['devices']) } : {}),
    ...(has('cudaTypes') ? { cudaTypes: texts(of['cudaTypes']) } : {}),
    ...(has('models') ? { models: rows(of['models']).map(modelOf) } : {}),
    ...(has('builtFor') ? { builtFor: text(of['builtFor']) } : {}),
    ...(has('archs') ? { archs: texts(of['archs']) } : {}),
    ...(has('capabilities') ? { capabilities: texts(of['capabilities']) } : {}),
    ...(has('work') ? { work: text(of['work']) } : {}),
    ...(has('systemInfo') ? { systemInfo: text(of['systemInfo']) ?? '' } : {}),
  }
}

function sessionOf(of: Fields): TriedSession {
  return {
    model: text(of['model']),
    wanted: texts(of['wanted']),
    got: Array.isArray(of['got']) ? texts(of['got']) : null,
    error: text(of['error']),
    placed: rows(of['placed']).map((each) => ({ provider: text(each['provider']) ?? '?', nodes: number(each['nodes']) ?? 0 })),
    cpuOps: rows(of['cpuOps']).map((each) => ({ op: text(each['op']) ?? '?', nodes: number(each['nodes']) ?? 0 })),
    copies: number(of['copies']) ?? 0,
    runs: number(of['runs']),
    runError: text(of['runError']),
    right: typeof of['right'] === 'boolean' ? of['right'] : null,
    ...watched(of),
  }
}

const modelOf = (of: Fields): TriedModel => ({ model: text(of['model']) ?? '?', device: text(of['device']), computeType: text(of['computeType']), error: text(of['error']), runs: number(of['runs']), ...watched(of) })
const watched = (of: Fields): { readonly gpus?: readonly WatchedGpu[] } => (Array.isArray(of['gpus']) ? { gpus: rows(of['gpus']).map(gpuOf) } : {})

function gpuOf(of: Fields): WatchedGpu {
  const clock = Array.isArray(of['smClockMhz']) ? (of['smClockMhz'] as readonly Json[]).flatMap((each) => number(each) ?? []) : []
  return {
    name: text(of['name']) ?? '?',
    seen: of['seen'] === true,
    ownSm: number(of['ownSm']),
    ownMemoryBytes: number(of['ownMemoryBytes']),
    allSm: number(of['allSm']),
    smClockMhz: clock.length === 2 ? [clock[0]!, clock[1]!] : null,
    throttle: number(of['throttle']) ?? 0,
    samples: number(of['samples']) ?? 0,
  }
}
