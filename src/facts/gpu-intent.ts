import { known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Env, Evidence, Fact } from '../types.ts'
import { context } from './context.ts'
import type { MappedFile } from './proc.ts'
import { process_ } from './process.ts'
import { target } from './target.ts'

/**
 * Whether the target asks for the GPU. A GPU build that lies there proves nothing: the CTranslate2 wheel is the same for both, and
 * people keep onnxruntime-gpu where they run on the CPU. So only words count (arguments, environment) and what is in memory.
 */
export interface GpuIntent {
  readonly asks: 'gpu' | 'cpu' | null
  /** What was seen that says so. Empty = nothing says either. */
  readonly evidence: readonly Evidence[]
  /** A driver's device node is on the machine. */
  readonly gpuPresent: boolean
}

export const gpuIntent: Fact<GpuIntent> = {
  id: 'gpu-intent',
  about: 'whether the target asks for the GPU, and whether there is one',
  gather: async (host, use) => {
    const [asked, of, process, ...nodes] = await Promise.all([
      use(target), use(context), known(use(process_)),
      ...['/dev/nvidiactl', '/dev/dxg', '/proc/driver/nvidia/version'].map((path) => known(host.stat(path))),
    ])
    const gpuPresent = nodes.some((node) => node.known && node.value !== null)
    // Naming a library is asking about it.
    if (asked.kind === 'library') return { asks: 'gpu', evidence: [{ source: question.target(), saw: asked.path }], gpuPresent }
    // A shell is not a program: its variables are nobody's wish yet.
    if (asked.kind === 'shell') return { asks: null, evidence: [], gpuPresent }
    const running = process.known ? process.value : null
    const maps = running?.maps.known ? running.maps.value : []
    const argvSource = running === null ? of.envSource : question.read(`${running.folder}/cmdline`)
    const launchers = (running?.launchers ?? []).flatMap(({ argv, source }) => wordsOf(argv, source))
    const signs = [...wordsOf(of.argv, argvSource), ...launchers, ...(of.env.known ? variablesOf(of.env.value, of.envSource) : []), ...mapsSigns(maps, running === null ? '' : question.read(`${running.folder}/maps`))]
    // What is in memory outweighs words; an explicit "cpu" outweighs a general hint such as NVIDIA_VISIBLE_DEVICES.
    const asks = signs.find((s) => s.weight === 2)?.asks ?? signs.find((s) => s.asks === 'cpu')?.asks ?? signs[0]?.asks ?? null
    return { asks, evidence: signs.filter((s) => s.asks === asks).map(({ source, saw }) => ({ source, saw })), gpuPresent }
  },
}

interface Sign extends Evidence {
  readonly asks: 'gpu' | 'cpu'
  readonly weight: 1 | 2
}

const GPU_WORD = /(?:^|[=:,_-])(?:cuda|gpu|tensorrt)(?:$|[=:,]|:\d+)/i
const CPU_WORD = /^(?:--?(?:(?:no|disable|without)[-_](?:gpu|cuda)|ng|cpu|(?:use|force)[-_]cpu|cpu[-_]only)|--?(?:device|providers?|ep|backend|execution-provider)=cpu|--?(?:use[-_])?(?:gpu|cuda)=(?:0|false|off|no|none))$/i
const SWITCH = /^--?(?:use[-_])?(?:gpu|cuda)$/i

/** Arguments: `--device cuda`, `--provider=cuda`, `--gpu`, `--no-gpu`. The program's own name is no wish. */
export function wordsOf(argv: readonly string[], source: string): readonly Sign[] {
  return argv.slice(1).flatMap((word, at, all): Sign[] => {
    const before = all[at - 1] ?? ''
    const after = all[at + 1] ?? ''
    const saw = /^--?[\w-]+$/.test(before) && !word.startsWith('-') ? `${before} ${word}` : word
    if (SWITCH.test(word) && /^(?:false|off|no|none)$/i.test(after)) return [{ asks: 'cpu', weight: 1, source, saw: `${word} ${after}` }]
    // `--gpu 0` is the first device here and "off" there.
    if (SWITCH.test(word) && after === '0') return []
    const option = /^--?(?:device|providers?|ep|backend|execution-provider)\b/i.test(saw)
    if (CPU_WORD.test(word) || (option && /[= ]cpu$/i.test(saw))) return [{ asks: 'cpu', weight: 1, source, saw }]
    // A path or a sentence that holds the letters is no wish.
    return !word.includes('/') && !/\s/.test(word) && GPU_WORD.test(word) ? [{ asks: 'gpu', weight: 1, source, saw }] : []
  })
}

/** Variables: CUDA_VISIBLE_DEVICES has a documented meaning; others count when the name says device and the value says which. */
export function variablesOf(env: Env, source: string): readonly Sign[] {
  return Object.entries(env).flatMap(([name, value]): Sign[] => {
    const sign = (asks: 'gpu' | 'cpu'): Sign[] => [{ asks, weight: 1, source, saw: `${name}=${value}` }]
    if (name === 'CUDA_VISIBLE_DEVICES') return sign(value === '' || value === '-1' || value === 'NoDevFiles' ? 'cpu' : 'gpu')
    if (name === 'NVIDIA_VISIBLE_DEVICES') return value === '' || value === 'void' || value === 'none' ? [] : sign('gpu')
    if (!/(?:DEVICE|PROVIDER|BACKEND|ACCELERATOR|GPU)S?$/.test(name)) return []
    if (/^(?:cuda|gpu|tensorrt|CUDAExecutionProvider)(?::\d+)?$/i.test(value)) return sign('gpu')
    return /^(?:cpu|CPUExecutionProvider)$/i.test(value) ? sign('cpu') : []
  })
}

/**
 * Memory: ONNX Runtime maps libonnxruntime_providers_shared.so only when a session asks for a provider of its own file, but in Python
 * at every import; the driver is mapped only by a program that reached for it. The toolkit's libraries prove nothing beside torch, which links them for the CPU too.
 */
export function mapsSigns(maps: readonly MappedFile[], source: string): readonly Sign[] {
  const has = (name: RegExp) => maps.find(({ path }) => name.test(path.slice(path.lastIndexOf('/') + 1)))
  const sign = has(/^libonnxruntime_providers_cuda\.so/) ?? has(/^libcuda\.so/) ?? (triedForCuda(maps) ? has(SHARED) : undefined) ?? (has(/^libtorch/) ? undefined : has(/^lib(?:cudart|cublas|cublasLt)\.so/))
  return sign === undefined ? [] : [{ asks: 'gpu', weight: 2, source, saw: sign.path }]
}

const SHARED = /^libonnxruntime_providers_shared\.so/

/**
 * The bridge of ONNX Runtime's providers is in memory and nothing else accounts for it: not another provider, and not the Python
 * package, whose extension module opens the bridge when it is imported, in the CPU builds as well (1.17 to 1.31).
 */
export const triedForCuda = (maps: readonly MappedFile[]): boolean => {
  const names = maps.map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
  return names.some((name) => SHARED.test(name)) && !names.some((name) => /^libonnxruntime_providers_(?!shared|cuda|tensorrt)\w+\.so|^onnxruntime_pybind11_state\b/.test(name))
}
