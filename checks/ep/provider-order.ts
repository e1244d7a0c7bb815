import { defineCheck, question, type Evidence, type Finding, type Immutable } from '../../src/index.ts'
import { context } from '../../src/facts/context.ts'
import { gpuIntent } from '../../src/facts/gpu-intent.ts'
import { process_ } from '../../src/facts/process.ts'
import { program } from '../../src/facts/program.ts'
import { maybe } from '../../src/facts/maybe.ts'
import { sourceEngine } from '../../src/facts/source-engine.ts'

const CPU_FIRST = /CPUExecutionProvider\W+CUDAExecutionProvider/

export default defineCheck({
  id: 'ep/provider-order',
  title: 'The providers of ONNX Runtime are named in an order that does harm',
  docs: {
    what: "Looks at the command line, the variables and the service's own Python source (what was started and what it imports, not what lies beside it) for a list of providers in which the CPU comes before CUDA, or TensorRT first without a cache of its engines.",
    why: 'The order is the order of preference. The CPU provider takes every node, so that behind it CUDA gets none, and is loaded all the same. TensorRT builds its engines anew at each start and for each new shape, which takes minutes, unless trt_engine_cache_enable is set.',
    remedy: "Name CUDAExecutionProvider first and CPUExecutionProvider last; give TensorRT its cache, or leave it out.",
    links: ['https://onnxruntime.ai/docs/api/python/api_summary.html', 'https://onnxruntime.ai/docs/execution-providers/TensorRT-ExecutionProvider.html'],
  },
  fixes: 'always',
  needs: { program, context, gpuIntent, process_, source: maybe(sourceEngine) },
  run: ({ context, gpuIntent: intent, process_: running, source }) => {
    if (intent.asks === 'cpu') return { status: 'not-applicable', because: 'It asks for the CPU.' }
    const words = context.argv.slice(1).join(' ')
    const wordsSource = running === null ? context.envSource : question.read(`${running.folder}/cmdline`)
    const env = context.env.known ? Object.entries(context.env.value) : []
    const lines = source.known ? source.value.lines.map(({ file, line, text, kind, reach, loose }) => ({ kind, where: `${file}:${line}`, runs: reach === 'script' && loose !== true, evidence: { source: source.value.source, saw: `${file}:${line}: ${text}` } })) : []
    const cpuFirst: readonly Place[] = [
      ...(CPU_FIRST.test(words) ? [{ where: 'Its command line', runs: true, evidence: { source: wordsSource, saw: CPU_FIRST.exec(words)![0] } }] : []),
      ...env.flatMap(([name, value]) => (CPU_FIRST.test(value) ? [{ where: name, runs: true, evidence: { source: context.envSource, saw: `${name}=${value}` } }] : [])),
      ...lines.filter(({ kind }) => kind === 'cpu-first'),
    ]
    if (cpuFirst.length > 0) return [behindTheCpu(cpuFirst, intent.gpuPresent)]
    const cached = env.some(([name, value]) => name === 'ORT_TENSORRT_ENGINE_CACHE_ENABLE' && value === '1')
    const tensorrt = lines.filter(({ kind }) => kind === 'tensorrt-first')
    const installed = source.known && source.value.python.distributions.some(({ name }) => /^tensorrt\b/.test(name))
    if (tensorrt.length > 0 && installed && !cached) return [builtAnew(tensorrt)]
    return lines.length > 0 || source.known ? [] : { status: 'not-applicable', because: source.because }
  },
})

interface Place {
  readonly where: string
  /** It is what was started, and not a file that it imports or a list that no call is seen to take. */
  readonly runs: boolean
  readonly evidence: Immutable<Evidence>
}

const seen = (places: readonly Place[]): Finding['evidence'] => places.slice(0, 3).map(({ evidence }) => evidence) as unknown as Finding['evidence']

const behindTheCpu = (places: readonly Place[], gpuPresent: boolean): Finding => ({
  severity: gpuPresent && places.some(({ runs }) => runs) ? 'error' : 'warning',
  // A line of source need not be one that is reached.
  confidence: places.some(({ runs }) => runs) ? 'likely' : 'possible',
  cause: `${places[0]!.where} names CPUExecutionProvider before CUDAExecutionProvider, so every node of such a session goes to the CPU, although CUDA is asked for.`,
  evidence: seen(places),
  refuted: [{ hypothesis: 'CUDA is in the list of providers, so it is used', because: 'The list is an order of preference, and the CPU provider takes every node.' }],
  fixes: [{ title: 'Name CUDAExecutionProvider first', safety: 'manual', edits: [], then: ["providers=['CUDAExecutionProvider', 'CPUExecutionProvider']", 'Restart the service.'] }],
})

const builtAnew = (places: readonly Place[]): Finding => ({
  severity: 'info',
  confidence: places.some(({ runs }) => runs) ? 'likely' : 'possible',
  cause: `${places[0]!.where} names TensorRT first and nowhere its cache of engines, so they are built anew at each start and for each new shape, which takes minutes.`,
  evidence: seen(places),
  fixes: [{ title: 'Give TensorRT a cache, or leave it out', safety: 'manual', edits: [], then: ["('TensorrtExecutionProvider', {'trt_engine_cache_enable': True, 'trt_engine_cache_path': '/var/cache/NAME'})", 'Or in the environment: ORT_TENSORRT_ENGINE_CACHE_ENABLE=1 and ORT_TENSORRT_CACHE_PATH.'] }],
})
