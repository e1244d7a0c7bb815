import { known } from '../cannot-see.ts'
import { basename, dirname } from '../paths.ts'
import { question } from '../question.ts'
import type { Evidence, Fact, Host } from '../types.ts'
import { context, type Context } from './context.ts'
import { engines, isGpuPart, type EngineLibrary } from './engines.ts'
import { gpuIntent } from './gpu-intent.ts'
import { loader } from './loader.ts'
import { process_ } from './process.ts'
import { target } from './target.ts'

/** A build of an engine that has no part for a GPU, as its files show it. */
export interface CpuBuild {
  readonly engine: 'whisper.cpp' | 'onnxruntime' | 'sherpa-onnx'
  readonly path: string
  readonly evidence: readonly [Evidence, ...Evidence[]]
}

const WHISPER_CPP = /^whisper-(cli|server|stream|command|bench)$/
/** Parts for a GPU that a build of ggml is linked with, or opens. libcuda, libcudart and libcublas are CUDA's own. */
const GPU_LIBRARY = /^lib(?:ggml-(?:cuda|hip|musa|vulkan|sycl|opencl|metal|cann|webgpu)|cuda|cudart|cublas|cublasLt|amdhip64|hipblas|rocblas|vulkan|OpenCL|sycl)\.so/

/** Words that name CUDA. A list of visible devices is set for whole machines, and a library in memory may serve another engine. */
export const namesCuda = ({ evidence }: { readonly evidence: readonly Evidence[] }): boolean => evidence.some(({ saw }) => /cuda|tensorrt/i.test(saw) && !/^(?:CUDA|NVIDIA)_VISIBLE_DEVICES=|^\//.test(saw))

/** null = none is seen, which is no proof that there is none. Asked only of what is to use a GPU. */
export const cpuBuild: Fact<CpuBuild | null> = {
  id: 'cpu-build',
  about: 'an engine whose files hold no part for a GPU',
  gather: async (host, use) => {
    const asked = await use(target)
    if (asked.kind !== 'unit' && asked.kind !== 'pid') return null
    const [intent, of] = await Promise.all([known(use(gpuIntent)), known(use(context))])
    if (!intent.known || !of.known || intent.value.asks === 'cpu') return null
    const [start, libraries] = await Promise.all([known(use(loader)), known(use(engines))])
    const found = libraries.known ? libraries.value : []
    // whisper.cpp asks for a GPU by itself; where there is none, nothing is amiss.
    if (intent.value.gpuPresent && WHISPER_CPP.test(basename(of.value.exe ?? '')) && start.known) return whisperCpp(host, of.value, start.value.memory.objects.map(({ path }) => path), found)
    if (intent.value.asks !== 'gpu' || !namesCuda(intent.value)) return null
    // A CPU build of ONNX Runtime opens no library of CUDA: whoever did works on the GPU by other means.
    const process = await known(use(process_))
    const maps = process.known && process.value?.maps.known ? process.value.maps.value : []
    return maps.some(({ path }) => /^lib(?:cuda|cudart|cublas|nvinfer)\.so/.test(basename(path))) ? null : runtime(found)
  },
}

async function whisperCpp(host: Host, of: Context, linked: readonly string[], found: readonly EngineLibrary[]): Promise<CpuBuild | null> {
  const path = of.exe!
  if (linked.length === 0 || linked.some((each) => GPU_LIBRARY.test(basename(each)))) return null
  // Built with GGML_BACKEND_DL it opens whatever lies in its folder (ggml-backend-reg.cpp), and links no libggml-cpu.
  const opens = linked.some((each) => /^libggml-base[-.]/.test(basename(each))) && !linked.some((each) => /^libggml-cpu[-.]/.test(basename(each)))
  const beside = opens ? await known(host.list(of.root + dirname(path))) : null
  if (found.some(({ engine, path: each }) => engine === 'ggml' && isGpuPart({ path: each })) || (opens && !beside!.known) || (beside?.known && (beside.value ?? []).some((name) => GPU_LIBRARY.test(name)))) return null
  // CUDA may be linked in whole; its kernels are in the program then.
  const code = await known(host.digest('gpu-code', of.root + path))
  if (!code.known || code.value !== null) return null
  return { engine: 'whisper.cpp', path, evidence: [{ source: question.linkage(of.root + path), saw: `linked with ${linked.slice(1).map(basename).filter((name) => /ggml|whisper/.test(name)).join(', ') || 'no library of ggml'}, none of them for a GPU` }, { source: question.digest('gpu-code', of.root + path), saw: 'no code for a GPU' }] }
}

/** Beside another engine ONNX Runtime often serves voice detection alone, on the CPU as it should. */
function runtime(found: readonly EngineLibrary[]): CpuBuild | null {
  const own = found.filter(({ engine }) => engine === 'onnxruntime' || engine === 'sherpa-onnx')
  if (own.length === 0 || own.length < found.length || found.some((each) => isGpuPart(each))) return null
  const sherpa = own.find(({ engine }) => engine === 'sherpa-onnx')
  const shown = sherpa ?? own[0]!
  return { engine: sherpa === undefined ? 'onnxruntime' : 'sherpa-onnx', path: shown.path, evidence: [{ source: shown.foundBy, saw: `${shown.path}, and no libonnxruntime_providers_cuda.so in ${dirname(shown.path)}` }] }
}
