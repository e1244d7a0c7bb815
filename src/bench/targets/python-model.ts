import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { WrongCall } from '../../wrong-call.ts'
import type { Prepared } from '../audio/prepare.ts'
import { samplesOf } from '../audio/samples.ts'
import type { BenchOptions } from '../command.ts'
import type { Engine } from '../engine.ts'
import { NotInstalled, pythonLibrary, type LibraryJob, type PythonLibrary } from '../engines/python/library.ts'
import type { PythonEngineName } from '../names.ts'
import { shortName, tierOf } from '../providers.ts'
import type { Subject } from '../subject.ts'
import { tempFolder } from '../temp-folder.ts'
import { windows } from './python.ts'

/** The user's own model in the user's own library, in the user's own Python. */
export function pythonModelTarget(python: string, typed: string, options: BenchOptions, cwd: string, audio: Prepared, signal: AbortSignal): Subject & { remove(): void } {
  const path = resolve(cwd, typed)
  const named = !existsSync(path)
  const name = named ? engineOfName(typed, options.engine) : (options.engine ?? engineOf(path, typed))
  const asked = options.provider.length === 0 ? ['auto'] : options.provider.map(shortName)
  const device = asked[0]!
  if (asked.length > 1 || (device !== 'auto' && device !== 'cpu' && device !== 'cuda')) throw new WrongCall(`--provider ${asked.join(',')}: ${name} takes one of auto, cpu and cuda.`)
  const samples = samplesOf(audio)
  const folder = tempFolder()
  const common = { model: named ? typed : path, named, device, threads: options.threads ?? null, samples: folder.write('samples.f32', samples) } as const
  const engineNamed = (name: PythonEngineName): Engine<PythonLibrary> =>
    pythonLibrary(python, name, { ...common, windows: name === 'ctranslate2' ? windows(samples, melsOf(path)).map((data, i) => folder.write(`mel${i}.f32`, data)) : [] } satisfies LibraryJob, signal)
  let engine = engineNamed(name)
  let last: PythonLibrary | null = null
  return {
    engine: {
      freshEveryRun: false,
      open: async () => {
        try {
          return await engine.open()
        } catch (error) {
          // The same model file is read by CTranslate2, which may be there without it.
          if (!(error instanceof NotInstalled) || name !== 'faster-whisper' || named || options.engine !== undefined) throw error
          const below = engineNamed('ctranslate2')
          const opened = await below.open().catch((second: unknown) => Promise.reject(second instanceof NotInstalled ? error : second))
          engine = below
          return opened
        }
      },
    },
    plan: { launches: 3, runs: options.runs ?? null, place: false },
    workload: typed,
    target: () => {
      const facts = last?.facts()
      return { kind: 'python', name: typed, runtime: facts ? `${facts.library} in Python ${last!.python}` : null, threads: options.threads ?? null, ...(facts?.precision ? { precision: facts.precision } : {}) }
    },
    provider: () => {
      const used = last?.facts().device ?? null
      return { asked, used, tier: used === null ? null : tierOf(used), because: used !== null && device !== 'auto' && used !== device ? `${last!.facts().library} put the model on ${used}.` : null, how: null, placement: [] }
    },
    opened: (instance) => (last = instance as PythonLibrary),
    refused: ({ refusal }) => (refusal === null ? null : { asked, used: null, tier: null, because: refusal.error, how: null, placement: [] }),
    remove: folder.remove,
  }
}

/** A name means another model to each library, or none. */
function engineOfName(typed: string, engine: PythonEngineName | undefined): PythonEngineName {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(typed) || /^\.{1,2}(\/|$)/.test(typed)) throw new WrongCall(`--model ${typed}: there is no such file or folder.`)
  if (engine === undefined) throw new WrongCall(`--model ${typed}: there is no such file or folder. If it is the name of a model, say whose with --engine faster-whisper, openai-whisper, transformers or nemo.`)
  if (engine === 'ctranslate2') throw new WrongCall(`--model ${typed}: there is no such folder, and ctranslate2 knows no models by name.`)
  return engine
}

/** Whose a model is, by its files. */
function engineOf(path: string, typed: string): PythonEngineName {
  const folder = statSync(path).isDirectory()
  const files = folder ? readdirSync(path) : [typed]
  const has = (end: RegExp) => files.some((file) => end.test(file))
  if (folder && has(/^model\.bin$/) && has(/^config\.json$/)) return 'faster-whisper'
  if (folder && has(/^config\.json$/) && has(/^(model|pytorch_model)([-\d]\S*)?\.(safetensors|bin)$/)) return 'transformers'
  if (!folder && has(/\.pt$/)) return 'openai-whisper'
  if (!folder && has(/\.nemo$/)) return 'nemo'
  if (has(/\.onnx$/)) throw new WrongCall(`--model ${typed} is in ONNX: leave --python out to run it on onnxruntime-node. On the onnxruntime of a Python, bench runs the built-in networks only.`)
  throw new WrongCall(`--model ${typed}: no library is known for it. For --python it is a folder of CTranslate2 (model.bin and config.json) or transformers (config.json and model.safetensors), a .pt of openai-whisper or a .nemo; or name the library with --engine.`)
}

/** Whisper large-v3 and its kin hear 128 mel channels; the folder says so where it differs from 80. */
function melsOf(folder: string): 80 | 128 {
  try {
    return (JSON.parse(readFileSync(join(folder, 'preprocessor_config.json'), 'utf8')) as { feature_size?: number }).feature_size === 128 ? 128 : 80
  } catch {
    return 80
  }
}
