import { known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Fact } from '../types.ts'
import type { Signs } from '../verdict/signs.ts'
import { engines } from './engines.ts'
import { gpuIntent, triedForCuda } from './gpu-intent.ts'
import { logs } from './log.ts'
import { modelFiles } from './model-files.ts'
import { process_ } from './process.ts'
import { profiles } from './profile.ts'
import { target } from './target.ts'
import { unitState } from './unit-state.ts'

/** What is known of the running inference, from every side. What cannot be seen is left out: it speaks for nothing. */
export type Session = Omit<Signs, 'outcomes'>

const ENGINE = /\/(lib)?(onnxruntime|ctranslate2|sherpa-onnx|whisper|ggml|torch_cpu|torch_cuda)/

export const session: Fact<Session> = {
  id: 'session',
  about: 'what speaks for or against work on the GPU',
  gather: async (_host, use) => {
    const asked = await use(target)
    // A shell is no program, and files alone may come from another machine: neither is asked what runs here.
    const here = asked.kind === 'unit' || asked.kind === 'pid'
    const [log, model, profile, unit, wish, running, libraries] = await Promise.all([
      known(use(logs)),
      known(use(modelFiles)),
      known(use(profiles)),
      here ? known(use(unitState)) : null,
      here ? known(use(gpuIntent)) : null,
      here ? known(use(process_)) : null,
      here ? known(use(engines)) : null,
    ])
    const maps = running?.known && running.value !== null && running.value.maps.known ? running.value.maps.value : []
    // What lies beside a running program and is not in its memory is not part of it; of one that does not run nothing more is known.
    const near = (libraries?.known ? libraries.value : []).filter((each) => each.loaded || (running?.known === true && running.value === null))
    const loaded = maps.find(({ path }) => /\/libonnxruntime_providers_(cuda|tensorrt|nv_tensorrt_rtx)\.so/.test(path))
    const mapsSource = running?.known && running.value !== null ? question.read(`${running.value.folder}/maps`) : ''
    return {
      logs: (log.known ? log.value : []).flatMap(({ asked: by, name, reading }) => (reading.known ? [{ asked: by, name, reading: reading.value }] : [])),
      models: (model.known ? model.value : []).flatMap(({ asked: by, path, how, file }) => (file.known && file.value.format === 'onnx' ? [{ asked: by, path, certain: how !== 'folder', model: file.value }] : [])),
      profiles: (profile.known ? profile.value : []).flatMap(({ asked: by, path, reading }) => (reading.known ? [{ asked: by, path, reading: reading.value }] : [])),
      concerns: asked.files !== undefined || (wish?.known === true && wish.value.asks === 'gpu') || near.length > 0 || maps.some(({ path }) => ENGINE.test(path)),
      usesOnnx: near.some(({ engine }) => engine === 'onnxruntime' || engine === 'sherpa-onnx') || maps.some(({ path }) => /\/(lib)?onnxruntime/.test(path)),
      onnxRuntime: (libraries?.known ? libraries.value : []).find(({ engine, version }) => engine === 'onnxruntime' && version !== null)?.version ?? null,
      asks: wish?.known ? { asks: wish.value.asks, evidence: wish.value.evidence } : null,
      gpuPresent: wish?.known ? wish.value.gpuPresent : null,
      provider: loaded !== undefined ? { state: 'loaded', evidence: { source: mapsSource, saw: loaded.path } } : triedForCuda(maps) ? { state: 'tried', evidence: { source: mapsSource, saw: maps.find(({ path }) => /providers_shared/.test(path))!.path } } : null,
      unit: unit?.known && unit.value !== null ? { name: unit.value.name, scope: unit.value.scope, source: unit.value.source, properties: unit.value.properties } : null,
    }
  },
}
